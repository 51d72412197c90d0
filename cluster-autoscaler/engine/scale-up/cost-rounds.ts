import type { PodRecord, TraceStep } from '../../../core/model/index.ts';
import type { Pausing } from '../loop/pace.ts';
import type { ClassId, NodeId } from '../scheduling/snapshot.ts';
import { planMix, type MixPlan } from './cost/mix.ts';
import { sortOut } from './eligibility.ts';
import { findPriorities, guessedPrices } from './expanders/index.ts';
import { quotaLeft, withinQuota, type Quota } from './limits.ts';
import { addPlanned } from './planned-nodes.ts';
import { compareText, sortedPods } from './pod-groups.ts';
import { progressOf, timedSteps, type Run } from './run.ts';

/** Pods that are placed between two breaks. */
const placedAtOnce = 256;
/** Time for the search of one mix, in milliseconds; afterwards nodes are filled without searching. */
const mixBudgetMs = 1000;

/** Whether the mix of pools for all pods is asked for: `cost` alone, or after `priority`, which then says which pools are tried first. */
export function asksForMix({ input: { options } }: Run): boolean {
  const [first, second] = options.expanders;
  return first === 'cost' || (first === 'priority' && second === 'cost');
}

/**
 * Plans the cheapest mix of pools for all pending pods together. What is planned was proved in the snapshot: each pod passes the scheduler's filters on its
 * node, with those placed before it; a node on which no pod is left is not planned. Answers the pods that are still pending: rules that the mix does not
 * plan, or no room.
 */
export function* planMixes(run: Run, pods: readonly PodRecord[]): Pausing<readonly PodRecord[]> {
  const { input, prices } = run;
  const { snapshot, options } = input;
  let pending = sortedPods(pods);
  for (const tier of tiersOf(run)) {
    if (pending.length === 0) break;
    const quota = quotaLeft(snapshot, options);
    const context = { ...progressOf(run), options, quota, clusterNodes: snapshot.nodeCount };
    const candidates = sortOut(tier, context).candidates.filter(({ source }) => !source.group.options.zeroOrMax);
    const steps = planMix({
      snapshot,
      classes: classesOf(pending, (pod) => snapshot.classOf(pod)),
      candidates,
      prices,
      quota,
      nodesAllowed: options.maxNodesTotal > 0 ? Math.max(0, options.maxNodesTotal - snapshot.nodeCount) : Number.POSITIVE_INFINITY,
      maxNodesPerPool: options.maxNodesPerScaleUp,
      budgetMs: mixBudgetMs,
      // Breaks are not of its time.
      stopwatch: input.stopwatch === undefined ? undefined : () => run.took['mix'] ?? 0,
    });
    const mix = yield* timedSteps(run, 'mix', steps);
    if (mix.nodes.length === 0) continue;
    const proof = yield* timedSteps(run, 'prove', prove(run, mix, quota));
    note(run, mix, proof);
    pending = pending.filter((pod) => !proof.placed.has(pod));
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

/** What the snapshot says of a mix. */
interface Proof {
  readonly placed: ReadonlySet<PodRecord>;
  /** By index of the node: pods that were placed on it. */
  readonly counts: Int32Array;
}

/**
 * Plans the mix's nodes and places each pod on its own, in the mix's order, where the filters let it; then without the nodes that stay empty. The mix does
 * not know of limits that pools share for their GPUs: what is beyond them is not planned.
 */
function* prove(run: Run, mix: MixPlan, quota: Quota): Generator<void, Proof> {
  const { snapshot } = run.input;
  run.plan.purchases += 1;
  const before = { nodes: new Set(run.plan.nodes.keys()), placed: run.plan.placed.length };
  snapshot.fork();
  const allowed = withinQuota(
    quota,
    mix.nodes.map(({ candidate }) => candidate.node),
  );
  const proof = yield* proveNodes(run, mix, (node) => allowed[node] === true);
  if (proof.counts.every((count) => count > 0)) {
    snapshot.commit();
    return proof;
  }
  snapshot.revert();
  for (const name of run.plan.nodes.keys()) if (!before.nodes.has(name)) run.plan.nodes.delete(name);
  run.plan.placed.length = before.placed;
  return yield* proveNodes(run, mix, (node) => (proof.counts[node] ?? 0) > 0);
}

function* proveNodes({ plan, input: { snapshot } }: Run, mix: MixPlan, isWanted: (node: number) => boolean): Generator<void, Proof> {
  const ids = mix.nodes.map(({ candidate: { id, template } }, node): NodeId | undefined =>
    isWanted(node) ? addPlanned(plan, snapshot, { group: id, template, purchase: plan.purchases }) : undefined,
  );
  const placed = new Set<PodRecord>();
  const counts = new Int32Array(mix.nodes.length);
  for (const [done, { pod, podClass, node }] of mix.placements.entries()) {
    if (done % placedAtOnce === 0) yield;
    const id = ids[node];
    if (id === undefined || !snapshot.fits(podClass, id)) continue;
    snapshot.place(pod, id);
    plan.placed.push({ node: snapshot.node(id).name, pods: [pod] });
    counts[node] = (counts[node] ?? 0) + 1;
    placed.add(pod);
  }
  return { placed, counts };
}

function sharesOf(
  { nodes }: MixPlan,
  { counts }: Proof,
): readonly { readonly group: string; readonly nodes: number; readonly pods: number }[] {
  const shares = new Map<string, { nodes: number; pods: number }>();
  for (const [node, { candidate }] of nodes.entries()) {
    const pods = counts[node] ?? 0;
    if (pods === 0) continue;
    const share = shares.get(candidate.id);
    if (share === undefined) shares.set(candidate.id, { nodes: 1, pods });
    else {
      share.nodes += 1;
      share.pods += pods;
    }
  }
  return [...shares].map(([group, share]) => ({ group, ...share })).toSorted((a, b) => compareText(a.group, b.group));
}

/** Reports the mix: what of it each pool gives, and how good it is. */
function note(run: Run, plan: MixPlan, proof: Proof): void {
  const shares = sharesOf(plan, proof);
  const sum = `${plan.nodes.length} nodes of ${shares.length} pools for ${plan.placements.length} pods at ${round(plan.price)} an hour`;
  const reason = `part of the cheapest mix found: ${sum}, no mix is below ${round(plan.boundWithHosts)}`;
  for (const { group, nodes, pods } of shares) {
    run.options.push({ group, nodes, pods, similar: [] });
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
