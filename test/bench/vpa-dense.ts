import { memoryScheme, cpuScheme, type BucketScheme } from '../../vpa/recommender/engine/bucket-scheme.kernel.ts';
import type { HistogramCheckpoint } from '../../vpa/model.ts';

/** The plain way, as a measure: an object with two arrays of all 176 buckets for each container, and a logarithm and a power for each sample. */

interface DenseHistogram {
  readonly scheme: BucketScheme;
  readonly weights: Float64Array;
  readonly first: number;
  total: number;
  reference: number;
}

export interface DenseAggregate {
  readonly cpu: DenseHistogram;
  readonly memory: DenseHistogram;
  firstSample: number;
  lastSample: number;
  samples: number;
  lastCpu: number;
}

const halfLife = 86_400_000;
const logRatio = Math.log(1.05);

function histogram(scheme: BucketScheme, first: number): DenseHistogram {
  return { scheme, weights: new Float64Array(scheme.count), first, total: 0, reference: Number.NaN };
}

export function denseAggregate(): DenseAggregate {
  return {
    cpu: histogram(cpuScheme, 0.01),
    memory: histogram(memoryScheme, 1e7),
    firstSample: Infinity,
    lastSample: -Infinity,
    samples: 0,
    lastCpu: -Infinity,
  };
}

function add(h: DenseHistogram, value: number, weight: number, t: number): void {
  if (Number.isNaN(h.reference)) h.reference = Math.round(t / halfLife) * halfLife;
  const bucket = value < h.first ? 0 : Math.min(h.scheme.count - 1, Math.floor(Math.log((value * 0.05) / h.first + 1) / logRatio));
  const decayed = weight * Math.pow(2, (t - h.reference) / halfLife);
  h.weights[bucket]! += decayed;
  h.total += decayed;
}

export function denseCpu(aggregate: DenseAggregate, milli: number, t: number): void {
  if (!(milli >= 0) || t <= aggregate.lastCpu) return;
  aggregate.lastCpu = t;
  add(aggregate.cpu, milli / 1000, 0.1, t);
  aggregate.firstSample = Math.min(aggregate.firstSample, t);
  aggregate.lastSample = Math.max(aggregate.lastSample, t);
  aggregate.samples++;
}

export function densePeak(aggregate: DenseAggregate, bytes: number, t: number): void {
  add(aggregate.memory, bytes, 1, t);
}

function percentile({ weights, total, scheme }: DenseHistogram, share: number): number {
  let sum = 0;
  let bucket = 0;
  while (bucket < scheme.count - 1) {
    sum += weights[bucket]!;
    if (sum >= share * total) break;
    bucket++;
  }
  return scheme.starts[Math.min(bucket + 1, scheme.count - 1)]!;
}

/** The six numbers of a container. */
export function denseRecommendation({ cpu, memory, firstSample, lastSample, samples }: DenseAggregate, out: Float64Array): void {
  const confidence = Math.min((lastSample - firstSample) / halfLife, samples / 1440);
  const estimates = [
    [cpu, 1000, 25],
    [memory, 1, 262_144_000],
  ] as const;
  let at = 0;
  for (const [h, unit, minimum] of estimates) {
    for (const [share, factor] of [
      [0.5, Math.pow(1 + 0.001 / confidence, -2)],
      [0.9, 1],
      [0.95, 1 + 1 / confidence],
    ] as const) {
      const base = Math.trunc(percentile(h, share) * unit);
      out[at++] = Math.max(minimum, Math.trunc((base + Math.trunc(base * 0.15)) * factor));
    }
  }
}

function stored({ weights, total, reference }: DenseHistogram): HistogramCheckpoint {
  const max = Math.max(...weights);
  const bucketWeights: Record<string, number> = {};
  for (const [bucket, weight] of weights.entries()) {
    const rounded = Math.round((weight / max) * 10_000);
    if (rounded > 0) bucketWeights[String(bucket)] = rounded;
  }
  return { referenceTimestamp: time(reference), bucketWeights, totalWeight: total };
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

export function denseCheckpoint(aggregate: DenseAggregate, now: number): string {
  return JSON.stringify({
    lastUpdateTime: time(now),
    version: 'v3',
    cpuHistogram: stored(aggregate.cpu),
    memoryHistogram: stored(aggregate.memory),
    firstSampleStart: time(aggregate.firstSample),
    lastSampleStart: time(aggregate.lastSample),
    totalSamplesCount: aggregate.samples,
  });
}
