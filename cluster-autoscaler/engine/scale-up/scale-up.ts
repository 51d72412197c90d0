import type { PodRecord } from '../../../core/model/index.ts';
import { append } from '../append.ts';
import type { Pause } from '../loop/model.ts';
import type { Effect, EffectResult } from '../model.ts';
import { triggered } from './events.ts';
import { execute } from './execute.ts';
import type { ScaleUpInput, ScaleUpResult } from './model.ts';
import type { PodGroup } from './pod-groups.ts';
import { buyForAll } from './purchases.ts';
import { reportHelped, reportLeft } from './report.ts';
import { lookAt, planRound } from './round.ts';
import { createRun, helpedText, note, progressOf, record, refusedEvents, resultOf, timed, type Run } from './run.ts';

/**
 * Decides which groups grow for pending pods, and asks for it (§8). Pure but for the snapshot: effects are yielded, and their results handed in. Under
 * `severalPoolsPerLoop` (the house's way) what a round helped is placed on copies of templates in the snapshot and the pods left are looked at again, until
 * none is helped; a group that the cloud refuses is left out of the rest of the loop, so that another one stands in for it at once. With the expander `cost` the
 * first round buys a mix of pools for all pods together. Without it one option is
 * carried out, nothing is placed, and a refusal ends it, as upstream does.
 */
export function* scaleUp(input: ScaleUpInput): Generator<Effect | Pause, ScaleUpResult, EffectResult> {
  const run = createRun(input);
  if (input.options.severalPoolsPerLoop) yield* buyForAll(run);
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
    append(run.events, refusedEvents(outlook.groups, outlook));
    return;
  }
  const execution = yield* execute(plan.changes, input.options.parallelScaleUp);
  record(run, execution);
  if (plan.error !== undefined) run.errors.push(plan.error);
  const { covered, rest } = split(choice.option.covered, outlook.groups);
  append(run.helped, covered);
  const failed = plan.error !== undefined || execution.error !== undefined;
  if (!failed) append(run.events, triggered(covered, execution.done));
  reportHelped(run.reports, covered, choice.report.group, helpedText(plan.changes, execution));
  reportLeft(run.reports, rest, outlook, `this loop scales up ${choice.report.group}, the next one looks again`);
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
