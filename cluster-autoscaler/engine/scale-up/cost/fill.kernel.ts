import { createOffers, type OfferInput } from './offers.kernel.ts';
import { createSearch } from './search.kernel.ts';
import type { Stock } from './stock.kernel.ts';

/** New nodes of one pool that hold the same. */
export interface FilledNodes {
  readonly pool: number;
  /** Entries of the stock on each of them, one for each pod. */
  readonly entries: Int32Array;
  readonly times: number;
}

export interface FillInput {
  readonly stock: Stock;
  readonly offers: OfferInput;
  /** Node requirement of each size. */
  readonly requirementOf: Int32Array;
  /** Whether the time is over: then nodes are filled without searching. */
  readonly isLate: () => boolean;
}

export interface Filled {
  readonly nodes: readonly FilledNodes[];
  /** Pods that found no pool with room, by entry. */
  readonly left: ReadonlyMap<number, number>;
  /** The time was over before the end. */
  readonly late: boolean;
}

/** A node that wastes less than this share of its price is not searched for further. */
const goodEnough = Number((globalThis as any).GE ?? 0.004);
/** Where a number of nodes is forced, one may hold so many times its share: more, and too little would be left for the last ones. */
const evenness = Number((globalThis as any).EV ?? 1.2);
/** Steps of the search for one node. */
const searchSteps = Number((globalThis as any).ST ?? 160);
/** Prices are found anew when so much of the worth is left since the last time. */
const repriceAt = 0.9;

/**
 * Fills one node after the other with what is left, so that little of what is paid for stays unused. What a pod is worth is told by shadow prices: those at
 * which the cheapest mix of fractional nodes would be bought. If pods that do not want each other force a number of nodes, each is seeded with one of them
 * and gets its share of the rest; otherwise nodes are chosen that waste least of their price. Changes the stock, and room and quota of the offers.
 */
export function fillNodes({ stock, offers: offerInput, requirementOf, isLate }: FillInput): Filled {
  const { width, sizes, places, units, used } = stock;
  const none = places - 1;
  const { requests, quota } = offerInput;
  const offers = createOffers(offerInput);
  const found = new Int32Array(1 << 16);
  const search = createSearch(stock, offers, requirementOf, found);
  const nodes: FilledNodes[] = [];
  const left = new Map<number, number>();
  const worth = new Float64Array(width);
  const sizeWorth = new Float64Array(sizes);
  const bySize = Array.from({ length: sizes }, (_, size) => size);
  let perNode = 0;
  let pricedAt = Number.POSITIVE_INFINITY;
  let late = false;

  const valueAt = (amounts: Float64Array, start: number): number => {
    let value = 0;
    for (let each = 0; each < width; each++) value += worth[each]! * amounts[start + each]!;
    return value;
  };
  const valueLeft = (): number => {
    let value = 0;
    for (let place = 0; place < places; place++) value += valueAt(units, place * width);
    return value;
  };
  const podsLeft = (): number => {
    let pods = 0;
    // The last resource is the number of pods.
    for (let place = 0; place < places; place++) pods += units[(place + 1) * width - 1]!;
    return pods;
  };

  const reprice = (forcedNodes: number): void => {
    const demand = new Float64Array(width + 1);
    for (let place = 0; place < places; place++) for (let each = 0; each < width; each++) demand[each]! += units[place * width + each]!;
    demand[width] = forcedNodes;
    const perUnit = offers.price(demand);
    worth.set(perUnit.subarray(0, width));
    perNode = perUnit[width]!;
    for (let size = 0; size < sizes; size++) sizeWorth[size] = valueAt(requests, size * width);
    bySize.sort((a, b) => sizeWorth[b]! - sizeWorth[a]! || a - b);
    offers.rank(worth);
    pricedAt = valueLeft();
  };

  /** The cell with the most left to pack; the place of no cell when nothing is bound to one. */
  const nextPlace = (): number => {
    let best = none;
    let most = 0;
    for (let cell = 0; cell < none; cell++) {
      const pods = units[(cell + 1) * width - 1]!;
      // Pods that are worth nothing are there all the same.
      const value = pods === 0 ? 0 : valueAt(units, cell * width) + pods * 1e-12;
      if (value > most) {
        most = value;
        best = cell;
      }
    }
    return best;
  };

  const seedFor = (place: number, term: number): number => {
    if (term >= 0) {
      for (const size of bySize) {
        const entry = stock.pickOf(term, size, place);
        if (entry >= 0) return entry;
      }
    }
    for (const size of bySize) {
      const entry = stock.pick(size, place);
      if (entry >= 0) return entry;
    }
    return -1;
  };

  /** How often the same node may be made again without using up what it is made of. */
  const repeats = (entries: Int32Array): number => {
    const counts = new Map<number, number>();
    for (const entry of entries) counts.set(entry, (counts.get(entry) ?? 0) + 1);
    let least = Number.POSITIVE_INFINITY;
    for (const [entry, count] of counts) least = Math.min(least, Math.floor(stock.left[entry]! / count));
    return Math.max(1, least >> 2);
  };

  for (let turn = 0; quota.nodes > 0; turn++) {
    if ((turn & 15) === 0) late ||= isLate();
    const needed = stock.forced();
    const value = valueLeft();
    if (turn === 0 || value < repriceAt * pricedAt || needed.nodes > 0 !== perNode > 0) reprice(needed.nodes);
    const forced = perNode > 0 && needed.nodes > 0;
    const place = nextPlace();
    const seed = seedFor(place, forced ? needed.term : -1);
    if (seed < 0) break;
    const size = stock.sizeOf[seed]!;
    // With few nodes allowed each has to hold its part, whatever it costs.
    const least = value / quota.nodes;
    const share = Math.max(forced ? value / needed.nodes : value, least, Number.MIN_VALUE);
    if (!offers.choose({ place, size, requirement: requirementOf[size]!, share, least, near: forced })) {
      left.set(seed, stock.drop(seed));
      continue;
    }
    const depth = search({
      seed,
      place,
      forced,
      enough: forced ? goodEnough * offers.priceNear() : goodEnough,
      perNode,
      sizeWorth,
      bySize,
      worth,
      averageWorth: value / Math.max(1, podsLeft()),
      steps: late ? 0 : searchSteps,
    });
    const entries = found.slice(0, depth);
    for (const entry of entries) stock.push(entry);
    const pool = depth === 0 ? -1 : offers.take(used, [...new Set(Array.from(entries, (entry) => requirementOf[stock.sizeOf[entry]!]!))]);
    if (pool < 0) { if ((globalThis as any).DBG) console.log("fail", depth, seed, "place", place, none, "forced", forced, needed, "count", offers.count, [...entries].length, "used", used.join(), "worth", worth.join(), perNode);
      stock.clear();
      left.set(seed, stock.drop(seed));
      continue;
    }
    const times = offers.book(pool, repeats(entries));
    stock.commit(times);
    nodes.push({ pool, entries, times });
  }
  for (let entry = 0; entry < stock.left.length; entry++) if (stock.left[entry]! > 0) left.set(entry, stock.drop(entry));
  return { nodes, left, late };
}
