import { parseTime } from '../../../core/model/condition.ts';
import type { HistogramCheckpoint } from '../../model.ts';
import type { BucketScheme } from './bucket-scheme.kernel.ts';
import type { HistogramPool } from './histogram.kernel.ts';
import { greatestBucket, leastBucket, referenceOf, setReference, stride, tighten, totalOf, widen, zeroTime } from './histogram.kernel.ts';
import { pageBits, pageMask } from './weight-slab.kernel.ts';

/** Histograms as upstream stores them: whole numbers of ten-thousandths of the heaviest bucket. */

export const checkpointVersion = 'v3';

/** What the heaviest bucket is stored as. */
export const heaviestBucket = 10_000;
const day = 86_400_000;

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
/** What was printed lately: the times of one pass are much the same for all containers. */
const days = new Map<number, string>();
const texts = new Map<number, string>();

/** RFC 3339 with whole seconds. */
export function timeText(epochMs: number): string {
  const known = texts.get(epochMs);
  if (known !== undefined) return known;
  const number = Math.floor(epochMs / day);
  let date = days.get(number);
  if (date === undefined) {
    if (days.size >= 64) days.clear();
    date = new Date(number * day).toISOString().slice(0, 11);
    days.set(number, date);
  }
  const seconds = Math.floor(epochMs / 1000) - number * 86_400;
  const minutes = Math.trunc(seconds / 60);
  const text = `${date}${twoDigits[Math.trunc(minutes / 60)]!}:${twoDigits[minutes % 60]!}:${twoDigits[seconds % 60]!}Z`;
  if (texts.size >= 1024) texts.clear();
  texts.set(epochMs, text);
  return text;
}

export function histogramCheckpoint(pool: HistogramPool, h: number): HistogramCheckpoint {
  const reference = referenceOf(pool, h);
  const totalWeight = totalOf(pool, h);
  const bucketWeights = checkpointWeights(pool, h);
  const referenceTimestamp = reference === zeroTime ? null : timeText(reference);
  if (bucketWeights === undefined) return totalWeight === 0 ? { referenceTimestamp } : { referenceTimestamp, totalWeight };
  return { referenceTimestamp, bucketWeights, totalWeight };
}

/** The largest weight in use, 0: none. */
export function weightOfHeaviest(pool: HistogramPool, h: number): number {
  const row = pool.i32[h * 16 + 4]!;
  const greatest = greatestBucket(pool, h);
  if (pool.i32[h * 16 + 5] === 0) return 0;
  const page = pool.slab.pages[row >>> pageBits]!;
  const origin = (row & pageMask) - pool.i16[h * 32 + 12]!;
  let max = 0;
  for (let bucket = leastBucket(pool, h); bucket <= greatest; bucket++) if (page[origin + bucket]! > max) max = page[origin + bucket]!;
  return max;
}

function checkpointWeights(pool: HistogramPool, h: number): Record<string, number> | undefined {
  const max = weightOfHeaviest(pool, h);
  if (max === 0) return undefined;
  const row = pool.i32[h * 16 + 4]!;
  const page = pool.slab.pages[row >>> pageBits]!;
  const origin = (row & pageMask) - pool.i16[h * 32 + 12]!;
  const greatest = greatestBucket(pool, h);
  const ratio = heaviestBucket / max;
  const weights: Record<number, number> = {};
  for (let bucket = leastBucket(pool, h); bucket <= greatest; bucket++) {
    const weight = Math.floor(page[origin + bucket]! * ratio + 0.5);
    if (weight > 0) weights[bucket] = weight;
  }
  return weights;
}

const bucketName = /^(0|[1-9][0-9]{0,8})$/;

/** What is wrong with a stored histogram, as the end of a sentence; `undefined`: nothing. */
export function checkpointFault({ count }: BucketScheme, checkpoint: HistogramCheckpoint | null | undefined): string | undefined {
  if (checkpoint === undefined || checkpoint === null) return 'is missing';
  const { totalWeight = 0, bucketWeights, referenceTimestamp } = checkpoint;
  if (!(totalWeight >= 0) || totalWeight === Infinity) return `has the total weight ${totalWeight}, which is not a number from 0 up`;
  for (const [bucket, weight] of Object.entries(bucketWeights ?? {})) {
    if (!bucketName.test(bucket) || Number(bucket) >= count)
      return `has a weight for bucket ${printable(bucket)}, but there are ${count} buckets`;
    if (!(weight >= 0) || weight === Infinity)
      return `has the weight ${printable(String(weight))} in bucket ${bucket}, which is not a number from 0 up`;
  }
  if (typeof referenceTimestamp === 'string' && parseTime(referenceTimestamp) === undefined) {
    return `has the reference time ${printable(referenceTimestamp)}, which is not RFC 3339`;
  }
  return undefined;
}

/** Short, and without anything but plain characters. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, '?'));
}

/** Adds a stored histogram that has no fault to what is there; its reference replaces the one there is. */
export function loadHistogram(
  pool: HistogramPool,
  h: number,
  { bucketWeights, totalWeight = 0, referenceTimestamp }: HistogramCheckpoint,
): void {
  const entries = Object.entries(bucketWeights ?? {}).map(([bucket, weight]) => [Number(bucket), weight] as const);
  const sum = entries.reduce((partial, [, weight]) => partial + weight, 0);
  if (sum > 0) {
    const buckets = entries.map(([bucket]) => bucket);
    const least = Math.min(...buckets);
    const greatest = Math.max(...buckets);
    widen(pool, h, least, greatest);
    const row = pool.i32[h * 16 + 4]!;
    const page = pool.slab.pages[row >>> pageBits]!;
    const origin = (row & pageMask) - pool.i16[h * 32 + 12]!;
    const ratio = totalWeight / sum;
    for (const [bucket, weight] of entries) page[origin + bucket]! += weight * ratio;
    pool.f64[h * stride + 1]! += totalWeight;
    pool.i16[h * 32 + 13] = Math.min(leastBucket(pool, h), least);
    pool.i16[h * 32 + 14] = Math.max(greatestBucket(pool, h), greatest);
    tighten(pool, h);
  }
  setReference(pool, h, parseTime(referenceTimestamp ?? undefined) ?? zeroTime);
}
