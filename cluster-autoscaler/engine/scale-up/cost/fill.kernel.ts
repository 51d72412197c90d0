import { createOffers, type OfferInput, type Offers } from './offers.kernel.ts';
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
const goodEnough = 0.004;
/** Steps of the search for one node. */
const searchSteps = 6;
/** Prices are found anew when so much of the worth is left since the last time; not any more for the last pods. */
const repriceAt = 0.85;
const lastPart = 0.01;

/** What pods and nodes are worth at the moment. */
interface Worth {
  readonly resources: Float64Array;
  readonly sizes: Float64Array;
  /** Of what a pod of each size asks, by resource. */
  readonly requests: Float64Array;
  /** Sizes, the most worth first. */
  readonly order: readonly number[];
  /** Of a node as such, where a number of nodes is forced. */
  perNode(): number;
  /** Of all that is left. */
  left(): number;
  /** Of what is left in a place. */
  leftIn(place: number): number;
  /** Finds prices anew, if much has gone or pods have begun or ceased to force a number of nodes. */
  update(forcedNodes: number): void;
}

function createWorth({ width, sizes, places, requests, units }: Stock, offers: Offers): Worth {
  const resources = new Float64Array(width);
  const ofSizes = new Float64Array(sizes);
  const ofRequests = new Float64Array(sizes * width);
  const order = Array.from({ length: sizes }, (_, size) => size);
  let perNode = 0;
  let pricedAt = Number.NaN;
  let atStart = Number.NaN;
  let forcing = false;
  const valueAt = (amounts: Float64Array, start: number): number => {
    let value = 0;
    for (let each = 0; each < width; each++) value += resources[each]! * amounts[start + each]!;
    return value;
  };
  const left = (): number => {
    let value = 0;
    for (let place = 0; place < places; place++) value += valueAt(units, place * width);
    return value;
  };
  return {
    resources,
    sizes: ofSizes,
    requests: ofRequests,
    order,
    perNode: () => perNode,
    left,
    leftIn: (place) => valueAt(units, place * width),
    update: (forcedNodes) => {
      const value = left();
      const isOld = Number.isNaN(pricedAt) || (value < repriceAt * pricedAt && value > lastPart * atStart);
      if (!isOld && forcedNodes > 0 === forcing) return;
      const demand = new Float64Array(width + 1);
      for (let place = 0; place < places; place++) for (let each = 0; each < width; each++) demand[each]! += units[place * width + each]!;
      demand[width] = forcedNodes;
      const perUnit = offers.price(demand);
      resources.set(perUnit.subarray(0, width));
      perNode = perUnit[width]!;
      for (let size = 0; size < sizes; size++) ofSizes[size] = valueAt(requests, size * width);
      for (let at = 0; at < ofRequests.length; at++) ofRequests[at] = requests[at]! * resources[at % width]!;
      order.sort((a, b) => ofSizes[b]! - ofSizes[a]! || a - b);
      offers.rank(resources);
      pricedAt = left();
      if (Number.isNaN(atStart)) atStart = pricedAt;
      forcing = forcedNodes > 0;
    },
  };
}

/** Nodes that are filled between two breaks. */
const turnsAtOnce = 16;

/**
 * Fills one node after the other with what is left, so that little of what is paid for stays unused. What a pod is worth is told by shadow prices: those at
 * which the cheapest mix of fractional nodes would be bought. If pods that do not want each other force a number of nodes, each is seeded with one of them
 * and gets its share of the rest; otherwise nodes are chosen that waste least of their price. Changes the stock, and room and quota of the offers. Yields where there may be a break.
 */
export function* fillNodes({ stock, offers: offerInput, requirementOf, isLate }: FillInput): Generator<void, Filled> {
  const { width, places, units, used } = stock;
  const none = places - 1;
  const { quota } = offerInput;
  const offers = createOffers(offerInput);
  const worth = createWorth(stock, offers);
  const found = new Int32Array(1 << 16);
  const search = createSearch(stock, offers, requirementOf, found);
  const nodes: FilledNodes[] = [];
  const left = new Map<number, number>();
  let late = false;

  // The last resource is the number of pods.
  const podsIn = (place: number): number => units[(place + 1) * width - 1]!;

  /** The cell with the most left to pack; the place of no cell when nothing is bound to one. */
  const nextPlace = (): number => {
    let best = none;
    let most = 0;
    for (let cell = 0; cell < none; cell++) {
      // Pods that are worth nothing are there all the same.
      const value = podsIn(cell) === 0 ? 0 : worth.leftIn(cell) + podsIn(cell) * 1e-12;
      if (value > most) {
        most = value;
        best = cell;
      }
    }
    return best;
  };

  const firstOf = (pick: (size: number) => number): number => {
    for (const size of worth.order) {
      const entry = pick(size);
      if (entry >= 0) return entry;
    }
    return -1;
  };

  /** One of the pods that force the number of nodes, if there are such in the place; the one that is worth most. */
  const seedFor = (place: number, term: number): number => {
    const seed = term >= 0 ? firstOf((size) => stock.pickOf(term, size, place)) : -1;
    return seed >= 0 ? seed : firstOf((size) => stock.pick(size, place));
  };

  /** How often the same node may be made again without using up what it is made of. */
  const repeats = (entries: Int32Array): number => {
    const counts = new Map<number, number>();
    for (const entry of entries) {
      if (stock.left[entry]! < 8) return 1;
      counts.set(entry, (counts.get(entry) ?? 0) + 1);
    }
    let least = Number.POSITIVE_INFINITY;
    for (const [entry, count] of counts) least = Math.min(least, Math.floor(stock.left[entry]! / count));
    return Math.max(1, least >> 2);
  };

  /** Fills a node (or several that are the same) around the seed; false when no pool has room for it. */
  const fillAround = (seed: number, place: number, forcedNodes: number): boolean => {
    const size = stock.sizeOf[seed]!;
    const requirement = requirementOf[size]!;
    const value = worth.left();
    const forced = forcedNodes > 0;
    // With few nodes allowed each has to hold its part, whatever it costs.
    const least = value / quota.nodes;
    const share = Math.max(forced ? value / forcedNodes : value, least, Number.MIN_VALUE);
    if (!offers.choose({ place, size, requirement, share, least, near: forced })) return false;
    let pods = 0;
    for (let each = 0; each < places; each++) pods += podsIn(each);
    const depth = search({
      seed,
      place,
      forced,
      enough: forced ? goodEnough * offers.priceNear() : goodEnough,
      perNode: worth.perNode(),
      sizeWorth: worth.sizes,
      requestWorth: worth.requests,
      bySize: worth.order,
      worth: worth.resources,
      averageWorth: value / Math.max(1, pods),
      steps: late ? 0 : searchSteps,
    });
    const entries = found.slice(0, depth);
    for (const entry of entries) stock.push(entry);
    const requirements = new Set<number>();
    for (const entry of entries) requirements.add(requirementOf[stock.sizeOf[entry]!]!);
    const pool = depth === 0 ? -1 : offers.take(used, [...requirements]);
    if (pool < 0) {
      stock.clear();
      return false;
    }
    const times = offers.book(pool, repeats(entries));
    stock.commit(times);
    nodes.push({ pool, entries, times });
    return true;
  };

  for (let turn = 0; quota.nodes > 0; turn++) {
    if (turn % turnsAtOnce === 0) {
      late ||= isLate();
      yield;
    }
    const needed = stock.forced();
    worth.update(needed.nodes);
    const place = nextPlace();
    const forcedNodes = worth.perNode() > 0 ? needed.nodes : 0;
    const seed = seedFor(place, forcedNodes > 0 ? needed.term : -1);
    if (seed < 0) break;
    if (!fillAround(seed, place, forcedNodes)) left.set(seed, stock.drop(seed));
  }
  for (let entry = 0; entry < stock.left.length; entry++) if (stock.left[entry]! > 0) left.set(entry, stock.drop(entry));
  return { nodes, left, late };
}
