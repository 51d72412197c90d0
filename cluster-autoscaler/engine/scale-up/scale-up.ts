import type { PodRecord, TraceStep } from '../../../core/model/index.ts';
import type { LoopEvent, OptionReport } from '../loop/model.ts';
import type { Effect, EffectResult } from '../model.ts';
import { notTriggered, triggered } from './events.ts';
import { execute, type Execution } from './execute.ts';
import { createPriceModel, type PriceModel } from './expanders/index.ts';
import type { ChosenOption, ScaleUpGroup, ScaleUpInput, ScaleUpResult, SizeChange } from './model.ts';
import { createPlannedNodes, placeOnPlanned } from './planned-nodes.ts';
import { compareText, sortedPods, type PodGroup } from './pod-groups.ts';
import { reportHelped, reportLeft, type PodReports } from './report.ts';
import { lookAt, planRound, type Outlook, type RoundPlan } from './round.ts';

/**
 * Decides which groups grow for pending pods, and asks for it (§8). Pure but for the snapshot: effects are yielded, and their results handed in. Under
 * `severalPoolsPerLoop` (the house's way) what a round helped is placed on copies of templates in the snapshot and the pods left are looked at again, until
 * none is helped; a group that the cloud refuses is left out of the rest of the loop, so that another one stands in for it at once. Without it one option is
 * carried out, nothing is placed, and a refusal ends it, as upstream does.
 */
export function* scaleUp(input: ScaleUpInput): Generator<Effect, ScaleUpResult, EffectResult> {
  const run = createRun(input);
  if (input.options.severalPoolsPerLoop) yield* rounds(run);
  else yield* oneOption(run);
  return resultOf(run);
}

/** What is gathered on the way. */
interface Run {
  readonly input: ScaleUpInput;
  readonly prices: PriceModel;
  /** Target sizes of groups that grew. */
  readonly sizes: Map<string, number>;
  readonly failed: Set<string>;
  readonly planned: ReturnType<typeof createPlannedNodes>;
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

function createRun(given: ScaleUpInput): Run {
  // Upstream goes by the provider's order where it does not go by chance; ours is by id.
  const { compat } = given.options;
  const groups = compat === 'none' ? given.groups.toSorted((a, b) => compareText(a.group.id, b.group.id)) : given.groups;
  const input = { ...given, groups };
  return {
    input,
    prices: createPriceModel(
      groups.flatMap(({ group, template }) => (template === undefined ? [] : [{ price: group.price, node: template.node }])),
    ),
    sizes: new Map(),
    failed: new Set(),
    planned: createPlannedNodes(input.snapshot),
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

/** Upstream's way: one option. */
function* oneOption(run: Run): Generator<Effect, void, EffectResult> {
  const { input } = run;
  if (input.pods.length === 0) return;
  const outlook = timed(run, 'look', () => lookAt(input, input.pods, progressOf(run)));
  const plan = timed(run, 'estimate', () => planRound(input, outlook, run.prices));
  note(run, plan);
  const { choice } = plan;
  if (choice === undefined) {
    reportLeft(run.reports, outlook.groups, outlook, 'no option to scale up was left, the next loop looks again');
    run.events.push(...refusedEvents(outlook.groups, outlook));
    return;
  }
  const execution = yield* execute(plan.changes, input.options.parallelScaleUp);
  record(run, execution);
  if (plan.error !== undefined) run.errors.push(plan.error);
  const { covered, rest } = split(choice.option.covered, outlook.groups);
  run.helped.push(...covered);
  const failed = plan.error !== undefined || execution.error !== undefined;
  if (!failed) run.events.push(...triggered(covered, execution.done));
  reportHelped(run.reports, covered, choice.report.group, helpedText(plan.changes, execution));
  reportLeft(run.reports, rest, outlook, `this loop scales up ${choice.report.group}, the next one looks again`);
}

/** The house's way: until nothing helps any more. */
function* rounds(run: Run): Generator<Effect, void, EffectResult> {
  const { input } = run;
  let pending = input.pods;
  while (pending.length > 0) {
    const looked = pending;
    const outlook = timed(run, 'look', () => lookAt(input, looked, progressOf(run)));
    const plan = timed(run, 'estimate', () => planRound(input, outlook, run.prices));
    note(run, plan);
    const helped = yield* carryOut(run, plan, outlook);
    if (helped === undefined) {
      if (plan.error !== undefined) run.errors.push(plan.error);
      reportLeft(run.reports, outlook.groups, outlook, plan.error ?? 'no node may be added for it in this loop');
      run.events.push(...refusedEvents(outlook.groups, outlook));
      return;
    }
    pending = pending.filter((pod) => !helped.has(pod));
  }
}

/** Asks for the sizes and places the pods; the pods that are helped, `undefined` when nothing can be done (any more). */
function* carryOut(run: Run, plan: RoundPlan, outlook: Outlook): Generator<Effect, ReadonlySet<PodRecord> | undefined, EffectResult> {
  const { choice, changes } = plan;
  if (choice === undefined || changes.length === 0) return undefined;
  const execution = yield* execute(changes, true);
  record(run, execution);
  const templates = new Map(outlook.candidates.map(({ id, template }) => [id, template]));
  const { candidate } = choice.option;
  const schedulable = outlook.groups.filter(({ podClass }) => outlook.check.fits(candidate, podClass));
  const { snapshot } = run.input;
  const placed = timed(run, 'place', () =>
    placeOnPlanned(execution.done, schedulable, { snapshot, planned: run.planned, templateOf: (group) => templates.get(group) }),
  );
  run.helped.push(...placed);
  run.events.push(...triggered(placed, execution.done));
  reportHelped(run.reports, placed, choice.report.group, helpedText(execution.done, execution));
  // A refused group is out of the next round; without refusal and without a helped pod the next round would be the same.
  return placed.length > 0 || execution.failures.length > 0 ? new Set(placed) : undefined;
}

function note(run: Run, plan: RoundPlan): void {
  run.options.push(...plan.options);
  if (plan.choice !== undefined) run.chosen.push(plan.choice.report);
  run.events.push(...plan.events);
  run.trace.push(...plan.trace);
}

function record(run: Run, execution: Execution): void {
  for (const change of execution.done) run.sizes.set(change.group, change.to);
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

function progressOf(run: Run) {
  return { sizeOf: ({ group }: ScaleUpGroup) => run.sizes.get(group.id) ?? group.targetSize, failed: run.failed };
}

/** Pods of the option, and what is left of each group. */
function split(
  covered: readonly { readonly group: PodGroup; readonly count: number }[],
  groups: readonly PodGroup[],
): { readonly covered: readonly PodRecord[]; readonly rest: readonly PodGroup[] } {
  const counts = new Map(covered.map(({ group, count }) => [group, count]));
  const pods: PodRecord[] = [];
  const rest: PodGroup[] = [];
  for (const group of groups) {
    const count = counts.get(group) ?? 0;
    for (let index = 0; index < count; index++) {
      const pod = group.pods[index];
      if (pod !== undefined) pods.push(pod);
    }
    if (count < group.pods.length) rest.push({ podClass: group.podClass, pods: group.pods.slice(count) });
  }
  return { covered: pods, rest };
}

function refusedEvents(groups: readonly PodGroup[], { check, skipped }: Outlook): LoopEvent[] {
  const also = [...skipped].map(([group, reason]) => ({ group, reason }));
  return groups
    .filter(({ podClass }) => !check.fitsAny(podClass))
    .flatMap(({ podClass, pods }) => {
      const refusals = [...check.refusals(podClass), ...also];
      return pods.map((pod) => notTriggered(pod, refusals));
    });
}

function helpedText(changes: readonly SizeChange[], { error }: Execution): string {
  const plan = changes.map(({ group, from, to }) => `${group} ${from} → ${to}`).join(', ');
  return error === undefined ? `nodes are added for it: ${plan}` : `nodes were to be added for it (${plan}), but ${error}`;
}

function timed<T>({ input, took }: Run, step: string, work: () => T): T {
  const started = input.stopwatch?.();
  const done = work();
  if (started !== undefined && input.stopwatch !== undefined) took[step] = (took[step] ?? 0) + input.stopwatch() - started;
  return done;
}

function resultOf(run: Run): ScaleUpResult {
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
    planned: run.planned.names,
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
