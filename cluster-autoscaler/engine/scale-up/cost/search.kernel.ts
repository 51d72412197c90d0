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
  /** The same by resource: `width` numbers for each size. */
  readonly requestWorth: Float64Array;
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
const triedOffers = 2;
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
      for (let at = 0; at < depth; at++) found[at] = stock.stack[at]!;
    }
    return best <= goal.enough;
  };

  const hasRoom = (size: number): boolean => {
    for (let each = 0; each < width; each++) {
      const wanted = requests[size * width + each]!;
      if (wanted > 0 && wanted > free[each]! - used[each]!) return false;
    }
    return true;
  };

  // What is free on the node, as it is and in shadow prices.
  const rest = new Float64Array(width);
  const restWorth = new Float64Array(width);

  /** Finds the sizes that leave the shortest vector; how many were found. */
  const findWays = (start: number, most: number): number => {
    const { place, requestWorth } = goal;
    for (let each = 0; each < width; each++) {
      rest[each] = free[each]! - used[each]!;
      restWorth[each] = rest[each]! * goal.worth[each]!;
    }
    let count = 0;
    for (let size = 0; size < sizes; size++) {
      if (available[size * places + place] === 0 && available[size * places + none] === 0) continue;
      const at = size * width;
      let length = 0;
      for (let each = 0; each < width; each++) {
        const wanted = requests[at + each]!;
        if (wanted > rest[each]! && wanted > 0) {
          length = -1;
          break;
        }
        const worth = restWorth[each]! - requestWorth[at + each]!;
        length += worth * worth;
      }
      if (length < 0 || (count === most && length >= lengths[most - 1]!)) continue;
      let rank = count < most ? count++ : most - 1;
      for (; rank > 0 && lengths[rank - 1]! > length; rank--) {
        lengths[rank] = lengths[rank - 1]!;
        ways[start + rank] = ways[start + rank - 1]!;
      }
      lengths[rank] = length;
      ways[start + rank] = size;
    }
    return count;
  };

  const descend = (level: number, value: number): boolean => {
    if (judge(value)) return true;
    const start = level * mostBranches;
    const most = steps >= goal.steps ? 1 : (branches[level] ?? 1);
    // One more, for one that the node does not take for its rules.
    const count = findWays(start, Math.min(mostBranches, most + 1));
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
      for (; number > 0 && hasRoom(size); number--) {
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
