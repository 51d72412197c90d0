import { shadowPrices } from './bound.kernel.ts';

/** Pools as the packing sees them. */
export interface OfferInput {
  readonly width: number;
  /** Cells; pods that are bound to none go by the place after the last. */
  readonly cells: number;
  readonly requests: Float64Array;
  /** By pool: free amounts of an empty node (`width` each), price, cell, requirements it meets, and nodes that may be added. */
  readonly supply: Float64Array;
  readonly prices: Float64Array;
  readonly cellOf: Int32Array;
  readonly allows: readonly (readonly boolean[])[];
  readonly room: Int32Array;
  /** What a node takes of the cluster's quota: cores, bytes. */
  readonly cores: Float64Array;
  readonly memory: Float64Array;
  /** Target size, and place in the order of names: among equal pools the smallest grows, then the first by name. */
  readonly sizes: Int32Array;
  readonly names: Int32Array;
  readonly quota: { cpu: number; memory: number; nodes: number };
}

/** Which offers are looked at for a node. */
export interface OfferChoice {
  readonly place: number;
  /** Size and node requirement of its first pod. */
  readonly size: number;
  readonly requirement: number;
  /** What the node should hold, in shadow prices. */
  readonly share: number;
  /** With the nodes that are allowed each has to hold so much; those that cannot are chosen only when none can. */
  readonly least: number;
  /** Nodes of about that share; otherwise those that give most for their price, up to it. */
  readonly near: boolean;
}

/** The pools to choose from for one node. */
export interface Offers {
  /** What resources are worth, and a node as such (the last), where so much is asked for; the last of `demand` is a number of nodes that is forced. */
  price(demand: Float64Array): Float64Array;
  /** Tells what resources are worth from now on. */
  rank(worth: Float64Array): void;
  /** False when no pool has room for the pod. */
  choose(choice: OfferChoice): boolean;
  /** Number of offers chosen; the best first. */
  readonly count: number;
  /** Worth of what an offer holds at most; of the largest for -1. */
  worthOf(offer: number): number;
  /** Price of the offer that is nearest to the share. */
  priceNear(): number;
  freeOf(offer: number): Float64Array;
  /** Looks at the offer and those below it only (-1: at all), and only at those that meet the requirement. */
  focus(offer: number, requirement: number): void;
  /** Only offers that meet the requirement, too; false, and nothing changed, when none is left. */
  narrow(requirement: number): boolean;
  /** Takes the last narrowing back. */
  widen(): void;
  /** Price of the cheapest offer that holds it; NaN for none. */
  cheapest(used: Float64Array): number;
  /** The pool that is cheapest for it, of all in the place, meeting all requirements; -1 for none. */
  take(used: Float64Array, requirements: readonly number[]): number;
  /** Adds nodes to the pool, at most so many as it has room for; how many. */
  book(pool: number, times: number): number;
}

/** Pools that are the same but for their name. */
interface Type {
  readonly pools: readonly number[];
  readonly free: Float64Array;
  readonly price: number;
  readonly allows: readonly boolean[];
}

/** Offers worth so many times the share of a node, or that part of it, are looked at only while there are fewer than two others. */
const muchLarger = 1.35;
const muchSmaller = 3;
/** As many offers as fit a mask. */
const mostOffers = 16;

export function createOffers(input: OfferInput): Offers {
  const { width, cells, requests, room, quota } = input;
  const scopes: Type[][] = [];
  for (let cell = 0; cell <= cells; cell++) scopes.push(typesOf(input, cell === cells ? -1 : cell));
  const everything = scopes[cells]!;
  const worths: Float64Array[] = scopes.map((types) => new Float64Array(types.length));
  // By worth.
  const orders: Int32Array[] = scopes.map((types) => Int32Array.from(types, (_, index) => index));
  let place = 0;
  let chosen: number[] = [];
  let nearest = 0;
  let byPrice: number[] = [];
  let alive = 0;
  const masks: number[] = [];

  const hasRoom = (pool: number): boolean =>
    room[pool]! > 0 && input.cores[pool]! <= quota.cpu && input.memory[pool]! <= quota.memory && quota.nodes > 0;
  const isOpen = ({ pools }: Type): boolean => pools.some(hasRoom);
  const fitsSize = ({ free }: Type, size: number): boolean => {
    for (let each = 0; each < width; each++) if (requests[size * width + each]! > Math.max(0, free[each]!)) return false;
    return true;
  };
  const holdsUsed = ({ free }: Type, used: Float64Array): boolean => {
    for (let each = 0; each < width; each++) if (used[each]! > 0 && used[each]! > free[each]!) return false;
    return true;
  };
  const meeting = (requirement: number): number => {
    let mask = 0;
    for (let offer = 0; offer < chosen.length; offer++) {
      if (scopes[place]![chosen[offer]!]!.allows[requirement] === true) mask |= 1 << offer;
    }
    return mask;
  };

  /** Usable types, the nearest to the share first, from both sides. */
  const chooseNear = ({ share }: OfferChoice, usable: (type: number) => boolean): number[] => {
    const order = orders[place]!;
    const worth = worths[place]!;
    let above = 0;
    while (above < order.length && worth[order[above]!]! < share) above++;
    let below = above - 1;
    const found: number[] = [];
    while (found.length < mostOffers && (below >= 0 || above < order.length)) {
      const up = above < order.length ? worth[order[above]!]! / share : Number.POSITIVE_INFINITY;
      const down = below >= 0 ? share / Math.max(worth[order[below]!]!, 1e-300) : Number.POSITIVE_INFINITY;
      // Larger ones would leave too little for the last nodes; far smaller ones are never full of what belongs on them.
      if (found.length >= 2 && Math.min(up, down) > (up <= down ? muchLarger : muchSmaller)) {
        if (up <= down) above = order.length;
        else below = -1;
        continue;
      }
      const type = up <= down ? order[above++]! : order[below--]!;
      if (usable(type)) found.push(type);
    }
    return found;
  };

  /** Usable types that give most for their price: not worth more than the share, or else the smallest. */
  const chooseBest = ({ share, least }: OfferChoice, usable: (type: number) => boolean): number[] => {
    const order = orders[place]!;
    const worth = worths[place]!;
    const types = scopes[place]!;
    const small: number[] = [];
    let larger = -1;
    for (const type of order) {
      if (!usable(type)) continue;
      if (worth[type]! <= share * 1.05) small.push(type);
      else if (larger < 0) larger = type;
    }
    const cost = (type: number): number => types[type]!.price / Math.max(worth[type]!, 1e-300);
    small.sort((a, b) => cost(a) - cost(b) || types[a]!.price - types[b]!.price || a - b);
    const enough = small.filter((type) => worth[type]! >= least * (1 - 1e-9));
    const found = enough.slice(0, mostOffers - 1);
    if (larger >= 0) found.push(larger);
    // The nodes that are allowed will not do: the largest hold the most.
    return found.length > 0 ? found : small.toSorted((a, b) => worth[b]! - worth[a]! || a - b).slice(0, 2);
  };

  return {
    get count() {
      return chosen.length;
    },
    price: (demand) => averagePrices(everything, demand, width),
    rank: (worth) => {
      for (const [scope, types] of scopes.entries()) {
        const values = worths[scope]!;
        for (const [type, { free }] of types.entries()) {
          let value = 0;
          for (let each = 0; each < width; each++) value += worth[each]! * Math.max(0, free[each]!);
          values[type] = value;
        }
        orders[scope]!.sort((a, b) => values[a]! - values[b]! || types[a]!.price - types[b]!.price || a - b);
      }
    },
    choose: (choice) => {
      place = choice.place;
      const types = scopes[place]!;
      const usable = (type: number): boolean => {
        const of = types[type]!;
        return of.allows[choice.requirement] === true && fitsSize(of, choice.size) && isOpen(of);
      };
      chosen = choice.near ? chooseNear(choice, usable) : chooseBest(choice, usable);
      nearest = types[chosen[0] ?? 0]?.price ?? 0;
      byPrice = chosen.map((_, offer) => offer).sort((a, b) => types[chosen[a]!]!.price - types[chosen[b]!]!.price || a - b);
      return chosen.length > 0;
    },
    worthOf: (offer) => {
      const worth = worths[place]!;
      return offer >= 0 ? worth[chosen[offer]!]! : Math.max(...chosen.map((type) => worth[type]!));
    },
    priceNear: () => nearest,
    freeOf: (offer) => scopes[place]![chosen[offer]!]!.free,
    focus: (offer, requirement) => {
      masks.length = 0;
      alive = meeting(requirement);
      if (offer >= 0) {
        const limit = worths[place]![chosen[offer]!]!;
        for (let each = 0; each < chosen.length; each++) if (worths[place]![chosen[each]!]! > limit) alive &= ~(1 << each);
      }
    },
    narrow: (requirement) => {
      const narrowed = alive & meeting(requirement);
      if (narrowed === 0) return false;
      masks.push(alive);
      alive = narrowed;
      return true;
    },
    widen: () => {
      alive = masks.pop()!;
    },
    cheapest: (used) => {
      for (const offer of byPrice) {
        if ((alive & (1 << offer)) === 0) continue;
        const type = scopes[place]![chosen[offer]!]!;
        if (holdsUsed(type, used)) return type.price;
      }
      return Number.NaN;
    },
    take: (used, requirements) => {
      let best = -1;
      let bestPrice = Number.POSITIVE_INFINITY;
      for (const type of scopes[place]!) {
        if (type.price > bestPrice || !holdsUsed(type, used) || !requirements.every((each) => type.allows[each] === true)) continue;
        for (const pool of type.pools) {
          if (!hasRoom(pool) || (type.price === bestPrice && best >= 0 && !isBefore(pool, best))) continue;
          best = pool;
          bestPrice = type.price;
        }
      }
      return best;
    },
    book: (pool, wanted) => {
      let times = Math.min(wanted, room[pool]!, quota.nodes);
      if (input.cores[pool]! > 0) times = Math.min(times, Math.floor(quota.cpu / input.cores[pool]!));
      if (input.memory[pool]! > 0) times = Math.min(times, Math.floor(quota.memory / input.memory[pool]!));
      room[pool]! -= times;
      quota.cpu -= times * input.cores[pool]!;
      quota.memory -= times * input.memory[pool]!;
      quota.nodes -= times;
      input.sizes[pool]! += times;
      return times;
    },
  };

  function isBefore(a: number, b: number): boolean {
    const bySize = input.sizes[a]! - input.sizes[b]!;
    return bySize === 0 ? input.names[a]! < input.names[b]! : bySize < 0;
  }
}

function typesOf({ width, supply, prices, cellOf, allows }: OfferInput, cell: number): Type[] {
  const types = new Map<string, { pools: number[]; free: Float64Array; price: number; allows: readonly boolean[] }>();
  for (let pool = 0; pool < prices.length; pool++) {
    if (cell >= 0 && cellOf[pool] !== cell) continue;
    const free = supply.subarray(pool * width, (pool + 1) * width);
    const meets = allows[pool]!;
    const key = `${prices[pool]}|${free.join()}|${meets.map(Number).join('')}`;
    const type = types.get(key);
    if (type === undefined) types.set(key, { pools: [pool], free, price: prices[pool]!, allows: meets });
    else type.pools.push(pool);
  }
  return [...types.values()];
}

/** How much more of one resource is asked for in turn: then it has a price also if another is just short of it. */
const bump = 1.1;
/** Part of prices that is found as if no number of nodes were forced: where that number alone covers the demand, resources would be worth nothing. */
const unforcedPart = 0.1;

/** Shadow prices averaged over demands that differ a little. An average of feasible prices is feasible: no node's content is worth more than the node. */
function averagePrices(types: readonly Type[], demand: Float64Array, width: number): Float64Array {
  const columns = width + 1;
  const supply = new Float64Array(types.length * columns);
  const prices = Float64Array.from(types, ({ price }) => price);
  for (const [row, { free }] of types.entries()) {
    for (let each = 0; each < width; each++) supply[row * columns + each] = Math.max(0, free[each]!);
    supply[row * columns + width] = 1;
  }
  const average = new Float64Array(columns);
  const asked = Array.from({ length: width }, (_, each) => each).filter((each) => demand[each]! > 0);
  const parts =
    demand[width]! > 0
      ? [
          { part: 1 - unforcedPart, nodes: demand[width]! },
          { part: unforcedPart, nodes: 0 },
        ]
      : [{ part: 1, nodes: 0 }];
  for (const { part, nodes } of parts) {
    for (const each of asked) {
      const more = demand.slice();
      more[each]! *= bump;
      more[width] = nodes;
      const { perUnit } = shadowPrices(supply, prices, more);
      for (let column = 0; column < columns; column++) average[column]! += (part * perUnit[column]!) / asked.length;
    }
  }
  return average;
}
