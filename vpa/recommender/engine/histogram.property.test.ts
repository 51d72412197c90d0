import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuScheme } from './bucket-scheme.kernel.ts';
import { histogramCheckpoint, loadHistogram } from './checkpoint-form.kernel.ts';
import { exp2 } from './go-math.kernel.ts';
import {
  add,
  allocate,
  changeHalfLife,
  createHistogramPool,
  decayFactor,
  greatestBucket,
  isEmpty,
  leastBucket,
  merge,
  percentiles,
  referenceOf,
  release,
  subtract,
  totalOf,
  weightAt,
  zeroTime,
  type HistogramPool,
} from './histogram.kernel.ts';
import { createWeightSlab, slabBytes } from './weight-slab.kernel.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 0, 1);
const { count, epsilon, starts } = cpuScheme;

/** A histogram as the specification (3.4.2, 3.4.3) has it, with all its buckets. */
interface Dense {
  readonly weights: number[];
  readonly halfLife: number;
  total: number;
  least: number;
  greatest: number;
  reference: number;
}

function dense(halfLife: number): Dense {
  return { weights: Array.from({ length: count }, () => 0), halfLife, total: 0, least: count - 1, greatest: 0, reference: zeroTime };
}

function tighten(h: Dense): void {
  while (h.weights[h.least]! < epsilon && h.least < count - 1) h.least++;
  while (h.weights[h.greatest]! < epsilon && h.greatest > 0) h.greatest--;
}

function shift(h: Dense, t: number): void {
  const reference = zeroTime + Math.floor((t - zeroTime) / h.halfLife + 0.5) * h.halfLife;
  const factor = h.reference === zeroTime ? 0 : 2 ** Math.floor((h.reference - reference) / h.halfLife + 0.5);
  for (let bucket = h.least; bucket <= h.greatest; bucket++) h.weights[bucket]! *= factor;
  h.total *= factor;
  tighten(h);
  h.reference = reference;
}

function factorAt(h: Dense, t: number): number {
  if (t > h.reference + 100 * h.halfLife) shift(h, t);
  return exp2((t - h.reference) / h.halfLife);
}

function addTo(h: Dense, bucket: number, weight: number): void {
  h.weights[bucket]! += weight;
  h.total += weight;
  if (h.weights[bucket]! < epsilon) return;
  h.least = Math.min(h.least, bucket);
  h.greatest = Math.max(h.greatest, bucket);
}

function subtractFrom(h: Dense, bucket: number, weight: number): void {
  const floor = (value: number): number => (value < epsilon ? 0 : value);
  h.total = floor(h.total - weight);
  h.weights[bucket] = floor(h.weights[bucket]! - weight);
  tighten(h);
}

function mergeInto(h: Dense, other: Dense): void {
  const copy = { ...other, weights: [...other.weights] };
  if (h.reference < copy.reference) shift(h, copy.reference);
  else if (copy.reference < h.reference) shift(copy, h.reference);
  for (let bucket = copy.least; bucket <= copy.greatest; bucket++) h.weights[bucket]! += copy.weights[bucket]!;
  h.total += copy.total;
  h.least = Math.min(h.least, copy.least);
  h.greatest = Math.max(h.greatest, copy.greatest);
}

function percentileOf(h: Dense, share: number): number {
  if (h.weights[h.least]! < epsilon) return 0;
  let sum = 0;
  let bucket = h.least;
  for (; bucket < h.greatest; bucket++) {
    sum += h.weights[bucket]!;
    if (sum >= share * h.total) break;
  }
  return starts[Math.min(bucket + 1, count - 1)]!;
}

interface Step {
  readonly kind: 'add' | 'subtract' | 'merge' | 'again';
  readonly which: number;
  readonly bucket: number;
  readonly weight: number;
  readonly hours: number;
}

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'subtract', 'merge', 'again'),
  which: fc.nat({ max: 3 }),
  bucket: fc.oneof(fc.nat({ max: count - 1 }), fc.integer({ min: 30, max: 50 })),
  weight: fc.constantFrom(0.1, 0.1, 1, 0.00005, 0.00015),
  hours: fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: 20_000 })),
});

/** The same things of both. */
function views(pool: HistogramPool, h: number, model: Dense): readonly [actual: unknown, expected: unknown] {
  const shares = Float64Array.of(0, 0.5, 0.95, 0.9, 1);
  const out = new Float64Array(shares.length);
  percentiles(pool, h, shares, out);
  const actual = [
    totalOf(pool, h),
    referenceOf(pool, h),
    leastBucket(pool, h),
    greatestBucket(pool, h),
    model.weights.map((_, bucket) => weightAt(pool, h, bucket)),
    [...out],
  ];
  const percentilesOfModel = [...shares].map((share) => percentileOf(model, share));
  return [actual, [model.total, model.reference, model.least, model.greatest, [...model.weights], percentilesOfModel]];
}

describe('a pool of histograms', () => {
  it.each([24 * hour, hour])('does to the bit what one with all buckets does, with a half-life of %i ms', (halfLife) => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
        const pool = createHistogramPool({ scheme: cpuScheme, slab: createWeightSlab(), capacity: 1 });
        const handles = [0, 1, 2, 3].map(() => allocate(pool, halfLife));
        const models = handles.map(() => dense(halfLife));
        for (const { kind, which, bucket, weight, hours } of steps) {
          const h = handles[which]!;
          const model = models[which]!;
          const t = start + hours * hour;
          const other = (which + 1) % 4;
          if (kind === 'add') {
            add(pool, h, bucket, weight * decayFactor(pool, h, t));
            addTo(model, bucket, weight * factorAt(model, t));
          } else if (kind === 'subtract') {
            subtract(pool, h, bucket, weight * decayFactor(pool, h, t));
            subtractFrom(model, bucket, weight * factorAt(model, t));
          } else if (kind === 'merge') {
            merge(pool, h, handles[other]!);
            mergeInto(model, models[other]!);
          } else {
            release(pool, h);
            handles[which] = allocate(pool, halfLife);
            models[which] = dense(halfLife);
          }
          for (const index of [which, other]) {
            const [actual, expected] = views(pool, handles[index]!, models[index]!);
            expect(actual).toEqual(expected);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is as it was after it is saved and loaded, within a ten-thousandth of the heaviest bucket', () => {
    const sample = fc.record({ bucket: fc.nat({ max: count - 1 }), hours: fc.nat({ max: 200 }) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 40 }), (samples) => {
        const pool = createHistogramPool({ scheme: cpuScheme, slab: createWeightSlab() });
        const h = allocate(pool, 24 * hour);
        for (const { bucket, hours } of samples) add(pool, h, bucket, 0.1 * decayFactor(pool, h, start + hours * hour));
        const loaded = allocate(pool, 24 * hour);
        loadHistogram(pool, loaded, histogramCheckpoint(pool, h));
        expect(referenceOf(pool, loaded)).toBe(referenceOf(pool, h));
        expect(totalOf(pool, loaded)).toBeCloseTo(totalOf(pool, h), 9);
        const heaviest = Math.max(...Array.from({ length: count }, (_, bucket) => weightAt(pool, h, bucket)));
        for (let bucket = 0; bucket < count; bucket++) {
          const off = Math.abs(weightAt(pool, loaded, bucket) - weightAt(pool, h, bucket));
          // Half a step for each bucket, and what rounding all of them did to the sum.
          expect(off).toBeLessThanOrEqual((heaviest / 10_000) * (0.5 + samples.length / 2));
        }
      }),
    );
  });

  it('weighs what it did at the moment when its half-life changes', () => {
    const pool = createHistogramPool({ scheme: cpuScheme, slab: createWeightSlab() });
    const h = allocate(pool, 24 * hour);
    for (let hours = 0; hours <= 30; hours += 10) add(pool, h, 40 + hours, 0.1 * decayFactor(pool, h, start + hours * hour));
    const at = start + 30 * hour;
    const worth = (bucket: number, halfLife: number): number => weightAt(pool, h, bucket) * 2 ** ((referenceOf(pool, h) - at) / halfLife);
    const before = [40, 50, 60, 70].map((bucket) => worth(bucket, 24 * hour));
    changeHalfLife(pool, h, 6 * hour, at);
    expect(Number.isInteger((referenceOf(pool, h) - zeroTime) / (6 * hour))).toBe(true);
    for (const [index, bucket] of [40, 50, 60, 70].entries()) expect(worth(bucket, 6 * hour)).toBeCloseTo(before[index]!, 12);
  });

  it('merges one of another half-life at what it is worth at the reference', () => {
    const pool = createHistogramPool({ scheme: cpuScheme, slab: createWeightSlab() });
    const [a, b] = [allocate(pool, 24 * hour), allocate(pool, 12 * hour)];
    add(pool, a, 40, decayFactor(pool, a, start + 24 * hour));
    add(pool, b, 50, decayFactor(pool, b, start));
    merge(pool, a, b);
    expect(referenceOf(pool, a)).toBe(start + 24 * hour);
    expect([weightAt(pool, a, 40), weightAt(pool, a, 50)]).toEqual([1, 0.25]);
  });

  it('takes the room of a histogram that is given back for the next one', () => {
    const slab = createWeightSlab();
    const pool = createHistogramPool({ scheme: cpuScheme, slab });
    for (let round = 0; round < 5000; round++) {
      const h = allocate(pool, hour);
      expect(isEmpty(pool, h)).toBe(true);
      for (let bucket = 0; bucket < count; bucket += 25) add(pool, h, bucket, 1);
      release(pool, h);
    }
    expect(slabBytes(slab)).toBe(2 ** 18);
    expect(pool.size).toBe(1);
  });
});
