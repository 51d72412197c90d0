import { cutPiece, pieceAt, splitAt } from './load-series.ts';
import type { Piece } from './load-series.ts';

/** Replicas that can serve the same rate; what one of them did is read from the group. */
export interface ServerGroup {
  /** Requests per second that one replica can serve; may be infinite. */
  readonly rate: number;
  count: number;
  /** Requests that one replica of this group has served so far. */
  served: number;
  /** Milliseconds during which such a replica was at its limit. */
  saturatedMs: number;
}

export interface FluidQueueOptions {
  /** Requests that may wait; more are dropped. */
  readonly maxQueue: number;
  /** Whether requests wait (true) or fail (false) while there is no replica at all. */
  readonly holdWhenEmpty: boolean;
}

/** Below this many requests a queue counts as empty. */
const emptyQueue = 1e-9;
/** More changes of regime within one straight piece than are possible; what is left then is rounding noise. */
const maximumRegimes = 32;

/**
 * Requests as a fluid: they come at a known, piecewise linear rate, are spread evenly over the replicas, none of which serves more than
 * it can; what is too much for all of them waits. Everything is integrated exactly, so that the result does not depend on how often
 * {@link FluidQueue.advance} is called.
 */
export class FluidQueue {
  readonly #options: FluidQueueOptions;
  /** In order of rate. */
  readonly #groups: ServerGroup[] = [];
  #queue = 0;
  #arrived = 0;
  #served = 0;
  #dropped = 0;
  #capacity = 0;
  #count = 0;

  constructor(options: FluidQueueOptions) {
    this.#options = options;
  }

  /** Requests that wait now. */
  get queue(): number {
    return this.#queue;
  }

  get arrived(): number {
    return this.#arrived;
  }

  get served(): number {
    return this.#served;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Requests per second that all replicas together can serve. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Number of replicas. */
  get count(): number {
    return this.#count;
  }

  /** Counts one replica in; the group is shared by all of the same rate. */
  join(rate: number): ServerGroup {
    const at = this.#groups.findIndex((group) => group.rate >= rate);
    const found = this.#groups[at];
    let group = found;
    if (found === undefined || found.rate !== rate) {
      group = { rate, count: 0, served: 0, saturatedMs: 0 };
      this.#groups.splice(at < 0 ? this.#groups.length : at, 0, group);
    }
    const joined = group as ServerGroup;
    joined.count += 1;
    this.#recount();
    return joined;
  }

  leave(group: ServerGroup): void {
    group.count -= 1;
    if (group.count === 0) this.#groups.splice(this.#groups.indexOf(group), 1);
    this.#recount();
  }

  /** Requests per second that one replica of the group serves while requests come at `demand` per second. */
  rateOf(group: ServerGroup, demand: number): number {
    if (this.#queue > emptyQueue || demand >= this.#capacity) return group.rate;
    return Math.min(group.rate, this.level(demand));
  }

  /** The even share of one replica that is not at its limit. */
  level(demand: number): number {
    let rest = demand;
    let left = this.#count;
    for (const group of this.#groups) {
      if (left === 0 || group.rate * left >= rest) break;
      rest -= group.rate * group.count;
      left -= group.count;
    }
    return left === 0 ? (this.#groups.at(-1)?.rate ?? 0) : rest / left;
  }

  /** Takes in the arrivals of a span; pieces are in requests per second over milliseconds. */
  advance(arrivals: readonly Piece[]): void {
    for (const piece of arrivals) {
      this.#arrived += area(piece);
      this.#advancePiece(piece);
    }
  }

  #recount(): void {
    this.#capacity = 0;
    this.#count = 0;
    for (const group of this.#groups) {
      this.#capacity += group.rate * group.count;
      this.#count += group.count;
    }
  }

  #advancePiece(piece: Piece): void {
    if (this.#capacity === 0) {
      this.#take(area(piece));
      return;
    }
    let rest: Piece = piece;
    for (let regime = 0; rest.to > rest.from; regime++) {
      const end = regime < maximumRegimes ? this.#regime(rest) : this.#idle(rest, rest.to);
      if (end >= rest.to) return;
      rest = cutPiece(rest, end, rest.to);
    }
  }

  /** Without any server everything waits or fails. */
  #take(requests: number): void {
    const room = this.#options.holdWhenEmpty ? Math.max(0, this.#options.maxQueue - this.#queue) : 0;
    const kept = Math.min(requests, room);
    this.#queue += kept;
    this.#dropped += requests - kept;
  }

  /** Goes to the next change of regime (queue empty, queue full, demand meets capacity) and answers when that is. */
  #regime(piece: Piece): number {
    if (!Number.isFinite(this.#capacity)) {
      this.#drain();
      return this.#idle(piece, piece.to);
    }
    const slope = (piece.end - piece.start) / (piece.to - piece.from);
    const excess = this.#excess(piece, slope);
    const rising = excess > 0 || (excess === 0 && slope > 0);
    if (this.#queue <= emptyQueue && !rising) {
      const meets = slope > 0 ? piece.from - excess / slope : piece.to;
      return this.#idle(piece, Math.min(piece.to, meets));
    }
    if (this.#queue >= this.#options.maxQueue && rising) {
      const meets = slope < 0 ? piece.from - excess / slope : piece.to;
      return this.#overflow(piece, Math.min(piece.to, meets));
    }
    return this.#saturate(piece, slope, excess);
  }

  /** Demand above capacity; none where a change of time too small to be told would make it none: a step that short would lead nowhere. */
  #excess(piece: Piece, slope: number): number {
    const excess = piece.start - this.#capacity;
    const leastTime = 4 * Number.EPSILON * Math.max(Math.abs(piece.from), Math.abs(piece.to));
    const noise = Math.max(1e-12 * Math.max(1, this.#capacity), Math.abs(slope) * leastTime);
    return Math.abs(excess) <= noise ? 0 : excess;
  }

  /** Whoever can serve any rate takes all that waits at once. */
  #drain(): void {
    const group = this.#groups.at(-1);
    if (this.#queue === 0 || group === undefined) return;
    group.served += this.#queue / group.count;
    this.#served += this.#queue;
    this.#queue = 0;
  }

  /** Every replica at its limit, the queue growing or shrinking until it is full or empty. */
  #saturate(piece: Piece, slope: number, excess: number): number {
    const length = piece.to - piece.from;
    const empty = firstRoot(slope / 2000, excess / 1000, this.#queue);
    const full = firstRoot(slope / 2000, excess / 1000, this.#queue - this.#options.maxQueue);
    const duration = Math.min(length, empty, full);
    const arrived = area(cutPiece(piece, piece.from, piece.from + duration));
    this.#work(duration);
    const before = this.#queue;
    const after = before + arrived - (this.#capacity * duration) / 1000;
    if (duration === empty) this.#queue = 0;
    else if (duration === full) this.#queue = this.#options.maxQueue;
    else this.#queue = Math.max(0, after);
    // Served is what balances, so that nothing is lost to rounding.
    this.#served += before + arrived - this.#queue;
    return duration === length ? piece.to : piece.from + duration;
  }

  #overflow(piece: Piece, end: number): number {
    const cut = cutPiece(piece, piece.from, end);
    const arrived = area(cut);
    const served = Math.min(arrived, (this.#capacity * (cut.to - cut.from)) / 1000);
    this.#work(cut.to - cut.from);
    this.#served += served;
    this.#dropped += arrived - served;
    return end;
  }

  #work(duration: number): void {
    for (const group of this.#groups) {
      group.served += (group.rate * duration) / 1000;
      group.saturatedMs += duration;
    }
  }

  /** No queue: each replica gets its even share, except those that cannot serve so much. */
  #idle(piece: Piece, end: number): number {
    const cut = cutPiece(piece, piece.from, end);
    for (const part of splitAt(cut, this.#thresholds())) this.#share(part);
    this.#served += area(cut);
    return end;
  }

  /** Demands at which one more group reaches its limit. */
  #thresholds(): number[] {
    const result: number[] = [];
    let below = 0;
    let left = this.#count;
    for (const group of this.#groups) {
      if (Number.isFinite(group.rate)) result.push(below + group.rate * left);
      below += group.rate * group.count;
      left -= group.count;
    }
    return result;
  }

  #share(part: Piece): void {
    const duration = part.to - part.from;
    const level = this.level(pieceAt(part, (part.from + part.to) / 2));
    for (const group of this.#groups) {
      const full = group.rate <= level;
      group.served += (Math.min(group.rate, level) * duration) / 1000;
      if (full && group.rate < level) group.saturatedMs += duration;
    }
  }
}

/** Integral of a piece of requests per second over milliseconds, in requests. */
function area(piece: Piece): number {
  return (((piece.start + piece.end) / 2) * (piece.to - piece.from)) / 1000;
}

/** The smallest positive root of `a·x² + b·x + c`, infinite when there is none. */
function firstRoot(a: number, b: number, c: number): number {
  if (!Number.isFinite(c)) return Number.POSITIVE_INFINITY;
  if (a === 0) return positive(b === 0 ? Number.NaN : -c / b);
  const discriminant = b * b - 4 * a * c;
  if (discriminant < 0) return Number.POSITIVE_INFINITY;
  // The form that does not subtract nearly equal numbers.
  const q = -(b + (b < 0 ? -1 : 1) * Math.sqrt(discriminant)) / 2;
  return Math.min(positive(q / a), positive(q === 0 ? Number.NaN : c / q));
}

function positive(value: number): number {
  return value > 0 ? value : Number.POSITIVE_INFINITY;
}
