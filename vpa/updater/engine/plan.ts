import type { Hold } from '../../../core/model/decision.ts';
import { judgeRound, noteRound, refreshLoop, type LoopFacts, type LoopState } from './eviction-loop.ts';
import type { KnownPolicy } from '../../ports.ts';
import { decisionsOf, methodText } from './decisions.ts';
import { effectivePolicy } from './effective-policy.ts';
import type { ActionOutcome, UpdateAction, UpdateInput, UpdatePlan } from './model.ts';
import { passOver } from './pass.ts';
import { holdRest, passState, type PassState } from './pass-state.ts';
import { withheld } from './policy-holds.ts';

/** One pass over one policy, action by action: so that what fails makes room for the next one and what succeeds takes it. */
export interface UpdatePass {
  /** The policy with what it moves in this pass; patches are made by it. */
  readonly known: KnownPolicy;
  /** The next thing to be done; `undefined`: nothing more. */
  next(): UpdateAction | undefined;
  /** What came of it; before the next one is asked for. Without it, it counts as failed. */
  afterAction(outcome: ActionOutcome): void;
  /** What was done and what was left, once `next` has answered `undefined`. */
  plan(): UpdatePlan;
}

const unanswered: ActionOutcome = { result: 'failed', message: 'nobody said what came of it' };

export function createUpdatePass(input: UpdateInput): UpdatePass {
  const loop = judgedLoop(input);
  const dry = withheld(input);
  // What is not done leaves nothing to be remembered.
  const infeasible = dry === undefined ? input.memory.infeasible : new Map(input.memory.infeasible);
  const state = passState({ ...input, memory: { ...input.memory, infeasible, loop } });
  const steps = passOver(state);
  let outcome: ActionOutcome | undefined;
  let started = false;
  let finished = false;
  const step = (): UpdateAction | undefined => {
    const result = started ? steps.next(outcome ?? unanswered) : steps.next();
    started = true;
    outcome = undefined;
    if (result.done !== true) return result.value;
    finished = true;
    return undefined;
  };
  const next = (): UpdateAction | undefined => {
    if (finished) return undefined;
    if (dry === undefined) return step();
    for (let action = step(); action !== undefined; action = step()) outcome = { result: 'done' };
    return undefined;
  };
  return {
    known: state.known,
    next,
    afterAction: (result) => {
      outcome = result;
    },
    plan: () => {
      if (dry !== undefined) takeBack(state, dry);
      return planOf(state, loop);
    },
  };
}

/** The whole plan as if every action succeeded. Pure: what is remembered is left as it is. */
export function planUpdates(input: UpdateInput): UpdatePlan {
  const { resizing, infeasible, loop } = input.memory;
  const pass = createUpdatePass({ ...input, memory: { resizing: new Map(resizing), infeasible: new Map(infeasible), loop } });
  while (pass.next() !== undefined) pass.afterAction({ result: 'done' });
  return pass.plan();
}

/** In a dry run what would have been done is said, and was not. */
function takeBack(state: PassState, dry: Hold): void {
  for (const { pod, method, why } of state.actions) {
    const message = `pod ${pod.name} would be ${methodText[method]} (${why}), but ${dry.message}`;
    state.skips.set(pod.uid, { pod, code: 'held', message, hold: { ...dry, message } });
  }
  state.actions.length = 0;
  state.acted.clear();
  holdRest(state, dry);
}

function planOf(state: PassState, loop: LoopState): UpdatePlan {
  const { input, actions, skips, holds, counts } = state;
  return {
    actions: [...actions],
    skips: input.pods.flatMap(({ uid }) => skips.get(uid) ?? []),
    holds: [...holds],
    decisions: decisionsOf(state),
    loop: noteRound(loop, actions, { pods: input.pods, containers: state.known.recommendation?.containers ?? [], now: input.now }),
    counts: { controlled: state.live.length, ...counts },
    again: state.again,
  };
}

function judgedLoop({ known: whole, workload, outside, pods, adapt, config, memory }: UpdateInput): LoopState {
  const known = effectivePolicy(whole, { yields: outside.yields, workload });
  const { recommendation } = known;
  if (recommendation === undefined) return memory.loop;
  const facts: LoopFacts = {
    pods,
    containersOf: (pod) => adapt(known, pod)?.containers ?? [],
    threshold: config.updateThreshold,
  };
  return judgeRound(refreshLoop(memory.loop, recommendation.containers, facts), facts);
}
