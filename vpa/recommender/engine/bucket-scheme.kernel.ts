import { log, power } from './go-math.kernel.ts';

/** How values are sorted into buckets, upstream's to the bit: a checkpoint says nothing but bucket numbers. */
export interface BucketScheme {
  readonly count: number;
  /** A weight below it counts as none. */
  readonly epsilon: number;
  /** Lower edges. */
  readonly starts: Float64Array;
  readonly bucketOf: (value: number) => number;
}

export interface ExponentialOptions {
  readonly max: number;
  readonly firstBucketSize: number;
  readonly ratio: number;
  readonly epsilon: number;
}

/** Each bucket is `ratio` times as wide as the one before it. */
export function exponentialScheme({ max, firstBucketSize, ratio, epsilon }: ExponentialOptions): BucketScheme {
  const growth = ratio - 1;
  const base = log(ratio);
  const count = Math.ceil(log((max * growth) / firstBucketSize + 1) / base) + 1;
  const starts = Float64Array.from({ length: count }, (_, bucket) => (firstBucketSize * (power(ratio, bucket) - 1)) / growth);
  const bucketOf = (value: number): number => {
    if (value < firstBucketSize) return 0;
    const bucket = Math.trunc(log((value * growth) / firstBucketSize + 1) / base);
    return bucket >= count ? count - 1 : bucket;
  };
  return { count, epsilon, starts, bucketOf };
}

export interface LinearOptions {
  readonly max: number;
  readonly bucketSize: number;
  readonly epsilon: number;
}

/** Buckets of one width: upstream has them for its tests only. */
export function linearScheme({ max, bucketSize, epsilon }: LinearOptions): BucketScheme {
  const count = Math.ceil(max / bucketSize) + 1;
  const starts = Float64Array.from({ length: count }, (_, bucket) => bucket * bucketSize);
  const bucketOf = (value: number): number => Math.min(Math.max(Math.trunc(value / bucketSize), 0), count - 1);
  return { count, epsilon, starts, bucketOf };
}

const growthRatio = 1.05;
/** A thousandth of the least weight that a sample has. */
const epsilon = 0.0001;

/** CPU, in cores: 1 % of a core to 1 000 cores. */
export const cpuScheme: BucketScheme = exponentialScheme({ max: 1000, firstBucketSize: 0.01, ratio: growthRatio, epsilon });

/** Memory, in bytes: 10 MB to 1 TB. */
export const memoryScheme: BucketScheme = exponentialScheme({ max: 1e12, firstBucketSize: 1e7, ratio: growthRatio, epsilon });

/** Whole milli-cores below this are looked up, not computed. */
const tabled = 65_536;

const buckets = ((): Uint8Array => {
  const table = new Uint8Array(tabled);
  for (let milli = 0; milli < tabled; milli++) table[milli] = cpuScheme.bucketOf(milli / 1000);
  return table;
})();

/** The CPU bucket of an amount of milli-cores that is not negative. */
export function cpuBucketOfMilli(milli: number): number {
  const whole = milli | 0;
  return whole === milli && whole < tabled ? buckets[whole]! : cpuScheme.bucketOf(milli / 1000);
}
