import { conclude } from './conclusion.ts';
import { createDisruptionTracker } from './disruption-tracker.ts';
import { controllerLookup } from './drain.ts';
import type { ScaleDownInput, ScaleDownOptions, ScaleDownPass, ScaleDownResult, ScaleDownState } from './model.ts';
import { simulate } from './simulation.ts';
import { noteEnded, restoreUnneeded } from './state.ts';
import type { PassContext } from './survey.ts';
import { survey } from './survey.ts';

/** How a pass is run. */
export interface PassOptions {
  /** Milliseconds, monotonic: for slices and for the time limit of simulations. Without one a pass runs to its end at once. */
  readonly stopwatch?: (() => number) | undefined;
}

/**
 * One pass of scale-down over all nodes (§13): which are not needed, which of those go now and why the others stay. Deterministic; nothing
 * happens before the first {@link ScaleDownPass.step}.
 */
export function createScaleDownPass(
  input: ScaleDownInput,
  state: ScaleDownState,
  options: ScaleDownOptions,
  { stopwatch }: PassOptions = {},
): ScaleDownPass {
  let spent = 0;
  let began = 0;
  const sinceBegan = (): number => (stopwatch === undefined ? 0 : stopwatch() - began);
  const steps = run({ input, state, options, elapsed: () => spent + sinceBegan() });
  let result: ScaleDownResult | undefined;
  const step = (budgetMs = Infinity): boolean => {
    began = stopwatch?.() ?? 0;
    while (result === undefined) {
      const next = steps.next();
      if (next.done === true) result = next.value;
      else if (sinceBegan() >= budgetMs) break;
    }
    spent += sinceBegan();
    return result !== undefined;
  };
  return {
    step,
    result: () => {
      step();
      return result as ScaleDownResult;
    },
  };
}

interface Run {
  readonly input: ScaleDownInput;
  readonly state: ScaleDownState;
  readonly options: ScaleDownOptions;
  /** Milliseconds that the pass has worked. */
  readonly elapsed: () => number;
}

function* run({ input, state: before, options, elapsed }: Run): Generator<void, ScaleDownResult> {
  const { now } = input;
  const context: PassContext = {
    input,
    state: restoreUnneeded(noteEnded(before, input.deletions.ended), input.nodes, now, options),
    options,
    drain: { now, options, budgets: createDisruptionTracker(input.pdbs), controllerOf: controllerLookup(input.controllers) },
    groups: new Map(input.groups.map((group) => [group.id, group])),
  };
  const surveyed = yield* survey(context);
  const simulation = yield* simulate(context, surveyed, elapsed);
  return yield* conclude(context, surveyed, simulation);
}
