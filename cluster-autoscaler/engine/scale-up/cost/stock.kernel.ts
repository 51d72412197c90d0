import type { Kind } from './problem.ts';

/** Pods that are still to be packed, by kind and cell, and what is on the node that is being filled. */
export interface Stock {
  readonly sizes: number;
  /** Cells; a further place, the last, is for pods to whom all cells are the same. */
  readonly places: number;
  readonly width: number;
  /** What a pod of each size asks for, `width` numbers each. */
  readonly requests: Float64Array;
  /** Pods left by size and place. */
  readonly available: Int32Array;
  /** Units left by place and resource. */
  readonly units: Float64Array;
  readonly kindOf: Int32Array;
  readonly placeOf: Int32Array;
  /** Size of each entry. */
  readonly sizeOf: Int32Array;
  readonly left: Int32Array;
  /** What the node holds, by resource. */
  readonly used: Float64Array;
  /** Entries on the node, in order, `depth` of them. */
  readonly stack: Int32Array;
  depth: number;
  /** For each host term how many nodes its pods need at least: pods that do not want each other. */
  forced(): { readonly term: number; readonly nodes: number };
  /** An entry of the size, of the cell or of no cell, that the node takes beside what it holds; -1 for none. */
  pick(size: number, cell: number): number;
  /** The same among entries that do not want others of the term beside them. */
  pickOf(term: number, size: number, cell: number): number;
  push(entry: number): void;
  pop(): void;
  /** Takes what the node holds out of what is left, so many times, and empties the node. */
  commit(times: number): void;
  /** Empties the node. */
  clear(): void;
  /** Takes all that is left of an entry out. */
  drop(entry: number): number;
}

export interface StockInput {
  readonly kinds: readonly Kind[];
  readonly requests: Float64Array;
  readonly width: number;
  readonly sizes: number;
  readonly cells: number;
  readonly hostTerms: number;
  /** Number of pods by `kind * places + place`. */
  readonly counts: Int32Array;
}

/** Without a limit. */
const unlimited = 0x7fff_ffff;

export function createStock({ kinds, requests, width, sizes, cells, hostTerms, counts }: StockInput): Stock {
  const places = cells + 1;
  const entries: { kind: number; place: number; count: number }[] = [];
  for (let kind = 0; kind < kinds.length; kind++) {
    for (let place = 0; place < places; place++) {
      const count = counts[kind * places + place]!;
      if (count > 0) entries.push({ kind, place, count });
    }
  }
  const kindOf = Int32Array.from(entries, ({ kind }) => kind);
  const placeOf = Int32Array.from(entries, ({ place }) => place);
  const sizeOf = Int32Array.from(entries, ({ kind }) => kinds[kind]!.size);
  const left = Int32Array.from(entries, ({ count }) => count);
  const available = new Int32Array(sizes * places);
  const units = new Float64Array(places * width);
  const lists: number[][] = Array.from({ length: sizes * places }, () => []);
  const limitOf = new Int32Array(hostTerms).fill(unlimited);
  const selfish = new Int32Array(hostTerms);
  for (let entry = 0; entry < entries.length; entry++) {
    const kind = kinds[kindOf[entry]!]!;
    lists[kind.size * places + placeOf[entry]!]!.push(entry);
    for (const { term, limit, self } of kind.hostLimits) if (self) limitOf[term] = Math.min(limitOf[term]!, Math.max(1, limit));
    book(entry, left[entry]!);
  }
  // Those with limits first, while there is choice of what to put beside them; then those that others limit.
  const hardness = (entry: number): number => {
    const { hostLimits, hostMatches } = kinds[kindOf[entry]!]!;
    return hostLimits.length * 1000 + hostMatches.length;
  };
  for (const list of lists) list.sort((a, b) => hardness(b) - hardness(a) || a - b);
  const heads = new Int32Array(lists.length);

  const used = new Float64Array(width);
  const stack = new Int32Array(1 << 16);
  const taken = new Int32Array(entries.length);
  const hostCount = new Int32Array(hostTerms);
  const hostLimit = new Int32Array(hostTerms).fill(unlimited);
  // The limits that held before each push, to take it back, one after the other.
  const before: number[] = [];

  function book(entry: number, by: number): void {
    const kind = kinds[kindOf[entry]!]!;
    const place = placeOf[entry]!;
    available[kind.size * places + place]! += by;
    for (let each = 0; each < width; each++) units[place * width + each]! += by * requests[kind.size * width + each]!;
    for (let each = 0; each < kind.hostLimits.length; each++) {
      const { term, self } = kind.hostLimits[each]!;
      if (self) selfish[term]! += by;
    }
  }

  function admits({ hostLimits, hostMatches }: Kind): boolean {
    for (let each = 0; each < hostMatches.length; each++) {
      const term = hostMatches[each]!;
      if (hostCount[term]! + 1 > hostLimit[term]!) return false;
    }
    for (let each = 0; each < hostLimits.length; each++) {
      const { term, limit, self } = hostLimits[each]!;
      if (hostCount[term]! + (self ? 1 : 0) > limit) return false;
    }
    return true;
  }

  /** The first entry of a list that is left and that the node takes. */
  function first(list: number, accept: ((kind: Kind) => boolean) | undefined): number {
    const entriesOf = lists[list]!;
    let head = heads[list]!;
    while (head < entriesOf.length && left[entriesOf[head]!] === 0) head++;
    heads[list] = head;
    for (let at = head; at < entriesOf.length; at++) {
      const entry = entriesOf[at]!;
      if (left[entry]! <= taken[entry]!) continue;
      const kind = kinds[kindOf[entry]!]!;
      if ((accept === undefined || accept(kind)) && admits(kind)) return entry;
    }
    return -1;
  }

  function pickAny(size: number, cell: number, accept?: (kind: Kind) => boolean): number {
    if (cell < cells && available[size * places + cell]! > 0) {
      const entry = first(size * places + cell, accept);
      if (entry >= 0) return entry;
    }
    return available[size * places + cells]! > 0 ? first(size * places + cells, accept) : -1;
  }

  const stock: Stock = {
    sizes,
    places,
    width,
    requests,
    available,
    units,
    kindOf,
    placeOf,
    sizeOf,
    left,
    used,
    stack,
    depth: 0,
    forced: () => {
      let nodes = 0;
      let term = -1;
      for (let each = 0; each < hostTerms; each++) {
        const needed = selfish[each] === 0 ? 0 : Math.ceil(selfish[each]! / limitOf[each]!);
        if (needed <= nodes) continue;
        nodes = needed;
        term = each;
      }
      return { term, nodes };
    },
    pick: (size, cell) => pickAny(size, cell),
    pickOf: (term, size, cell) => pickAny(size, cell, ({ hostLimits }) => hostLimits.some((limit) => limit.term === term && limit.self)),
    push: (entry) => {
      const { size, hostLimits, hostMatches } = kinds[kindOf[entry]!]!;
      for (let each = 0; each < width; each++) used[each]! += requests[size * width + each]!;
      for (let each = 0; each < hostMatches.length; each++) hostCount[hostMatches[each]!]! += 1;
      for (let each = 0; each < hostLimits.length; each++) {
        const { term, limit } = hostLimits[each]!;
        before.push(hostLimit[term]!);
        if (limit < hostLimit[term]!) hostLimit[term] = limit;
      }
      taken[entry]! += 1;
      stack[stock.depth++] = entry;
    },
    pop: () => {
      const entry = stack[--stock.depth]!;
      const { size, hostLimits, hostMatches } = kinds[kindOf[entry]!]!;
      for (let each = 0; each < width; each++) used[each]! -= requests[size * width + each]!;
      for (let each = 0; each < hostMatches.length; each++) hostCount[hostMatches[each]!]! -= 1;
      for (let each = hostLimits.length - 1; each >= 0; each--) hostLimit[hostLimits[each]!.term] = before.pop()!;
      taken[entry]! -= 1;
    },
    clear: () => {
      while (stock.depth > 0) stock.pop();
      // Sums of taking back are exact for whole numbers; this makes it so whatever they are.
      used.fill(0);
    },
    commit: (times) => {
      // The stack keeps its entries when it is emptied.
      const depth = stock.depth;
      stock.clear();
      for (let at = 0; at < depth; at++) {
        const entry = stack[at]!;
        left[entry]! -= times;
        book(entry, -times);
      }
    },
    drop: (entry) => {
      const dropped = left[entry]!;
      left[entry] = 0;
      book(entry, -dropped);
      return dropped;
    },
  };
  return stock;
}
