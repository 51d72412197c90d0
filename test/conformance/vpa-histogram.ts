import { parseTime } from '../../core/model/condition.ts';
import type { HistogramCheckpoint } from '../../vpa/model.ts';
import {
  cpuScheme,
  exponentialScheme,
  linearScheme,
  memoryScheme,
  type BucketScheme,
} from '../../vpa/recommender/engine/bucket-scheme.kernel.ts';
import { checkpointFault, histogramCheckpoint, loadHistogram } from '../../vpa/recommender/engine/checkpoint-form.kernel.ts';
import {
  add,
  allocate,
  createHistogramPool,
  decayFactor,
  greatestBucket,
  halfLifeOf,
  isEmpty,
  leastBucket,
  merge,
  percentiles,
  referenceOf,
  subtract,
  totalOf,
  weightAt,
  zeroTime,
  type HistogramPool,
} from '../../vpa/recommender/engine/histogram.kernel.ts';
import { createWeightSlab } from '../../vpa/recommender/engine/weight-slab.kernel.ts';
import type { VectorCase, VectorRunner } from './runners.ts';

type Json = Readonly<Record<string, unknown>>;

/** The cases of histograms and of the checkpoints of single histograms. */
export const histogramOps: Readonly<Record<string, VectorRunner>> = {
  'histogram.options': runOptions,
  'histogram.run': runSteps,
};

export function histogramRunner(vector: VectorCase): ReturnType<VectorRunner> {
  const runner = histogramOps[vector.op ?? ''];
  return runner === undefined ? [`no runner for the operation ${vector.op}`] : runner(vector);
}

interface SchemeOptions {
  readonly type: string;
  readonly max: number;
  readonly firstBucketSize: number;
  readonly ratio: number;
  readonly bucketSize: number;
  readonly epsilon: number;
}

function schemeOf(raw: unknown): BucketScheme {
  const options = raw as SchemeOptions;
  switch (options.type) {
    case 'vpa-cpu':
      return cpuScheme;
    case 'vpa-memory':
      return memoryScheme;
    case 'linear':
      return linearScheme(options);
    case 'exponential':
      return exponentialScheme(options);
    default:
      throw new Error(`unknown bucket scheme ${options.type}`);
  }
}

function runOptions({ input, expected, tolerance }: VectorCase): readonly string[] {
  const scheme = schemeOf(input['options']);
  const actual = {
    numBuckets: scheme.count,
    start: (input['start'] as readonly number[]).map((bucket) => scheme.starts[bucket]),
    find: (input['find'] as readonly number[]).map((value) => scheme.bucketOf(value)),
  };
  return differences(expected, actual, tolerance ?? 0);
}

interface Sample {
  readonly value: number;
  readonly weight: number;
  readonly time?: string | null;
}

interface Step {
  readonly add?: Sample;
  readonly subtract?: Sample;
  readonly merge?: { readonly steps: readonly Step[] };
  readonly load?: { readonly checkpoint?: HistogramCheckpoint } & HistogramCheckpoint;
  readonly percentiles?: readonly number[];
  readonly isEmpty?: boolean;
  readonly save?: boolean;
  readonly weights?: readonly number[];
  readonly equals?: { readonly steps: readonly Step[] };
}

function runSteps({ input, expected, tolerance }: VectorCase): readonly string[] {
  const pool = createHistogramPool({ scheme: schemeOf(input['options']), slab: createWeightSlab(), capacity: 2 });
  const seconds = input['halfLifeSeconds'] as number | undefined | null;
  const halfLife = typeof seconds === 'number' ? seconds * 1000 : Infinity;
  const results: unknown[] = [];
  play({ pool, halfLife }, allocate(pool, halfLife), input['steps'] as readonly Step[], results);
  return differences(expected, { results }, tolerance ?? 0);
}

interface Bench {
  readonly pool: HistogramPool;
  readonly halfLife: number;
}

function play(bench: Bench, h: number, steps: readonly Step[], results: unknown[]): void {
  for (const step of steps) {
    change(bench, h, step);
    const answer = ask(bench, h, step);
    if (answer !== undefined) results.push(answer);
  }
}

function change(bench: Bench, h: number, { add: addition, subtract: subtraction, merge: merged }: Step): void {
  const { pool, halfLife } = bench;
  const weigh = ({ weight, time }: Sample): number => weight * decayFactor(pool, h, parseTime(time ?? undefined) ?? zeroTime);
  if (addition !== undefined) add(pool, h, pool.scheme.bucketOf(addition.value), weigh(addition));
  if (subtraction !== undefined) subtract(pool, h, pool.scheme.bucketOf(subtraction.value), weigh(subtraction));
  if (merged === undefined) return;
  const other = allocate(pool, halfLife);
  play(bench, other, merged.steps, []);
  merge(pool, h, other);
}

function ask(bench: Bench, h: number, step: Step): unknown {
  const { pool } = bench;
  if (step.load !== undefined) return load(pool, h, step.load);
  if (step.percentiles !== undefined) {
    const out = new Float64Array(step.percentiles.length);
    percentiles(pool, h, Float64Array.from(step.percentiles), out);
    return [...out];
  }
  if (step.isEmpty !== undefined) return isEmpty(pool, h);
  if (step.save !== undefined) return histogramCheckpoint(pool, h);
  if (step.weights !== undefined) {
    return {
      total: totalOf(pool, h),
      buckets: Object.fromEntries(step.weights.map((bucket) => [String(bucket), weightAt(pool, h, bucket)])),
    };
  }
  return step.equals === undefined ? undefined : equals(bench, h, step.equals.steps);
}

function load(pool: HistogramPool, h: number, raw: Step['load'] | null): { error: boolean } {
  const checkpoint = raw?.checkpoint ?? raw;
  const fault = checkpointFault(pool.scheme, checkpoint);
  if (fault !== undefined || checkpoint === null || checkpoint === undefined) return { error: true };
  // A histogram without decay has no reference, and upstream does not read one into it.
  loadHistogram(pool, h, halfLifeOf(pool, h) === Infinity ? { ...checkpoint, referenceTimestamp: null } : checkpoint);
  return { error: false };
}

function equals(bench: Bench, h: number, steps: readonly Step[]): boolean {
  const { pool, halfLife } = bench;
  const other = allocate(pool, halfLife);
  play(bench, other, steps, []);
  if (referenceOf(pool, h) !== referenceOf(pool, other)) return false;
  if (leastBucket(pool, h) !== leastBucket(pool, other) || greatestBucket(pool, h) !== greatestBucket(pool, other)) return false;
  for (let bucket = 0; bucket < pool.scheme.count; bucket++) {
    if (Math.abs(weightAt(pool, h, bucket) - weightAt(pool, other, bucket)) > 1e-15) return false;
  }
  return true;
}

/** Differences of two values; absent, null, {} and [] are the same; numbers within the relative tolerance. */
export function differences(expected: unknown, actual: unknown, tolerance: number, path = ''): string[] {
  if (isNone(expected) && isNone(actual)) return [];
  if (typeof expected === 'number' && typeof actual === 'number') {
    const near = expected === actual || Math.abs(expected - actual) <= tolerance * Math.max(Math.abs(expected), Math.abs(actual));
    return near ? [] : [`${path}: expected ${expected}, got ${actual}`];
  }
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) =>
      differences((expected as Json)[key], (actual as Json)[key], tolerance, `${path}${path === '' ? '' : '.'}${key}`),
    );
  }
  return Object.is(expected, actual) ? [] : [`${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`];
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
