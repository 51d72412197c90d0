import type { PodRecord, TraceStep } from '../../../core/model/index.ts';
import type { Effect, EffectResult } from '../model.ts';
import type { ClassId, NodeId } from '../scheduling/snapshot.ts';
import { planMix, type MixPlan } from './cost/mix.ts';
import { sortOut, type Candidate } from './eligibility.ts';
import { triggered } from './events.ts';
import { execute } from './execute.ts';
import { findPriorities, guessedPrices } from './expanders/index.ts';
import { quotaLeft } from './limits.ts';
import type { SizeChange } from './model.ts';
import { addPlanned } from './planned-nodes.ts';
import { compareText, sortedPods } from './pod-groups.ts';
import { reportHelped } from './report.ts';
import { helpedText, progressOf, record, timed, type Run } from './run.ts';

/** Time for the search of one mix, in milliseconds; afterwards nodes are filled without searching. */
const mixBudgetMs = 1000;

/** Whether the mix of pools for all pods is asked for: `cost` alone, or after `priority`, which then says which pools are tried first. */
export function asksForMix({ input: { options } }: Run): boolean {
  const [first, second] = options.expanders;
  return first === 'cost' || (first === 'priority' && second === 'cost');
}

/**
 * Buys the cheapest mix of pools for all pending pods together. Pools that the cloud refuses are left out and what they were to hold is planned again. What is
 * bought was proved in the snapshot: each pod passes the scheduler's filters on its node, with those placed before it; a node on which no pod is left is not
 * bought. Answers the pods that are still pending: rules that the mix does not plan, no room, or refused.
 */
export function* buyMix(run: Run): Generator<Effect, readonly PodRecord[], EffectResult> {
  const { input, prices } = run;
  let pending = sortedPods(input.pods);
  for (const tier of tiersOf(run)) {
    for (let again = true; again && pending.length > 0;) {
      const { snapshot, options } = input;
      const quota = quotaLeft(snapshot, options);
      const context = { ...progressOf(run), options, quota, clusterNodes: snapshot.nodeCount };
      const candidates = sortOut(tier, context).candidates.filter(({ source }) => !source.group.options.zeroOrMax);
      const looked = pending;
      const plan = timed(run, 'mix', () =>
        planMix({
          snapshot,
          classes: classesOf(looked, (pod) => snapshot.classOf(pod)),
          candidates,
          prices,
          quota,
          nodesAllowed: options.maxNodesTotal > 0 ? Math.max(0, options.maxNodesTotal - snapshot.nodeCount) : Number.POSITIVE_INFINITY,
          maxNodesPerPool: options.maxNodesPerScaleUp,
          budgetMs: mixBudgetMs,
          stopwatch: input.stopwatch,
        }),
      );
      again = false;
      if (plan.nodes.length === 0) break;
      const bought = yield* buy(run, plan);
      pending = pending.filter((pod) => !bought.helped.has(pod));
      again = bought.refused;
    }
  }
  return pending;
}

/** Groups that are tried together: all of them, or by falling priority those that have one. */
function tiersOf(run: Run): readonly (typeof run.input.groups)[] {
  const { groups, options, priorities: text } = run.input;
  if (options.expanders[0] !== 'priority') return [groups];
  const found = findPriorities(
    groups.map(({ group }) => ({ group: group.id, priority: group.priority })),
    text,
  );
  run.events.push(...found.events);
  if (found.none !== undefined) return [groups];
  const ranks = [...new Set(found.priorities.values())].filter((rank) => rank >= 0).toSorted((a, b) => b - a);
  return ranks.map((rank) => groups.filter(({ group }) => found.priorities.get(group.id) === rank));
}

function classesOf(pods: readonly PodRecord[], classOf: (pod: PodRecord) => ClassId) {
  const classes = new Map<ClassId, PodRecord[]>();
  for (const pod of pods) {
    const podClass = classOf(pod);
    const held = classes.get(podClass);
    if (held === undefined) classes.set(podClass, [pod]);
    else held.push(pod);
  }
  return [...classes].map(([podClass, members]) => ({ podClass, pods: members }));
}

function* buy(
  run: Run,
  plan: MixPlan,
): Generator<Effect, { readonly helped: ReadonlySet<PodRecord>; readonly refused: boolean }, EffectResult> {
  const { snapshot } = run.input;
  snapshot.fork();
  const proof = timed(run, 'prove', () => prove(run, plan, () => true));
  const changes = changesOf(plan, proof);
  const execution = yield* execute(changes, true);
  record(run, execution);
  const failed = new Set(execution.failures.map(({ change }) => change.group));
  let proved = proof;
  if (failed.size > 0 || proof.empty.length > 0) {
    snapshot.revert();
    snapshot.fork();
    const empty = new Set(proof.empty);
    proved = timed(run, 'prove', () => prove(run, plan, (candidate, node) => !failed.has(candidate.id) && !empty.has(node)));
  }
  snapshot.commit();
  run.plannedNames.push(...proved.names.slice(run.plannedNames.length));
  note(run, plan, changes);
  const text = helpedText(execution.done, execution);
  run.helped.push(...proved.helped);
  run.events.push(...triggered(proved.helped, execution.done));
  for (const [group, pods] of proved.byGroup)
    reportHelped(run.reports, pods, group, execution.done.length > 8 ? `a node of ${group} is added for it` : text);
  return { helped: new Set(proved.helped), refused: failed.size > 0 };
}

/** What the snapshot says of a plan. */
interface Proof {
  readonly names: readonly string[];
  readonly helped: readonly PodRecord[];
  readonly byGroup: ReadonlyMap<string, readonly PodRecord[]>;
  /** Indexes of the plan's nodes on which no pod was placed. */
  readonly empty: readonly number[];
}

/** Adds the wanted nodes and places each pod on its own, in the plan's order, where the filters let it. */
function prove(run: Run, plan: MixPlan, isWanted: (candidate: Candidate, node: number) => boolean): Proof {
  const { snapshot } = run.input;
  const names = [...run.plannedNames];
  const ids = plan.nodes.map(({ candidate }, node): NodeId | undefined => {
    if (!isWanted(candidate, node)) return undefined;
    return addPlanned(snapshot, candidate.template, { group: candidate.id, names });
  });
  const helped: PodRecord[] = [];
  const byGroup = new Map<string, PodRecord[]>();
  const counts = new Int32Array(plan.nodes.length);
  for (const { pod, podClass, node } of plan.placements) {
    const id = ids[node];
    const group = plan.nodes[node]?.candidate.id ?? '';
    if (id === undefined || !snapshot.fits(podClass, id)) continue;
    snapshot.place(pod, id);
    counts[node] = (counts[node] ?? 0) + 1;
    helped.push(pod);
    const held = byGroup.get(group);
    if (held === undefined) byGroup.set(group, [pod]);
    else held.push(pod);
  }
  const empty = ids.flatMap((id, node) => (id !== undefined && counts[node] === 0 ? [node] : []));
  return { names, helped, byGroup, empty };
}

function changesOf({ nodes }: MixPlan, { empty }: Proof): readonly SizeChange[] {
  const added = new Map<Candidate, number>();
  const isEmpty = new Set(empty);
  for (const [node, { candidate }] of nodes.entries()) if (!isEmpty.has(node)) added.set(candidate, (added.get(candidate) ?? 0) + 1);
  return [...added]
    .map(([{ id, size, max }, count]) => ({ group: id, from: size, to: size + count, max }))
    .toSorted((a, b) => compareText(a.group, b.group));
}

/** Reports the mix: what of it each pool gives, and how good it is. */
function note(run: Run, plan: MixPlan, changes: readonly SizeChange[]): void {
  const pods = new Map<string, number>();
  for (const { candidate, pods: on } of plan.nodes) pods.set(candidate.id, (pods.get(candidate.id) ?? 0) + on.length);
  const sum = `${plan.nodes.length} nodes of ${changes.length} pools for ${plan.placements.length} pods at ${round(plan.price)} an hour`;
  const reason = `part of the cheapest mix found: ${sum}, no mix is below ${round(plan.boundWithHosts)}`;
  for (const { group, from, to } of changes) {
    run.options.push({ group, nodes: to - from, pods: pods.get(group) ?? 0, similar: [] });
    run.chosen.push({ group, similar: [], reason, tie: false });
  }
  const { late, price, bound, boundWithHosts, left } = plan;
  const values = {
    nodes: plan.nodes.length,
    pods: plan.placements.length,
    left: left.length,
    price,
    bound,
    boundWithHosts,
    late,
    budgetMs: mixBudgetMs,
  };
  const timeText = late ? `; the time of ${mixBudgetMs} ms was over before the end, it may be dearer than it had to be` : '';
  const step: TraceStep = { step: 'mix', message: `${sum}, no mix is below ${round(boundWithHosts)}${timeText}${guessText(run)}`, values };
  run.trace.push(step);
}

function guessText({ prices }: Run): string {
  if (prices.guessed === 0) return '';
  const { core, gibibyte } = guessedPrices;
  const [perCore, perGibibyte] = [round(core * prices.level), round(gibibyte * prices.level)];
  return `; prices of ${prices.guessed} pools are guessed: ${perCore} a core and ${perGibibyte} a GiB an hour`;
}

function round(price: number): string {
  return String(Number(price.toPrecision(6)));
}
