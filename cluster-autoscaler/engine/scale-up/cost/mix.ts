import type { PodRecord } from '../../../../core/model/index.ts';
import { append } from '../../append.ts';
import type { ClassId, SchedulingSnapshot } from '../../scheduling/snapshot.ts';
import type { Candidate } from '../eligibility.ts';
import type { PriceModel } from '../expanders/index.ts';
import { cappedByQuota, type Quota } from '../limits.ts';
import { compareText } from '../pod-groups.ts';
import { shadowPrices } from './bound.kernel.ts';
import { assignCells, type Assignment } from './domains.ts';
import { fillNodes, type Filled } from './fill.kernel.ts';
import type { OfferInput } from './offers.kernel.ts';
import { readProblem, type Kind, type MixProblem } from './problem.ts';
import { createStock, type Stock } from './stock.kernel.ts';

export interface MixInput {
  /** Read only: pods that exist count for rules over domains. */
  readonly snapshot: SchedulingSnapshot;
  readonly classes: readonly { readonly podClass: ClassId; readonly pods: readonly PodRecord[] }[];
  readonly candidates: readonly Candidate[];
  readonly prices: PriceModel;
  readonly quota: Quota;
  /** Nodes that `--max-nodes-total` still allows; infinite without it. */
  readonly nodesAllowed: number;
  /** `--max-nodes-per-scaleup`, for each pool; 0: none. */
  readonly maxNodesPerPool: number;
  /** Milliseconds; afterwards nodes are filled without searching. Not looked at without a stopwatch. */
  readonly budgetMs: number;
  readonly stopwatch?: (() => number) | undefined;
}

/** A node to be added. */
export interface MixNode {
  readonly candidate: Candidate;
  readonly pods: readonly PodRecord[];
}

/** The mix of pools for all pods together. */
export interface MixPlan {
  readonly nodes: readonly MixNode[];
  /** Every pod that is helped, with the index of its node, in an order of placing in which all rules hold. */
  readonly placements: readonly { readonly pod: PodRecord; readonly podClass: ClassId; readonly node: number }[];
  /** Pods that it does not help: rules it does not plan, or no room. */
  readonly left: readonly PodRecord[];
  /** Of all nodes, per hour. */
  readonly price: number;
  /** No mix of these pools that holds the same pods is cheaper: sums of requests only, fractions of nodes allowed. */
  readonly bound: number;
  /** The same, and as many nodes as pods that keep away from each other need. */
  readonly boundWithHosts: number;
  /** The time was over: the mix is dearer than it might be. */
  readonly late: boolean;
}

/**
 * The cheapest mix of pools that was found for all pods together: pods are divided over zones (and whatever other domains their rules name), and nodes are
 * then filled one by one. Requests, numbers of pods, node requirements, taints, spreading, affinity and anti-affinity are kept; pools' and the cluster's
 * limits, too. Deterministic but for the budget of time. Yields where there may be a break; nothing else may touch the snapshot before the end.
 */
export function* planMix(input: MixInput): Generator<void, MixPlan> {
  const { stopwatch, budgetMs } = input;
  const started = stopwatch?.() ?? 0;
  const isLate = stopwatch === undefined ? () => false : () => stopwatch() - started > budgetMs;
  const problem = readProblem(input);
  yield;
  const weightOf = sizeWeights(problem);
  const assignment = assignCells(problem, input.snapshot, ({ size }) => weightOf[size] ?? 0);
  yield;
  const stock = stockOf(problem, assignment);
  const forced = stock.forced().nodes;
  const offers = offersOf(problem, assignment, input);
  yield;
  const filled = yield* fillNodes({ stock, offers, requirementOf: problem.requirementOf, isLate });
  return planOf({ problem, assignment, stock, filled, forced });
}

/** A first guess of what sizes weigh, to load cells evenly: shares of the whole demand. */
function sizeWeights({ kinds, requests, resources }: MixProblem): readonly number[] {
  const width = resources.length;
  const demand = new Float64Array(width);
  for (const { size, pods } of kinds) {
    for (let each = 0; each < width; each++) demand[each] = (demand[each] ?? 0) + pods.length * (requests[size * width + each] ?? 0);
  }
  return Array.from({ length: requests.length / width }, (_, size) => {
    let weight = 0;
    for (let each = 0; each < width; each++) {
      const total = demand[each] ?? 0;
      if (total > 0) weight += (requests[size * width + each] ?? 0) / total;
    }
    return weight;
  });
}

function stockOf(problem: MixProblem, { cells, kinds, cellOf, count }: Assignment): Stock {
  const places = cells.length + 1;
  const counts = new Int32Array(problem.kinds.length * places);
  for (let pod = 0; pod < count; pod++) {
    const cell = cellOf[pod] ?? -1;
    const at = (kinds[pod] ?? 0) * places + (cell < 0 ? cells.length : cell);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return createStock({
    kinds: problem.kinds,
    requests: problem.requests,
    width: problem.resources.length,
    sizes: problem.requirementOf.length,
    cells: cells.length,
    hostTerms: problem.terms.terms.length,
    counts,
  });
}

function offersOf(problem: MixProblem, { cells }: Assignment, input: MixInput): OfferInput {
  const { pools, resources, requests } = problem;
  const cellOf = new Int32Array(pools.length);
  for (const [cell, { pools: members }] of cells.entries()) for (const pool of members) cellOf[pool] = cell;
  const supply = new Float64Array(pools.length * resources.length);
  for (const [index, pool] of pools.entries()) supply.set(pool.supply, index * resources.length);
  const names = new Int32Array(pools.length);
  const byName = pools.map((_, index) => index).toSorted((a, b) => compareText(pools[a]?.candidate.id ?? '', pools[b]?.candidate.id ?? ''));
  for (const [place, index] of byName.entries()) names[index] = place;
  const most = input.maxNodesPerPool > 0 ? input.maxNodesPerPool : Number.MAX_SAFE_INTEGER;
  return {
    width: resources.length,
    cells: cells.length,
    requests,
    supply,
    prices: Float64Array.from(pools, ({ price }) => price),
    cellOf,
    allows: pools.map(({ allows }) => allows),
    room: Int32Array.from(pools, ({ candidate: { max, size, node } }) => cappedByQuota(input.quota, node, Math.min(max - size, most))),
    cores: Float64Array.from(pools, ({ candidate }) => candidate.node.cpu),
    memory: Float64Array.from(pools, ({ candidate }) => candidate.node.memory),
    sizes: Int32Array.from(pools, ({ candidate }) => candidate.size),
    names,
    quota: { cpu: input.quota.cpu, memory: input.quota.memory, nodes: input.nodesAllowed },
  };
}

interface PlanParts {
  readonly problem: MixProblem;
  readonly assignment: Assignment;
  readonly stock: Stock;
  readonly filled: Filled;
  /** Nodes that pods which keep away from each other need. */
  readonly forced: number;
}

function planOf(parts: PlanParts): MixPlan {
  const { problem, assignment, filled, forced } = parts;
  const { hosts, price, nodeFor } = unfold(parts);
  const placements: { pod: PodRecord; podClass: ClassId; node: number }[] = [];
  const left: PodRecord[] = [...problem.left];
  const next = new Int32Array(problem.kinds.length);
  for (let at = 0; at < assignment.count; at++) {
    const index = assignment.kinds[at] ?? 0;
    const { pods, podClass } = problem.kinds[index] as Kind;
    const turn = next[index] ?? 0;
    next[index] = turn + 1;
    const pod = pods[turn];
    if (pod === undefined) continue;
    const node = nodeFor(index, assignment.cellOf[at] ?? -1);
    if (node === undefined) left.push(pod);
    else {
      hosts[node]?.pods.push(pod);
      placements.push({ pod, podClass, node });
    }
  }
  for (const [index, { pods }] of problem.kinds.entries()) append(left, pods.slice(next[index]));
  // What was left out might be what forced the number of nodes.
  const bounds = boundsOf(problem, placements, filled.left.size === 0 ? forced : 0);
  return { nodes: hosts, placements, left, price, ...bounds, late: filled.late };
}

/** Every single node, and which of them takes the next pod of a kind in a cell. */
function unfold({ problem, assignment, stock, filled }: PlanParts) {
  const places = assignment.cells.length + 1;
  const nodesOf = new Map<number, number[]>();
  const hosts: { readonly candidate: Candidate; readonly pods: PodRecord[] }[] = [];
  let price = 0;
  const keyOf = (kind: number, place: number): number => kind * places + place;
  for (const { pool: index, entries, times } of filled.nodes) {
    const pool = problem.pools[index];
    if (pool === undefined) continue;
    for (let each = 0; each < times; each++) {
      price += pool.price;
      for (const entry of entries) {
        const key = keyOf(stock.kindOf[entry] ?? 0, stock.placeOf[entry] ?? 0);
        const nodes = nodesOf.get(key);
        if (nodes === undefined) nodesOf.set(key, [hosts.length]);
        else nodes.push(hosts.length);
      }
      hosts.push({ candidate: pool.candidate, pods: [] });
    }
  }
  const turns = new Map<number, number>();
  const nodeFor = (kind: number, cell: number): number | undefined => {
    const key = keyOf(kind, cell < 0 ? places - 1 : cell);
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    return nodesOf.get(key)?.[turn];
  };
  return { hosts, price, nodeFor };
}

/** Least prices of any mix that holds the pods that are helped. */
function boundsOf(problem: MixProblem, placements: MixPlan['placements'], forced: number): Pick<MixPlan, 'bound' | 'boundWithHosts'> {
  const { resources, pools, kinds, requests } = problem;
  const width = resources.length;
  const helped = new Map<ClassId, number>();
  for (const { podClass } of placements) helped.set(podClass, (helped.get(podClass) ?? 0) + 1);
  const demand = new Float64Array(width + 1);
  for (const { podClass, size } of kinds) {
    const number = helped.get(podClass) ?? 0;
    for (let each = 0; each < width; each++) demand[each] = (demand[each] ?? 0) + number * (requests[size * width + each] ?? 0);
  }
  const supply = new Float64Array(pools.length * (width + 1));
  for (const [row, pool] of pools.entries()) {
    for (let each = 0; each < width; each++) supply[row * (width + 1) + each] = Math.max(0, pool.supply[each] ?? 0);
    supply[row * (width + 1) + width] = 1;
  }
  const prices = Float64Array.from(pools, ({ price }) => price);
  const bound = shadowPrices(supply, prices, demand).total;
  demand[width] = placements.length === 0 ? 0 : forced;
  return { bound, boundWithHosts: shadowPrices(supply, prices, demand).total };
}
