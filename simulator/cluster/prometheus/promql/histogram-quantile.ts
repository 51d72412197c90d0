import type { Labels } from '../storage/labels.ts';
import { parseFloatText } from './numbers.ts';
import type { Sample, Vector } from './values.ts';

interface Bucket {
  readonly upper: number;
  count: number;
}

const bound: ReadonlySet<string> = new Set(['le', '__name__']);

/** `histogram_quantile` of classic histograms: buckets are grouped by all labels but `le`. */
export function histogramQuantiles(quantile: number, samples: Vector): Sample[] {
  const groups = new Map<string, { readonly labels: Labels; readonly buckets: Bucket[] }>();
  for (const { labels, value } of samples) {
    const upper = parseFloatText(labels.get('le'));
    if (upper === undefined) continue;
    const rest = labels.without(bound);
    let group = groups.get(rest.key);
    if (group === undefined) groups.set(rest.key, (group = { labels: rest, buckets: [] }));
    group.buckets.push({ upper, count: value });
  }
  return [...groups.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(quantile, buckets) }));
}

function bucketQuantile(quantile: number, given: readonly Bucket[]): number {
  if (Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  const buckets = monotonic(given.toSorted((left, right) => left.upper - right.upper));
  const top = buckets.at(-1);
  // Without an infinite bucket the number of observations is not known.
  if (top?.upper !== Number.POSITIVE_INFINITY || buckets.length < 2 || top.count === 0) return Number.NaN;
  return interpolated(buckets, quantile * top.count);
}

function interpolated(buckets: readonly Bucket[], rank: number): number {
  const finite = buckets.slice(0, -1);
  const at = finite.findIndex(({ count }) => count >= rank);
  const bucket = finite[at];
  // Beyond the last finite bound nothing is known, and below the first only that it is not above it.
  if (bucket === undefined) return finite.at(-1)?.upper ?? Number.NaN;
  if (at === 0 && bucket.upper <= 0) return bucket.upper;
  const { upper, count } = finite[at - 1] ?? { upper: 0, count: 0 };
  return upper + (bucket.upper - upper) * ((rank - count) / (bucket.count - count));
}

/** Buckets of one bound added up, and counts that never fall: scrapes are not atomic. */
function monotonic(sorted: readonly Bucket[]): Bucket[] {
  const merged: Bucket[] = [];
  for (const { upper, count } of sorted) {
    const before = merged.at(-1);
    if (before?.upper === upper) before.count += count;
    else merged.push({ upper, count });
  }
  let highest = Number.NEGATIVE_INFINITY;
  for (const bucket of merged) {
    highest = bucket.count > highest ? bucket.count : highest;
    if (bucket.count < highest) bucket.count = highest;
  }
  return merged;
}
