import { cpuSampleWeight, countSample } from './aggregates.kernel.ts';
import { cpuBucketOfMilli } from './bucket-scheme.kernel.ts';
import { aggregateAt, firstLive, lastCpu, windowStride } from './container-windows.kernel.ts';
import { decayFactor, stride, widen } from './histogram.kernel.ts';
import { feedingAggregate } from './model-pods.kernel.ts';
import type { EngineState } from './model-state.ts';
import { pageBits, pageMask } from './weight-slab.kernel.ts';

/** Entries that are worked on at a time. */
export const blockSize = 256;

/** The new CPU samples of one block of entries: container, bucket and time of each. */
export interface CpuBlock {
  readonly containers: Int32Array;
  readonly buckets: Int32Array;
  readonly times: Float64Array;
  length: number;
  /** Keeps the compiler from leaving the reads of {@link touch} out. */
  sink: number;
}

export function createCpuBlock(): CpuBlock {
  return {
    containers: new Int32Array(blockSize),
    buckets: new Int32Array(blockSize),
    times: new Float64Array(blockSize),
    length: 0,
    sink: 0,
  };
}

/** Takes a sample into the block if it is new and not negative. The block must not be full. */
export function offerCpu(state: EngineState, c: number, milli: number, t: number): boolean {
  const { f64 } = state.windows;
  const at = c * windowStride;
  if (!(milli >= 0) || !(t > f64[at + lastCpu]!)) return false;
  f64[at + lastCpu] = t;
  if (t < f64[at + firstLive]!) f64[at + firstLive] = t;
  const { cpuBlock } = state;
  const index = cpuBlock.length++;
  cpuBlock.containers[index] = c;
  cpuBlock.buckets[index] = cpuBucketOfMilli(milli);
  cpuBlock.times[index] = t;
  return true;
}

/** Adds the samples of the block to their aggregates' histograms. */
export function flushCpu(state: EngineState): void {
  const { cpuBlock, windows } = state;
  const { containers, length } = cpuBlock;
  cpuBlock.length = 0;
  for (let index = 0; index < length; index++) {
    const c = containers[index]!;
    const held = windows.i32[c * 16 + aggregateAt]!;
    containers[index] = held >= 0 ? held : feedingAggregate(state, c);
  }
  touch(state, length);
  addBlock(state, length);
}

/** `add` and `countSample` for each, with all that is the same for them taken out of the loop. */
function addBlock({ aggregates: { cpu }, cpuBlock: { containers, buckets, times } }: EngineState, length: number): void {
  const { f64, i32, i16, slab, scheme } = cpu;
  const { pages } = slab;
  const { epsilon } = scheme;
  let [memoTime, memoReference, memoHalfLife, weight] = [Number.NaN, 0, 0, 0];
  for (let index = 0; index < length; index++) {
    const a = containers[index]!;
    const bucket = buckets[index]!;
    const t = times[index]!;
    const at = a * stride;
    if (t !== memoTime || f64[at]! !== memoReference || i32[a * 16 + 8]! !== memoHalfLife) {
      weight = cpuSampleWeight * decayFactor(cpu, a, t);
      memoTime = t;
      memoReference = f64[at]!;
      memoHalfLife = i32[a * 16 + 8]!;
    }
    let place = bucket - i16[a * 32 + 12]!;
    if (place < 0 || place >= i32[a * 16 + 5]!) {
      widen(cpu, a, bucket, bucket);
      place = bucket - i16[a * 32 + 12]!;
    }
    const row = i32[a * 16 + 4]!;
    place += row & pageMask;
    const page = pages[row >>> pageBits]!;
    const sum = page[place]! + weight;
    page[place] = sum;
    f64[at + 1]! += weight;
    if (sum >= epsilon) {
      if (bucket < i16[a * 32 + 13]!) i16[a * 32 + 13] = bucket;
      if (bucket > i16[a * 32 + 14]!) i16[a * 32 + 14] = bucket;
    }
    countSample(cpu, a, t);
  }
}

/**
 * Reads the weight that each sample of the block will change. The reads do not depend on each other, so that the processor waits for many at once; the additions
 * afterwards find them in its cache.
 */
function touch({ aggregates: { cpu }, cpuBlock }: EngineState, length: number): void {
  const { i32, i16, f64, slab } = cpu;
  const { pages } = slab;
  const { containers, buckets } = cpuBlock;
  let sum = 0;
  for (let index = 0; index < length; index++) {
    const a = containers[index]!;
    const at = buckets[index]! - i16[a * 32 + 12]!;
    if (at < 0 || at >= i32[a * 16 + 5]!) continue;
    const row = i32[a * 16 + 4]!;
    sum += pages[row >>> pageBits]![(row & pageMask) + at]! + f64[a * stride + 7]!;
  }
  cpuBlock.sink = sum;
}
