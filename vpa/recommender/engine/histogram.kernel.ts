import type { BucketScheme } from './bucket-scheme.kernel.ts';
import { exp2, powerOfTwo } from './go-math.kernel.ts';
import { giveRow, pageBits, pageMask, rowLength, takeRow } from './weight-slab.kernel.ts';
import type { WeightSlab } from './weight-slab.kernel.ts';

/**
 * Decaying histograms, as many as there are containers, in columns of numbers. A histogram keeps only the stretch of buckets that it uses. A sample at `t` weighs
 * 2^((t − reference) / half-life) times what it would at the reference, so that nothing has to be touched as time goes by.
 */
export interface HistogramPool {
  readonly scheme: BucketScheme;
  readonly slab: WeightSlab;
  /** Records of {@link stride} doubles; the other three are views of them. */
  f64: Float64Array;
  i32: Int32Array;
  i16: Int16Array;
  /** Half-lives in milliseconds by their number; Infinity: no decay. */
  readonly halfLives: number[];
  /** Records that were ever handed out. */
  size: number;
  readonly free: number[];
  /** Weight factor of the last sample: time, reference, half-life number, factor. */
  readonly memo: Float64Array;
}

/** Doubles of a record: reference, total, row and its length, first bucket of the row with least and greatest used bucket, half-life number, and four of the user's. */
export const stride = 8;

/** The user's: the second half of double 4 as an Int32, doubles 5, 6 and 7. */
export const userCount = 4 * 2 + 1;
export const userFirst = 5;
export const userSecond = 6;
export const userThird = 7;

/** The zero time of Go, 0001-01-01: a reference that was never set. */
export const zeroTime = -62_135_596_800_000;

/** A sample that is so many half-lives younger than the reference moves it. */
const longestDecay = 100;

export interface PoolOptions {
  readonly scheme: BucketScheme;
  readonly slab: WeightSlab;
  readonly capacity?: number;
}

export function createHistogramPool({ scheme, slab, capacity = 64 }: PoolOptions): HistogramPool {
  const f64 = new Float64Array(capacity * stride);
  const views = { f64, i32: new Int32Array(f64.buffer), i16: new Int16Array(f64.buffer) };
  return { scheme, slab, ...views, halfLives: [], size: 0, free: [], memo: new Float64Array(4).fill(Number.NaN) };
}

/** The number under which a half-life is known in this pool. */
export function halfLifeNumber(pool: HistogramPool, halfLifeMs: number): number {
  const known = pool.halfLives.indexOf(halfLifeMs);
  return known >= 0 ? known : pool.halfLives.push(halfLifeMs) - 1;
}

/** An empty histogram; the user's fields are 0. */
export function allocate(pool: HistogramPool, halfLifeMs: number): number {
  const h = pool.free.pop() ?? pool.size++;
  if ((h + 1) * stride > pool.f64.length) grow(pool);
  pool.f64.fill(0, h * stride, (h + 1) * stride);
  pool.i32[h * 16 + 8] = halfLifeNumber(pool, halfLifeMs);
  clear(pool, h);
  return h;
}

/** Room for more records: what is spare stays small beside what there is. */
export function grownCapacity(capacity: number): number {
  return Math.ceil(capacity * 1.125) + 64;
}

function grow(pool: HistogramPool): void {
  const f64 = new Float64Array(grownCapacity(pool.f64.length / stride) * stride);
  f64.set(pool.f64);
  pool.f64 = f64;
  pool.i32 = new Int32Array(f64.buffer);
  pool.i16 = new Int16Array(f64.buffer);
}

/** Makes it empty, with its half-life and the user's fields as they are. */
export function clear(pool: HistogramPool, h: number): void {
  const { f64, i32, i16 } = pool;
  if (i32[h * 16 + 5]! > 0) giveRow(pool.slab, i32[h * 16 + 4]!, i32[h * 16 + 5]!);
  f64[h * stride] = zeroTime;
  f64[h * stride + 1] = 0;
  i32[h * 16 + 4] = 0;
  i32[h * 16 + 5] = 0;
  i16[h * 32 + 12] = 0;
  i16[h * 32 + 13] = pool.scheme.count - 1;
  i16[h * 32 + 14] = 0;
}

/** As {@link clear}, but the row stays for what comes next. */
export function blank(pool: HistogramPool, h: number): void {
  const { f64, i32, i16, slab } = pool;
  const row = i32[h * 16 + 4]!;
  const length = i32[h * 16 + 5]!;
  if (length > 0) slab.pages[row >>> pageBits]!.fill(0, row & pageMask, (row & pageMask) + length);
  f64[h * stride] = zeroTime;
  f64[h * stride + 1] = 0;
  i16[h * 32 + 13] = pool.scheme.count - 1;
  i16[h * 32 + 14] = 0;
}

export function release(pool: HistogramPool, h: number): void {
  clear(pool, h);
  pool.free.push(h);
}

export function referenceOf(pool: HistogramPool, h: number): number {
  return pool.f64[h * stride]!;
}

export function totalOf(pool: HistogramPool, h: number): number {
  return pool.f64[h * stride + 1]!;
}

/** Weights are kept when the reference is set anew: a stored histogram comes with its own. */
export function setReference(pool: HistogramPool, h: number, reference: number): void {
  pool.f64[h * stride] = reference;
}

export function halfLifeOf(pool: HistogramPool, h: number): number {
  return pool.halfLives[pool.i32[h * 16 + 8]!]!;
}

/** Least and greatest bucket that are in use; the least is above the greatest in an empty one. */
export function leastBucket(pool: HistogramPool, h: number): number {
  return pool.i16[h * 32 + 13]!;
}

export function greatestBucket(pool: HistogramPool, h: number): number {
  return pool.i16[h * 32 + 14]!;
}

export function weightAt(pool: HistogramPool, h: number, bucket: number): number {
  const at = bucket - pool.i16[h * 32 + 12]!;
  if (at < 0 || at >= pool.i32[h * 16 + 5]!) return 0;
  const row = pool.i32[h * 16 + 4]!;
  return pool.slab.pages[row >>> pageBits]![(row & pageMask) + at]!;
}

export function isEmpty(pool: HistogramPool, h: number): boolean {
  return weightAt(pool, h, leastBucket(pool, h)) < pool.scheme.epsilon;
}

/** Makes the row long enough for the buckets from `least` to `greatest`. */
export function widen(pool: HistogramPool, h: number, least: number, greatest: number): void {
  const { i32, i16, slab, scheme } = pool;
  const length = i32[h * 16 + 5]!;
  const oldRow = i32[h * 16 + 4]!;
  const oldFirst = i16[h * 32 + 12]!;
  const page = slab.pages[oldRow >>> pageBits];
  const start = oldRow & pageMask;
  let used = 0;
  let last = length - 1;
  while (used < length && page![start + used] === 0) used++;
  while (last > used && page![start + last] === 0) last--;
  const empty = used >= length;
  const from = empty ? least : Math.min(least, oldFirst + used);
  const to = empty ? greatest : Math.max(greatest, oldFirst + last);
  const newLength = rowLength(to - from + 1, scheme.count);
  const first = Math.max(0, Math.min(from - ((newLength - (to - from + 1)) >> 1), scheme.count - newLength));
  const row = takeRow(slab, newLength);
  if (!empty) {
    const newPage = slab.pages[row >>> pageBits]!;
    const offset = (row & pageMask) + oldFirst - first;
    for (let at = used; at <= last; at++) newPage[offset + at] = page![start + at]!;
  }
  if (length > 0) giveRow(slab, oldRow, length);
  i32[h * 16 + 4] = row;
  i32[h * 16 + 5] = newLength;
  i16[h * 32 + 12] = first;
}

/** What a sample at `t` weighs at the histogram's reference. Moves a reference that is too old. */
export function decayFactor(pool: HistogramPool, h: number, t: number): number {
  const { f64, memo } = pool;
  const number = pool.i32[h * 16 + 8]!;
  let reference = f64[h * stride]!;
  if (memo[0] === t && memo[1] === reference && memo[2] === number) return memo[3]!;
  const halfLife = pool.halfLives[number]!;
  if (t > reference + longestDecay * halfLife) {
    shift(pool, h, t);
    reference = f64[h * stride]!;
  }
  memo[0] = t;
  memo[1] = reference;
  memo[2] = number;
  return (memo[3] = exp2((t - reference) / halfLife));
}

export function add(pool: HistogramPool, h: number, bucket: number, weight: number): void {
  let at = bucket - pool.i16[h * 32 + 12]!;
  if (at < 0 || at >= pool.i32[h * 16 + 5]!) {
    widen(pool, h, bucket, bucket);
    at = bucket - pool.i16[h * 32 + 12]!;
  }
  const row = pool.i32[h * 16 + 4]!;
  const sum = (pool.slab.pages[row >>> pageBits]![(row & pageMask) + at]! += weight);
  pool.f64[h * stride + 1]! += weight;
  if (sum < pool.scheme.epsilon) return;
  const { i16 } = pool;
  if (bucket < i16[h * 32 + 13]!) i16[h * 32 + 13] = bucket;
  if (bucket > i16[h * 32 + 14]!) i16[h * 32 + 14] = bucket;
}

export function subtract(pool: HistogramPool, h: number, bucket: number, weight: number): void {
  const { epsilon } = pool.scheme;
  const total = pool.f64[h * stride + 1]! - weight;
  pool.f64[h * stride + 1] = total < epsilon ? 0 : total;
  const at = bucket - pool.i16[h * 32 + 12]!;
  if (at >= 0 && at < pool.i32[h * 16 + 5]!) {
    const row = pool.i32[h * 16 + 4]!;
    const page = pool.slab.pages[row >>> pageBits]!;
    const rest = page[(row & pageMask) + at]! - weight;
    page[(row & pageMask) + at] = rest < epsilon ? 0 : rest;
  }
  tighten(pool, h);
}

/** Takes ends that weigh next to nothing out of use. */
export function tighten(pool: HistogramPool, h: number): void {
  const { i16 } = pool;
  const { epsilon, count } = pool.scheme;
  let least = i16[h * 32 + 13]!;
  let greatest = i16[h * 32 + 14]!;
  while (least < count - 1 && weightAt(pool, h, least) < epsilon) least++;
  while (greatest > 0 && weightAt(pool, h, greatest) < epsilon) greatest--;
  i16[h * 32 + 13] = least;
  i16[h * 32 + 14] = greatest;
}

function roundToHalfLife(t: number, halfLife: number): number {
  const steps = (t - zeroTime) / halfLife;
  return zeroTime + Math.floor(steps + 0.5) * halfLife;
}

/** Moves the reference to the multiple of the half-life that is nearest to `t`. */
export function shift(pool: HistogramPool, h: number, t: number): void {
  const halfLife = halfLifeOf(pool, h);
  const reference = roundToHalfLife(t, halfLife);
  scale(pool, h, shiftFactor(pool.f64[h * stride]!, reference, halfLife));
  pool.f64[h * stride] = reference;
}

function shiftFactor(from: number, to: number, halfLife: number): number {
  return from === zeroTime ? 0 : powerOfTwo(Math.floor((from - to) / halfLife + 0.5));
}

/** Multiplies the weights in use and their total. */
export function scale(pool: HistogramPool, h: number, factor: number): void {
  const row = pool.i32[h * 16 + 4]!;
  const greatest = pool.i16[h * 32 + 14]!;
  const page = pool.slab.pages[row >>> pageBits];
  const origin = (row & pageMask) - pool.i16[h * 32 + 12]!;
  const length = pool.i32[h * 16 + 5]!;
  if (length > 0) {
    for (let bucket = pool.i16[h * 32 + 13]!; bucket <= greatest; bucket++) page![origin + bucket]! *= factor;
  }
  pool.f64[h * stride + 1]! *= factor;
  tighten(pool, h);
}

/**
 * Adds another histogram of the pool, which stays as it is (upstream moves the older reference of the two in place). With half-lives that differ the other's weights
 * are what they are worth at this one's reference.
 */
export function merge(pool: HistogramPool, h: number, other: number): void {
  const { f64, i16, i32 } = pool;
  const halfLife = halfLifeOf(pool, h);
  const otherReference = f64[other * stride]!;
  if (f64[h * stride]! < otherReference) shift(pool, h, otherReference);
  const factor = mergeFactor(pool, h, other, halfLife);
  f64[h * stride + 1]! += f64[other * stride + 1]! * factor;
  const { epsilon, count } = pool.scheme;
  let least = i16[other * 32 + 13]!;
  let greatest = i16[other * 32 + 14]!;
  if (factor !== 1) {
    while (least < count - 1 && weightAt(pool, other, least) * factor < epsilon) least++;
    while (greatest > 0 && weightAt(pool, other, greatest) * factor < epsilon) greatest--;
  }
  if (least < i16[h * 32 + 13]!) i16[h * 32 + 13] = least;
  if (greatest > i16[h * 32 + 14]!) i16[h * 32 + 14] = greatest;
  if (least > greatest || i32[other * 16 + 5] === 0) return;
  const first = i16[h * 32 + 12]!;
  if (least < first || greatest >= first + i32[h * 16 + 5]!) widen(pool, h, least, greatest);
  const row = i32[h * 16 + 4]!;
  const otherRow = i32[other * 16 + 4]!;
  const page = pool.slab.pages[row >>> pageBits]!;
  const otherPage = pool.slab.pages[otherRow >>> pageBits]!;
  const origin = (row & pageMask) - i16[h * 32 + 12]!;
  const otherOrigin = (otherRow & pageMask) - i16[other * 32 + 12]!;
  for (let bucket = least; bucket <= greatest; bucket++) page[origin + bucket]! += otherPage[otherOrigin + bucket]! * factor;
}

function mergeFactor(pool: HistogramPool, h: number, other: number, halfLife: number): number {
  const reference = pool.f64[h * stride]!;
  const otherReference = pool.f64[other * stride]!;
  const otherHalfLife = halfLifeOf(pool, other);
  if (otherReference === reference) return 1;
  if (otherHalfLife !== halfLife) return otherReference === zeroTime ? 0 : exp2((otherReference - reference) / otherHalfLife);
  // Upstream rounds the younger reference to a half-life even when it is the other's: what is left between them then counts for nothing.
  return otherReference < reference ? shiftFactor(otherReference, roundToHalfLife(reference, halfLife), halfLife) : 1;
}

/** Goes on with another half-life: at `t` every weight is worth what it was. */
export function changeHalfLife(pool: HistogramPool, h: number, halfLifeMs: number, t: number): void {
  const before = halfLifeOf(pool, h);
  if (before === halfLifeMs) return;
  const reference = pool.f64[h * stride]!;
  pool.i32[h * 16 + 8] = halfLifeNumber(pool, halfLifeMs);
  if (reference === zeroTime || !Number.isFinite(t)) return;
  const next = roundToHalfLife(t, halfLifeMs);
  scale(pool, h, exp2((reference - t) / before) * exp2((t - next) / halfLifeMs));
  pool.f64[h * stride] = next;
}

/** Upper edges of the buckets in which the shares `at` of the weight are reached, all in one walk; 0 when empty. */
export function percentiles(pool: HistogramPool, h: number, at: Float64Array, out: Float64Array): void {
  const { i16, i32, f64, scheme } = pool;
  const least = i16[h * 32 + 13]!;
  const greatest = i16[h * 32 + 14]!;
  const row = i32[h * 16 + 4]!;
  const page = pool.slab.pages[row >>> pageBits];
  const origin = (row & pageMask) - i16[h * 32 + 12]!;
  const count = at.length;
  if (page === undefined || isEmpty(pool, h)) {
    out.fill(0, 0, count);
    return;
  }
  const total = f64[h * stride + 1]!;
  let sum = 0;
  let bucket = least;
  // Shares mostly rise; one that is smaller than the one before it has the walk begin anew.
  for (let index = 0; index < count; index++) {
    const threshold = at[index]! * total;
    if (index > 0 && at[index]! < at[index - 1]!) {
      sum = 0;
      bucket = least;
    }
    // What was passed did not reach the share before this one, or just did.
    while (bucket < greatest && sum + page[origin + bucket]! < threshold) sum += page[origin + bucket++]!;
    out[index] = edgeAbove(scheme, bucket);
  }
}

function edgeAbove({ starts, count }: BucketScheme, bucket: number): number {
  return starts[bucket < count - 1 ? bucket + 1 : bucket]!;
}

export function poolBytes(pool: HistogramPool): number {
  return pool.f64.byteLength;
}
