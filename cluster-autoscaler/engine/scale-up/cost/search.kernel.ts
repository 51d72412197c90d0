import type { Offers } from './offers.kernel.ts';
import type { Stock } from './stock.kernel.ts';

/** What one node is to be filled with. */
export interface SearchGoal {
  readonly seed: number;
  readonly place: number;
  /** Number of nodes is forced: then waste counts for itself, otherwise in relation to what the node is worth. */
  readonly forced: boolean;
  /** Waste that is good enough to stop at. */
  readonly enough: number;
  /** Price of a node as such: part of what nodes cost is for their number. */
  readonly perNode: number;
  /** Sizes, the most worth first, and what resources are worth. */
  readonly bySize: readonly number[];
  readonly worth: Float64Array;
  /** What a pod of each size is worth. */
  readonly sizeWorth: Float64Array;
  /** What a pod is worth on average. */
  readonly averageWorth: number;
  /** Steps after the first try; 0: only the first. */
  readonly steps: number;
}

/** Finds what to put on a node; answers the number of entries in `found`, 0 when nothing fits. */
export type NodeSearch = (goal: SearchGoal) => number;

/** Above so many pods to a node a share of all sizes is put on it first, and only the rest is searched for. */
const fewPods = 16;
/** Part of a node that is filled with a share of all sizes. */
const sharedPart = 0.8;
/** As many offers are tried for a node. */
const triedOffers = 4;
/** As many ways to go on are looked at from the first pod on, and after it as many as there are steps left for. */
const branches = [4, 3, 2, 2] as const;
const mostBranches = 4;

/**
 * Searches for the pods that waste least of one node's price: from each offer it goes on with the pods that leave the shortest vector of what is free
 * (in shadow prices), a few of them at each step, until little enough is wasted or the steps are used up. `found` gets the entries of the best.
 */
export function createSearch(stock: Stock, offers: Offers, requirementOf: Int32Array, found: Int32Array): NodeSearch {
  const { width, sizes, places, available, units, used, requests } = stock;
  const none = places - 1;
  let goal: SearchGoal;
  let best = 0;
  let depth = 0;
  let steps = 0;
  let free: Float64Array = used;
  // The best ways to go on at each depth.
  const ways = new Int32Array(mostBranches * (1 << 16));
  const lengths = new Float64Array(mostBranches);

  const leftOf = (size: number): number =>
    available[size * places + goal.place]! + (goal.place === none ? 0 : available[size * places + none]!);

  const valueUsed = (): number => {
    let value = 0;
    for (let each = 0; each < width; each++) value += goal.worth[each]! * used[each]!;
    return value;
  };

  /** Keeps what the node holds if it is the best so far; whether it is good enough. */
  const judge = (value: number): boolean => {
    const price = offers.cheapest(used);
    if (Number.isNaN(price)) return false;
    const wasted = price - value - goal.perNode;
    const score = goal.forced ? wasted : wasted / Math.max(value, Number.MIN_VALUE);
    if (score < best - 1e-12) {
      best = score;
      depth = stock.depth;
      found.set(stock.stack.subarray(0, depth));
    }
    return best <= goal.enough;
  };

  /** Square of the length of what would be free beside a pod of the size; -1 when it does not fit. */
  const lengthWith = (size: number): number => {
    let length = 0;
    for (let each = 0; each < width; each++) {
      const wanted = requests[size * width + each]!;
      const rest = free[each]! - used[each]! - wanted;
      if (rest < 0 && wanted > 0) return -1;
      const worth = rest * goal.worth[each]!;
      length += worth * worth;
    }
    return length;
  };

  /** Finds the sizes that leave the shortest vector; how many were found. */
  const findWays = (start: number, most: number): number => {
    let count = 0;
    for (let size = 0; size < sizes; size++) {
      if (leftOf(size) === 0) continue;
      const length = lengthWith(size);
      if (length < 0 || (count === most && length >= lengths[count - 1]!)) continue;
      let at = count < most ? count++ : count - 1;
      for (; at > 0 && lengths[at - 1]! > length; at--) {
        lengths[at] = lengths[at - 1]!;
        ways[start + at] = ways[start + at - 1]!;
      }
      lengths[at] = length;
      ways[start + at] = size;
    }
    return count;
  };

  const descend = (level: number, value: number): boolean => {
    if (judge(value)) return true;
    const start = level * mostBranches;
    const most = steps >= goal.steps ? 1 : (branches[level] ?? 1);
    const count = findWays(start, mostBranches);
    let gone = 0;
    for (let way = 0; way < count && gone < most; way++) {
      const size = ways[start + way]!;
      const entry = stock.pick(size, goal.place);
      if (entry < 0 || !offers.narrow(requirementOf[size]!)) continue;
      gone += 1;
      steps += 1;
      stock.push(entry);
      const ended = descend(level + 1, value + goal.sizeWorth[size]!);
      stock.pop();
      offers.widen();
      if (ended) return true;
    }
    return false;
  };

  /** A share of every size, as far as the offer holds it: the mixture of what is left stays the same. */
  const prefill = (): void => {
    let share = 1;
    for (let each = 0; each < width; each++) {
      const wanted = units[goal.place * width + each]! + (goal.place === none ? 0 : units[none * width + each]!);
      if (wanted > 0) share = Math.min(share, (sharedPart * Math.max(0, free[each]! - used[each]!)) / wanted);
    }
    for (const size of goal.bySize) {
      let number = Math.floor(share * leftOf(size));
      for (; number > 0 && lengthWith(size) >= 0; number--) {
        const entry = stock.pick(size, goal.place);
        if (entry < 0 || !offers.narrow(requirementOf[size]!)) break;
        stock.push(entry);
      }
    }
  };

  return (asked) => {
    goal = asked;
    best = Number.POSITIVE_INFINITY;
    depth = 0;
    const requirement = requirementOf[stock.sizeOf[goal.seed]!]!;
    const many = offers.worthOf(-1) > fewPods * goal.averageWorth;
    const tries = Math.min(goal.steps === 0 ? 1 : triedOffers, offers.count);
    for (let each = 0; each < tries; each++) {
      steps = 0;
      offers.focus(each, requirement);
      free = offers.freeOf(each);
      stock.push(goal.seed);
      if (many) prefill();
      descend(0, valueUsed());
      stock.clear();
      if (best <= goal.enough) break;
    }
    return depth;
  };
}
