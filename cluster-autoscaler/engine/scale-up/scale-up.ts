import type { PodRecord } from '../../../core/model/index.ts';
import type { LoopEvent } from '../loop/model.ts';
import type { Effect, EffectResult } from '../model.ts';
import { asksForMix, buyMix } from './cost-rounds.ts';
import { notTriggered, triggered } from './events.ts';
import { execute } from './execute.ts';
import type { ScaleUpInput, ScaleUpResult } from './model.ts';
import { placeBeside, placeOnPlanned } from './planned-nodes.ts';
import { groupPods, type PodGroup } from './pod-groups.ts';
import { reportHelped, reportLeft } from './report.ts';
import { lookAt, planRound, type Outlook, type RoundPlan } from './round.ts';
import { createRun, helpedText, progressOf, record, resultOf, timed, type Run } from './run.ts';

/**
 * Decides which groups grow for pending pods, and asks for it (§8). Pure but for the snapshot: effects are yielded, and their results handed in. Under
 * `severalPoolsPerLoop` (the house's way) what a round helped is placed on copies of templates in the snapshot and the pods left are looked at again, until
 * none is helped; a group that the cloud refuses is left out of the rest of the loop, so that another one stands in for it at once. With the expander `cost` the
 * first round buys a mix of pools for all pods together. Without it one option is
 * carried out, nothing is placed, and a refusal ends it, as upstream does.
 */
export function* scaleUp(input: ScaleUpInput): Generator<Effect, ScaleUpResult, EffectResult> {
  const run = createRun(input);
  if (input.options.severalPoolsPerLoop) yield* rounds(run);
  else yield* oneOption(run);
  return resultOf(run);
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
  let pending = asksForMix(run) ? besidePlanned(run, yield* buyMix(run)) : input.pods;
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
    pending = besidePlanned(
      run,
      pending.filter((pod) => !helped.has(pod)),
    );
  }
}

/** No empty node takes a pod that has to be beside another one; the nodes that were bought for that other one do. Answers the pods that are left. */
function besidePlanned(run: Run, pending: readonly PodRecord[]): readonly PodRecord[] {
  const { snapshot } = run.input;
  const first = run.plannedNames.at(0);
  const from = first === undefined ? undefined : snapshot.find(first);
  if (from === undefined || pending.length === 0) return pending;
  const groups = groupPods(pending, (pod) => snapshot.classOf(pod));
  const placed = timed(run, 'place', () => placeBeside(groups, snapshot, from));
  if (placed.length === 0) return pending;
  run.helped.push(...placed);
  reportHelped(run.reports, placed, undefined, 'the nodes that are added for others take it too');
  const gone = new Set(placed);
  return pending.filter((pod) => !gone.has(pod));
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
    placeOnPlanned(execution.done, schedulable, { snapshot, names: run.plannedNames, templateOf: (group) => templates.get(group) }),
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
    if (count < group.pods.length) rest.push({ ...group, pods: group.pods.slice(count) });
  }
  return { covered: pods, rest };
}

function refusedEvents(groups: readonly PodGroup[], { check, skipped }: Outlook): LoopEvent[] {
  const also = [...skipped].map(([group, reason]) => ({ group, reason }));
  return groups
    .filter(({ podClass }) => !check.fitsAny(podClass))
    .flatMap(({ podClass, pods }) => notTriggered(pods, [...check.refusals(podClass), ...also]));
}
