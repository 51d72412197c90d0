import type { PodRecord, TraceStep } from '../../../core/model/index.ts';
import type { LoopEvent, OptionReport } from '../loop/model.ts';
import { breathe, withoutBreak, type Pace, type Pausing } from '../loop/pace.ts';
import type { Execution } from './execute.ts';
import { createPriceModel, type PriceModel } from './expanders/index.ts';
import type { ChosenOption, ScaleUpGroup, ScaleUpInput, ScaleUpResult, SizeChange } from './model.ts';
import { createPurchasePlan, type PurchasePlan } from './planned-nodes.ts';
import { compareText, sortedPods } from './pod-groups.ts';
import { notTriggered } from './events.ts';
import type { PodGroup } from './pod-groups.ts';
import type { PodReports } from './report.ts';
import type { Outlook, Progress, RoundPlan } from './round.ts';

/** What is gathered on the way. */
export interface Run {
  readonly pace: Pace;
  readonly input: ScaleUpInput;
  readonly prices: PriceModel;
  /** Groups that the cloud refused to increase. */
  readonly failed: Set<string>;
  /** What is to be bought; empty in upstream's way, in which nothing is placed. */
  readonly plan: PurchasePlan;
  /** Names of planned nodes that the cloud has agreed to. */
  readonly granted: Set<string>;
  readonly options: OptionReport[];
  readonly chosen: ChosenOption[];
  readonly increases: SizeChange[];
  readonly failures: Execution['failures'][number][];
  readonly helped: PodRecord[];
  readonly reports: PodReports;
  readonly events: LoopEvent[];
  readonly trace: TraceStep[];
  readonly took: Record<string, number>;
  readonly errors: string[];
}

export function createRun(given: ScaleUpInput): Run {
  // Upstream goes by the provider's order where it does not go by chance; ours is by id.
  const { compat } = given.options;
  const groups = compat === 'none' ? given.groups.toSorted((a, b) => compareText(a.group.id, b.group.id)) : given.groups;
  const input = { ...given, groups };
  return {
    pace: input.pace ?? withoutBreak,
    input,
    prices: createPriceModel(
      groups.flatMap(({ group, template }) => (template === undefined ? [] : [{ price: group.price, node: template.node }])),
    ),
    failed: new Set(),
    plan: createPurchasePlan(),
    granted: new Set(),
    options: [],
    chosen: [],
    increases: [],
    failures: [],
    helped: [],
    reports: new Map(),
    events: [],
    trace: [],
    took: {},
    errors: [],
  };
}

/** Books what was asked for and what came of it. */
export function record(run: Run, execution: Execution): void {
  for (const { change } of execution.failures) run.failed.add(change.group);
  run.increases.push(...execution.done);
  run.failures.push(...execution.failures);
  run.events.push(...execution.events);
  if (execution.error !== undefined) run.errors.push(execution.error);
  for (const { group, from, to, max } of execution.done) {
    run.trace.push({ step: 'increase', message: `${group}: ${from} → ${to} nodes (max ${max})`, values: { group, from, to, max } });
  }
  for (const { change, failure } of execution.failures) {
    const message = `${change.group}: ${change.from} → ${change.to} was refused: ${failure.message}`;
    run.trace.push({ step: 'increase', message, values: { group: change.group, from: change.from, code: failure.code } });
  }
}

/** What has changed since the loop began: planned nodes count as bought. */
export function progressOf({ plan, failed }: Run): Progress {
  const added = plannedCounts(plan);
  return { sizeOf: ({ group }: ScaleUpGroup) => group.targetSize + (added.get(group.id) ?? 0), failed };
}

/** Planned nodes by group, in the order in which the groups were first planned. */
export function plannedCounts({ nodes }: PurchasePlan): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { group } of nodes.values()) counts.set(group, (counts.get(group) ?? 0) + 1);
  return counts;
}

/** What a helped pod is told. */
export function helpedText(changes: readonly SizeChange[], { error }: Pick<Execution, 'error'>): string {
  const plan = changes.map(({ group, from, to }) => `${group} ${from} → ${to}`).join(', ');
  return error === undefined ? `nodes are added for it: ${plan}` : `nodes were to be added for it (${plan}), but ${error}`;
}

/** Books what a round decided. */
export function note(run: Run, plan: RoundPlan): void {
  run.options.push(...plan.options);
  if (plan.choice !== undefined) run.chosen.push(plan.choice.report);
  run.events.push(...plan.events);
  run.trace.push(...plan.trace);
}

/** What pods are told that no group can take. */
export function refusedEvents(groups: readonly PodGroup[], { check, skipped }: Outlook): LoopEvent[] {
  const also = [...skipped].map(([group, reason]) => ({ group, reason }));
  return groups
    .filter(({ podClass }) => !check.fitsAny(podClass))
    .flatMap(({ podClass, pods }) => notTriggered(pods, [...check.refusals(podClass), ...also]));
}

/** The same for a step that yields where there may be a break; breaks are not measured. */
export function* timedSteps<T>(run: Run, step: string, work: Generator<void, T>): Pausing<T> {
  for (;;) {
    const result = timed(run, step, () => work.next());
    if (result.done === true) return result.value;
    yield* breathe(run.pace);
  }
}

/** Measures a step, when there is a stopwatch. */
export function timed<T>({ input, took }: Run, step: string, work: () => T): T {
  const started = input.stopwatch?.();
  const done = work();
  if (started !== undefined && input.stopwatch !== undefined) took[step] = (took[step] ?? 0) + input.stopwatch() - started;
  return done;
}

/** The answer of a scale-up. */
export function resultOf(run: Run): ScaleUpResult {
  const { input, errors } = run;
  return {
    outcome: outcomeOf(run),
    options: run.options,
    chosen: run.chosen,
    increases: run.increases,
    failures: run.failures,
    helped: run.helped,
    pods: sortedPods(input.pods).flatMap((pod) => run.reports.get(pod) ?? []),
    events: run.events,
    trace: run.trace,
    planned: [...run.plan.nodes.keys()],
    placed: run.plan.placed,
    error: errors.length === 0 ? undefined : errors.join('; '),
    took: run.took,
  };
}

/** A refusal ends upstream's loop with an error; where another pool stood in for it, the error only says what happened. */
function outcomeOf({ input, errors, increases }: Run): ScaleUpResult['outcome'] {
  if (input.pods.length === 0) return 'NotNeeded';
  if (errors.length > 0 && (increases.length === 0 || !input.options.severalPoolsPerLoop)) return 'Error';
  return increases.length > 0 ? 'Successful' : 'NoOptionsAvailable';
}
