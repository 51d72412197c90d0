import type { PodRecord } from '../../../core/model/index.ts';
import { append } from '../append.ts';
import type { Effect, EffectResult } from '../model.ts';
import type { Pause } from '../loop/model.ts';
import { breathe, type Pausing } from '../loop/pace.ts';
import { asksForMix, planMixes } from './cost-rounds.ts';
import { triggered } from './events.ts';
import { execute } from './execute.ts';
import type { SizeChange } from './model.ts';
import { planNodes } from './planned-nodes.ts';
import { giveUpNeedless, looksAtOthers, placeAgain, placeBeside, spreads } from './promises.ts';
import { reportHelped, reportLeft, reportScheduled } from './report.ts';
import { lookAt, planRound, type Outlook } from './round.ts';
import { helpedText, note, plannedCounts, progressOf, record, refusedEvents, timed, type Run } from './run.ts';

/**
 * The house's way: nodes of all pools that help are planned in the snapshot, and asked for when what was promised to every pod holds with all of them. A pool
 * that the cloud refuses is left out, and what it was to hold is planned again beside what was granted.
 */
export function* buyForAll(run: Run): Generator<Effect | Pause, void, EffectResult> {
  const { snapshot } = run.input;
  for (;;) {
    snapshot.fork();
    const left = yield* planPurchases(run);
    const changes = changesOf(run);
    if (changes.length > 0) {
      const execution = yield* execute(changes, true);
      record(run, execution);
      settle(run);
      if (execution.failures.length > 0) {
        snapshot.revert();
        continue;
      }
    }
    snapshot.commit();
    reportPlaced(run);
    report(run, left);
    return;
  }
}

/** Pods for which nothing is planned, and why. */
interface Left {
  readonly pods: readonly PodRecord[];
  /** The last look at them, if there was one since. */
  readonly outlook: Outlook | undefined;
  readonly why: string;
  readonly error: string | undefined;
}

/** Passes after which pods that have lost their place are left to the next loop. */
const passes = 3;

/** Plans what helps, into the caller's fork. */
function* planPurchases(run: Run): Pausing<Left> {
  const { plan, input } = run;
  let pending = input.pods;
  if (plan.nodes.size + plan.placed.length > 0) {
    // What was granted before a refusal is there again, and the pods that it was for.
    timed(run, 'promise', () => placeAgain(run));
    const placed = new Set(plan.placed.flatMap(({ pods }) => pods));
    pending = input.pods.filter((pod) => !placed.has(pod));
  }
  if (pending.some(looksAtOthers)) {
    const left = new Set(yield* beside(run, pending.filter(looksAtOthers)));
    pending = pending.filter((pod) => !looksAtOthers(pod) || left.has(pod));
  }
  if (asksForMix(run)) pending = yield* beside(run, yield* planMixes(run, pending));
  let left = yield* planRounds(run, pending);
  for (let pass = 1; ; pass++) {
    const lost = yield* lostPods(run);
    if (lost === undefined) break;
    if (lost.length > 0) noteLost(run, lost);
    left = yield* besideLeft(run, left, lost);
    const before = plan.purchases;
    if (lost.length > 0 && left.pods.length > 0 && pass < passes) left = yield* planRounds(run, left.pods);
    if (plan.purchases === before) break;
  }
  const isLess = timed(run, 'promise', () => giveUpNeedless(run));
  yield* breathe(run.pace);
  return isLess ? yield* besideLeft(run, left, []) : left;
}

/** Puts every pod to its place again if nodes were planned after pods had theirs, and answers those that lose it; `undefined`: nothing was moved. */
function* lostPods(run: Run): Pausing<readonly PodRecord[] | undefined> {
  const { plan } = run;
  const later = plan.purchases > 1 || (plan.purchases === 1 && plan.placed.some(({ node }) => !plan.nodes.has(node)));
  if (!later || !plan.placed.some(({ pods }) => pods.some(spreads))) return undefined;
  const lost = timed(run, 'promise', () => placeAgain(run));
  yield* breathe(run.pace);
  return lost;
}

function noteLost({ trace }: Run, lost: readonly PodRecord[]): void {
  const [first] = lost;
  const more = lost.length > 1 ? ` and ${lost.length - 1} more pods` : '';
  const message = `${first?.namespace}/${first?.name}${more} would lose their place to the spread over all planned nodes: looked at again`;
  trace.push({ step: 'promise', message, values: { pods: lost.length } });
}

/** Pods have been moved: there may be room for some of those that were left, and of those that have lost their place. */
function* besideLeft(run: Run, left: Left, lost: readonly PodRecord[]): Pausing<Left> {
  const pods = yield* beside(run, [...left.pods, ...lost]);
  if (lost.length === 0 && pods.length === left.pods.length) return left;
  const why = lost.length === 0 ? left.why : 'nodes that are added for others make its spread uneven, the next loop looks again';
  return { pods, outlook: undefined, why, error: left.error };
}

function* beside(run: Run, pods: readonly PodRecord[]): Pausing<readonly PodRecord[]> {
  const left = timed(run, 'place', () => placeBeside(run, pods));
  yield* breathe(run.pace);
  return left;
}

/** Plans one option after the other until nothing helps any more. */
function* planRounds(run: Run, pods: readonly PodRecord[]): Pausing<Left> {
  const { input } = run;
  let pending = pods;
  for (;;) {
    if (pending.length === 0) return { pods: pending, outlook: undefined, why: '', error: undefined };
    const looked = pending;
    const outlook = timed(run, 'look', () => lookAt(input, looked, progressOf(run)));
    yield* breathe(run.pace);
    const round = timed(run, 'estimate', () => planRound(input, outlook, run.prices));
    note(run, round);
    yield* breathe(run.pace);
    const { choice, changes, error } = round;
    const placed =
      choice === undefined
        ? new Set<PodRecord>()
        : timed(run, 'place', () => placeRound(run, { changes, outlook, candidate: choice.option.candidate }));
    if (placed.size === 0) return { pods: pending, outlook, why: error ?? 'no node may be added for it in this loop', error };
    pending = yield* beside(
      run,
      pending.filter((pod) => !placed.has(pod)),
    );
  }
}

interface ChosenRound {
  readonly changes: readonly SizeChange[];
  readonly outlook: Outlook;
  readonly candidate: Outlook['candidates'][number];
}

/** Plans the nodes of an option, and the pods on them; nothing if they hold no pod after all. */
function placeRound({ plan, input: { snapshot } }: Run, { changes, outlook, candidate }: ChosenRound): ReadonlySet<PodRecord> {
  const templates = new Map(outlook.candidates.map(({ id, template }) => [id, template]));
  const schedulable = outlook.groups.filter(({ podClass }) => outlook.check.fits(candidate, podClass));
  const before = new Set(plan.nodes.keys());
  snapshot.fork();
  const placed = planNodes(changes, schedulable, { plan, snapshot, templateOf: (group) => templates.get(group) });
  if (placed.size > 0) {
    snapshot.commit();
    return placed;
  }
  snapshot.revert();
  for (const name of plan.nodes.keys()) if (!before.has(name)) plan.nodes.delete(name);
  return placed;
}

/** Sizes to ask for: what is planned and not granted yet; first what was planned first, then by group. */
function changesOf({ plan, granted, input }: Run): readonly SizeChange[] {
  const had = new Map<string, number>();
  for (const name of granted) {
    const group = plan.nodes.get(name)?.group ?? '';
    had.set(group, (had.get(group) ?? 0) + 1);
  }
  const counts = plannedCounts(plan);
  const first = new Map<string, number>();
  for (const { group, purchase } of plan.nodes.values()) if (!first.has(group)) first.set(group, purchase);
  const order = ({ group }: SizeChange): number => first.get(group) ?? 0;
  return input.groups
    .flatMap(({ group: { id, targetSize, maxSize } }) => {
      const count = counts.get(id) ?? 0;
      const before = had.get(id) ?? 0;
      return count === before ? [] : [{ group: id, from: targetSize + before, to: targetSize + count, max: maxSize }];
    })
    .toSorted((one, other) => order(one) - order(other));
}

/** Books which planned nodes are granted; those of refused groups are planned no more, nor are pods on them. */
function settle({ plan, granted, failed }: Run): void {
  const refused = new Set<string>();
  for (const [name, { group }] of plan.nodes) {
    if (granted.has(name)) continue;
    if (failed.has(group)) refused.add(name);
    else granted.add(name);
  }
  for (const name of refused) plan.nodes.delete(name);
  plan.placed = plan.placed.filter(({ node }) => !refused.has(node));
}

/** Shown by name in what a pod is told. */
const shownGroups = 8;

/** Tells of the pods that have a place: on a planned node they are helped, another one was there for them. */
function reportPlaced(run: Run): void {
  const { plan, reports } = run;
  const bought = new Map<number, { readonly groups: Set<string>; readonly pods: PodRecord[] }>();
  for (const { group, purchase } of plan.nodes.values()) {
    const part = bought.get(purchase);
    if (part === undefined) bought.set(purchase, { groups: new Set([group]), pods: [] });
    else part.groups.add(group);
  }
  const sizes = sizesOf(run);
  const texts = new Map<number, string>();
  for (const [purchase, { groups }] of bought) {
    if (groups.size > shownGroups) continue;
    const grown = [...groups].flatMap((group) => sizes.get(group) ?? []);
    texts.set(purchase, helpedText(grown, { error: undefined }));
  }
  for (const { node, pods } of plan.placed) {
    const planned = plan.nodes.get(node);
    if (planned === undefined) {
      for (const pod of pods) reportScheduled(reports, { pod, node });
      continue;
    }
    const { group, purchase } = planned;
    append(run.helped, pods);
    append(bought.get(purchase)?.pods ?? [], pods);
    reportHelped(reports, pods, group, texts.get(purchase) ?? `a node of ${group} is added for it`);
  }
  for (const { groups, pods } of bought.values()) {
    if (pods.length === 0) continue;
    const grown = [...groups].flatMap((group) => sizes.get(group) ?? []);
    append(run.events, triggered(pods, grown));
  }
}

/** What each group grows by in all. */
function sizesOf({ plan, input }: Run): ReadonlyMap<string, SizeChange> {
  const counts = plannedCounts(plan);
  return new Map(
    input.groups.flatMap(({ group: { id, targetSize, maxSize } }) => {
      const added = counts.get(id);
      return added === undefined ? [] : [[id, { group: id, from: targetSize, to: targetSize + added, max: maxSize }] as const];
    }),
  );
}

/** Tells of the pods that are left. */
function report(run: Run, { pods, outlook, why, error }: Left): void {
  if (error !== undefined) run.errors.push(error);
  if (pods.length === 0) return;
  const look = outlook ?? timed(run, 'look', () => lookAt(run.input, pods, progressOf(run)));
  reportLeft(run.reports, look.groups, look, why);
  append(run.events, refusedEvents(look.groups, look));
}
