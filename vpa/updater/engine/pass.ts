import type { Hold } from '../../../core/model/decision.ts';
import { isServing, type PodRecord } from '../../../core/model/pod.ts';
import { amountOf, actualRequests, amountsOf, specRequests } from './amounts.ts';
import { boostedContainers, boostEnd, expiredBoosts } from './boost.ts';
import { cooldownRule } from './cooldown-rule.ts';
import { loopHold } from './eviction-loop.ts';
import type { ActionOutcome, ContainerChange, UpdateAction, UpdateMethod } from './model.ts';
import { holdRest, isLive, isOpen, lookAgain, skip, skipHeld, skipRest, trace, type Candidate, type PassState } from './pass-state.ts';
import { unready, untouchable } from './policy-holds.ts';
import { percentText } from './gate.ts';
import type { InPlaceVerdict } from './replica-groups.ts';
import { isInfeasible, review, selected } from './selection.ts';

/** Answers actions one by one; what came of each is handed in before the next one is asked for. */
export type Steps = Generator<UpdateAction, void, ActionOutcome>;

/** One pass over the pods of a policy (§5.1 step 5): ends of boosts, then in place, then evictions. */
export function* passOver(state: PassState): Steps {
  for (const pod of state.input.pods) if (!isLive(pod)) skip(state, pod, { code: 'gone', message: notLiveText(pod) });
  const held = untouchable(state);
  if (held !== undefined) {
    holdRest(state, held);
    return;
  }
  yield* unboost(state);
  if (state.ended === undefined) yield* update(state);
  if (state.ended !== undefined) holdRest(state, state.ended);
}

function notLiveText({ name, nodeName, deleted, phase }: PodRecord): string {
  if (deleted !== undefined) return `pod ${name} is being deleted`;
  return nodeName === undefined ? `pod ${name} is not on a node yet` : `pod ${name} has ended (${phase})`;
}

/** Takes back the start-up boosts that are over (§5.7); whatever the mode is. */
function* unboost(state: PassState): Steps {
  const { input, live, groups } = state;
  const { policy } = state.known;
  for (const pod of live) {
    const boosted = boostedContainers(pod);
    if (boosted.length === 0) continue;
    const expired = expiredBoosts(policy, pod, input.now);
    if (expired.length === 0) {
      for (const container of boosted) lookAgain(state, boostEnd(policy, pod, container));
      skip(state, pod, { code: 'boosted', message: `pod ${pod.name} has more CPU while it starts (${boosted.join(', ')})` });
      continue;
    }
    const verdict = groups.canUnboost(pod);
    if (!verdict.ok) {
      skip(state, pod, { code: verdict.code, message: `the start-up boost of pod ${pod.name} is over: ${verdict.message}` });
      continue;
    }
    const why = `the start-up boost of container ${expired.join(', ')} of pod ${pod.name} is over`;
    const outcome = yield* act(state, { pod, method: 'unboost', changes: [], direction: undefined, why });
    if (mayBeDone(outcome)) groups.resized(pod);
    if (state.ended !== undefined) return;
  }
}

function* update(state: PassState): Steps {
  const { policy } = state.known;
  const { actuation } = policy;
  if (actuation === 'Off' || actuation === 'Initial') {
    const message = `updateMode is ${policy.updateMode}: running pods are left as they are`;
    skipRest(state, { code: 'mode', message });
    return;
  }
  const held = unready(state);
  if (held !== undefined) {
    holdRest(state, held);
    return;
  }
  const candidates = ordered(state);
  if (actuation === 'Recreate') {
    state.counts.evictable = candidates.length;
    yield* evictAll(state, candidates);
    return;
  }
  state.counts.resizable = candidates.length;
  const rest = yield* resizeAll(state, candidates);
  state.counts.evictable = rest.length;
  if (state.ended === undefined) yield* evictAll(state, rest);
}

/** Pods that may be touched and differ enough, the most urgent first. */
function ordered(state: PassState): readonly Candidate[] {
  const candidates = state.live.filter((pod) => isOpen(state, pod)).flatMap((pod) => reviewed(state, pod) ?? []);
  const touchable = candidates.filter((candidate) => mayBeTouched(state, candidate));
  const chosen = selected(touchable, state.known.policy);
  const left = new Set(touchable);
  for (const each of chosen) left.delete(each as Candidate);
  for (const { pod, gate } of left) skipUnchosen(state, pod, gate);
  return (chosen as readonly Candidate[]).filter((candidate) => changesSomething(state, candidate));
}

function skipUnchosen(state: PassState, pod: PodRecord, gate: Candidate['gate']): void {
  if (gate.pass) {
    const message = `pod ${pod.name} is not updated: the policy's evictionRequirements do not hold for what is recommended`;
    trace(state, pod, { step: 'eviction-requirements', message });
    skip(state, pod, { code: 'requirements', message });
  } else {
    lookAgain(state, gate.until);
    skip(state, pod, { code: gate.code, message: gate.message });
  }
}

/** What the recommendation comes to for the pod may be what it has, so that an eviction would bring back the same pod. */
function changesSomething(state: PassState, candidate: Candidate): boolean {
  const { pod } = candidate;
  if (state.known.policy.native) return true;
  const changes = changesOf(candidate).some(({ from, to }) => Object.entries(to).some(([resource, amount]) => from[resource] !== amount));
  if (!changes) skip(state, pod, { code: 'no-change', message: `pod ${pod.name} asks already for what it would be given` });
  return changes;
}

function reviewed(state: PassState, pod: PodRecord): Candidate | undefined {
  const { input, known } = state;
  const sized = state.sized(pod);
  if (sized === undefined) {
    skip(state, pod, { code: 'no-recommendation', message: `nothing is recommended for the containers of pod ${pod.name}` });
    return undefined;
  }
  const { adapted, priority } = sized;
  const own = review({
    policy: known.policy,
    pod,
    containers: adapted.containers,
    infeasible: input.memory.infeasible.get(pod.uid),
    priority,
    config: input.config,
    now: input.now,
  });
  const candidate: Candidate = { ...own, adapted };
  state.reviews.set(pod.uid, candidate);
  const { scaleUp, outsideRange, resourceDiff } = own.priority;
  trace(state, pod, {
    step: 'priority',
    message: `pod ${pod.name} ${scaleUp ? 'grows' : 'does not grow'}, differs by ${percentText(resourceDiff)} and is ${outsideRange ? 'outside of' : 'within'} its range`,
    values: { scaleUp, outsideRange, resourceDiff },
  });
  trace(state, pod, { step: 'gate', message: own.gate.message, values: { pass: own.gate.pass } });
  return candidate;
}

function mayBeTouched(state: PassState, { pod, containers }: Candidate): boolean {
  if (state.known.policy.actuation === 'Recreate') {
    const verdict = state.groups.canEvict(pod, state.input.now);
    if (!verdict.ok) skip(state, pod, { code: verdict.code, message: withSurge(state, verdict) });
    return verdict.ok;
  }
  const verdict = inPlaceVerdict(state, pod, containers);
  if (!isResizable(state, pod, verdict) && verdict.decision !== 'Evict') {
    skip(state, pod, { code: verdict.code, message: withSurge(state, verdict) });
    return false;
  }
  return true;
}

/** Nothing else than a resize is ever done. */
function onlyInPlace({ known }: PassState): boolean {
  return known.policy.actuation === 'InPlace';
}

/**
 * Whether a resize is asked for. In mode InPlace it is tried again whatever became of the last one. Upstream does so even where the disruption tolerance is used up; the house only
 * for a pod that is being resized anyway.
 */
function isResizable(state: PassState, pod: PodRecord, { decision, code }: InPlaceVerdict): boolean {
  if (decision === 'Approved') return true;
  if (!onlyInPlace(state) || decision === 'InfeasibleCached' || !state.groups.kept(pod).ok) return false;
  return state.known.policy.native || (pod.resize !== undefined && code !== 'pending' && state.groups.hasRoom(pod));
}

function inPlaceVerdict({ input, known, groups }: PassState, pod: PodRecord, containers: Candidate['containers']): InPlaceVerdict {
  const { actuation } = known.policy;
  const infeasible = isInfeasible(known.policy, input.memory.infeasible.get(pod.uid), containers);
  return groups.canInPlace(pod, { actuation, recommended: known.recommendation !== undefined, infeasible, now: input.now });
}

/** With what could be done about a single replica, or why it is not rolled although the policy asks for it. */
function withSurge({ known, input }: PassState, { code, message }: { readonly code: string; readonly message: string }): string {
  const { workload } = input;
  if (code !== 'too-few-replicas' || known.policy.native || workload?.replicas !== 1) return message;
  if (known.policy.singleReplica === 'Never') {
    return workload.surges
      ? `${message}; with singleReplica: Surge it is rolled so that a new pod is ready before the old one goes`
      : message;
  }
  return `${message}; singleReplica is Surge, but ${workload.reference.kind} ${workload.reference.name} does not start a new pod before the old one goes: that takes a Deployment with RollingUpdate and maxSurge of 1 or more`;
}

/** Resizes in place; answers the pods that are to be evicted instead. */
function* resizeAll(state: PassState, candidates: readonly Candidate[]): Generator<UpdateAction, readonly Candidate[], ActionOutcome> {
  const rest: Candidate[] = [];
  for (const candidate of candidates) {
    const { pod } = candidate;
    const verdict = inPlaceVerdict(state, pod, candidate.containers);
    if (goesToEviction(state, candidate, verdict)) {
      rest.push(candidate);
      continue;
    }
    if (!resizes(state, candidate, verdict)) continue;
    const held = heldBack(state, candidate);
    if (held !== undefined) {
      skipHeld(state, pod, held);
      continue;
    }
    if (verdict.decision === 'Infeasible') state.input.memory.infeasible.set(pod.uid, candidate.containers);
    const failed = yield* resize(state, candidate);
    if (state.ended !== undefined) return rest;
    if (failed) rest.push(candidate);
  }
  return rest;
}

/** Whether it could not be done and is to be done by eviction. */
function* resize(state: PassState, candidate: Candidate): Generator<UpdateAction, boolean, ActionOutcome> {
  const { pod } = candidate;
  const outcome = yield* act(state, actionOf(candidate, 'resize'));
  if (mayBeDone(outcome)) {
    state.groups.resized(pod);
    return false;
  }
  if (outcome.result !== 'failed') return false;
  if (!onlyInPlace(state)) {
    // It is decided anew whether it may be evicted.
    state.skips.delete(pod.uid);
    trace(state, pod, { step: 'resize', message: outcome.message });
    return true;
  }
  if (outcome.infeasible === true) state.input.memory.infeasible.set(pod.uid, candidate.containers);
  return false;
}

function goesToEviction(state: PassState, { pod }: Candidate, { decision }: InPlaceVerdict): boolean {
  if (onlyInPlace(state)) return false;
  // A roll gives a single replica its new size without a moment in which nobody serves.
  if (state.surging && decision === 'Approved' && pod.shape.containers.some(({ restartOnResize }) => restartOnResize.length > 0))
    return true;
  return decision === 'Evict';
}

function resizes(state: PassState, candidate: Candidate, verdict: InPlaceVerdict): boolean {
  const { pod } = candidate;
  if (!isResizable(state, pod, verdict)) {
    skip(state, pod, { code: verdict.code, message: verdict.message });
    return false;
  }
  if (!state.known.policy.native && hasAsked(candidate)) {
    if (verdict.decision === 'Infeasible') {
      state.input.memory.infeasible.set(pod.uid, candidate.containers);
      const message = `pod ${pod.name} could not be resized to as much: its node can never hold it (kubectl describe pod ${pod.name}); it is tried again when less is recommended`;
      skip(state, pod, { code: 'infeasible', message });
      return false;
    }
    skip(state, pod, { code: 'asked', message: `pod ${pod.name} has been resized; its node has not put it into force yet` });
    return false;
  }
  return true;
}

/** The spec says already what is to be set: asking once more changes nothing. */
function hasAsked({ pod, adapted, containers }: Candidate): boolean {
  return containers.every(({ container }) => {
    const spec = specRequests(pod, container);
    const wanted = adapted.resources.get(container)?.requests ?? {};
    return Object.entries(wanted).every(([resource, amount]) => {
      const asked = spec[resource];
      return asked !== undefined && amountOf(resource, asked) === amount;
    });
  });
}

function* evictAll(state: PassState, candidates: readonly Candidate[]): Steps {
  for (const candidate of candidates) {
    if (!isOpen(state, candidate.pod)) continue;
    yield* evict(state, candidate);
    if (state.ended !== undefined) return;
  }
}

function* evict(state: PassState, candidate: Candidate): Steps {
  const { pod } = candidate;
  const verdict = state.groups.canEvict(pod, state.input.now);
  if (!verdict.ok) {
    skip(state, pod, { code: verdict.code, message: withSurge(state, verdict) });
    return;
  }
  if (state.surging) {
    const rolling = rollingText(state);
    if (rolling !== undefined) {
      skip(state, pod, { code: 'rolling', message: rolling });
      return;
    }
  }
  const held = heldBack(state, candidate) ?? evictionHold(state, pod);
  if (held !== undefined) {
    skipHeld(state, pod, held);
    return;
  }
  const outcome = yield* act(state, actionOf(candidate, state.surging ? 'surge' : 'evict'));
  if (!mayBeDone(outcome)) return;
  state.groups.evicted(pod);
  state.budgets.taken(pod);
}

function rollingText({ input }: PassState): string | undefined {
  const { pods, target } = input;
  const there = pods.filter((pod) => pod.deleted === undefined);
  if (there.length === 1 && there.every(isServing)) return undefined;
  return `${target.kind} ${target.name} is not rolled now: ${there.length} pods are there instead of one that is Ready, a rollout may be under way`;
}

function evictionHold({ input, known, surging, budgets }: PassState, pod: PodRecord): Hold | undefined {
  if (input.outside.admission !== undefined && !known.policy.native) {
    const message = `pod ${pod.name} is not ${surging ? 'rolled' : 'evicted'}: it would come back as it was, because ${input.outside.admission}`;
    return { by: 'missing-data', message };
  }
  return surging ? undefined : budgets.refusal(pod);
}

/** What holds any update of the pod: it would change nothing, has changed nothing before, or is too soon after the last one. */
function heldBack(state: PassState, candidate: Candidate): Hold | undefined {
  const { input, known } = state;
  const { pod, priority, gate } = candidate;
  const loop = loopHold(input.memory.loop, input.now);
  if (loop !== undefined) {
    trace(state, pod, { step: 'eviction-loop', message: loop.message, values: { rounds: input.memory.loop.rounds } });
    return loop;
  }
  const rule = cooldownRule({
    policy: known.policy.cooldown,
    history: input.history,
    direction: priority.scaleUp ? 'up' : 'down',
    quickOom: gate.pass && gate.by === 'quick-oom',
    now: input.now,
  });
  if (rule === undefined) return undefined;
  trace(state, pod, rule.step);
  return rule.hold === undefined ? undefined : { ...rule.hold, message: `pod ${pod.name}: ${rule.hold.message}` };
}

/** What is not known to have failed has its place in the disruption tolerance. */
function mayBeDone({ result }: ActionOutcome): boolean {
  return result === 'done' || result === 'unknown';
}

function* act(state: PassState, action: UpdateAction): Generator<UpdateAction, ActionOutcome, ActionOutcome> {
  const { pod } = action;
  const outcome = yield action;
  switch (outcome.result) {
    case 'done':
      trace(state, pod, { step: action.method, message: action.why });
      state.actions.push(action);
      state.acted.add(pod.uid);
      break;
    case 'held':
      if (outcome.endsPass) state.ended = outcome.hold;
      skipHeld(state, pod, outcome.hold);
      break;
    case 'failed':
    case 'unknown':
      skip(state, pod, { code: 'failed', message: outcome.message });
      break;
    case 'gone':
      skip(state, pod, { code: 'gone', message: outcome.message });
      break;
  }
  return outcome;
}

function actionOf(candidate: Candidate, method: UpdateMethod): UpdateAction {
  const { pod, gate, priority } = candidate;
  return { pod, method, changes: changesOf(candidate), direction: priority.scaleUp ? 'up' : 'down', why: gate.message };
}

/** What the pod's containers ask for and what they would be set to. */
export function changesOf({ pod, adapted, containers }: Candidate): readonly ContainerChange[] {
  return containers.flatMap(({ container }) => {
    const to = adapted.resources.get(container)?.requests;
    return to === undefined ? [] : [{ container, from: amountsOf(actualRequests(pod, container)), to }];
  });
}
