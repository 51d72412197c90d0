import { cpuScheme, memoryScheme } from './bucket-scheme.kernel.ts';
import type { HistogramPool } from './histogram.kernel.ts';
import {
  add,
  allocate,
  blank,
  changeHalfLife,
  createHistogramPool,
  decayFactor,
  grownCapacity,
  merge,
  poolBytes,
  release,
  stride,
  subtract,
  userCount,
  userFirst,
  userSecond,
  userThird,
} from './histogram.kernel.ts';
import { createWeightSlab, slabBytes } from './weight-slab.kernel.ts';

/** What the policies say of the aggregates that they look at. */
export interface AggregateSettings {
  readonly cpuHalfLifeMs: number;
  readonly memoryHalfLifeMs: number;
  readonly intervalMs: number;
  readonly intervalCount: number;
  readonly oomBumpUpRatio: number;
  readonly oomMinBumpUp: number;
}

/**
 * Usage by (label set, container name), and what was loaded from checkpoints, by number. Both histograms of an aggregate have its number in their pool. Number 0 is
 * the one in which others are merged.
 * The user's fields of the CPU histogram: minutes with a sample; first, last and number of samples (±Infinity: none). Those of the memory histogram: peaks; time of
 * the last one, and since when the aggregate exists (−Infinity: not known).
 */
export interface Aggregates {
  readonly cpu: HistogramPool;
  readonly memory: HistogramPool;
  /** Number of the container's name; −1 when it is not in use. */
  names: Int32Array;
  /** The next one of the label set, −1 at the end. */
  nextOfSet: Int32Array;
  /** The first live container that feeds it, −1: none. */
  firstContainer: Int32Array;
  readonly settings: (AggregateSettings | undefined)[];
  count: number;
}

export const scratch = 0;

/** Weight of a CPU sample, whatever the container asks for. */
export const cpuSampleWeight = 0.1;

export function createAggregates(): Aggregates {
  const slab = createWeightSlab();
  const aggregates: Aggregates = {
    cpu: createHistogramPool({ scheme: cpuScheme, slab }),
    memory: createHistogramPool({ scheme: memoryScheme, slab }),
    names: new Int32Array(0),
    nextOfSet: new Int32Array(0),
    firstContainer: new Int32Array(0),
    settings: [],
    count: 0,
  };
  const day = 86_400_000;
  createAggregate(aggregates, -1, {
    cpuHalfLifeMs: day,
    memoryHalfLifeMs: day,
    intervalMs: day,
    intervalCount: 8,
    oomBumpUpRatio: 1,
    oomMinBumpUp: 0,
  });
  aggregates.count = 0;
  return aggregates;
}

export function createAggregate(aggregates: Aggregates, name: number, settings: AggregateSettings): number {
  const { cpu, memory } = aggregates;
  const a = allocate(cpu, settings.cpuHalfLifeMs);
  // The pools hand out the same numbers: records are taken and given back in pairs.
  allocate(memory, settings.memoryHalfLifeMs);
  if (a >= aggregates.names.length) growColumns(aggregates);
  aggregates.names[a] = name;
  aggregates.nextOfSet[a] = -1;
  aggregates.firstContainer[a] = -1;
  aggregates.settings[a] = settings;
  aggregates.count++;
  resetSamples(aggregates, a);
  return a;
}

function growColumns(aggregates: Aggregates): void {
  const capacity = grownCapacity(aggregates.names.length);
  for (const column of ['names', 'nextOfSet', 'firstContainer'] as const) {
    const next = new Int32Array(capacity).fill(-1);
    next.set(aggregates[column]);
    aggregates[column] = next;
  }
}

function resetSamples({ cpu, memory }: Aggregates, a: number): void {
  const at = a * stride;
  cpu.i32[a * 16 + userCount] = 0;
  cpu.f64[at + userFirst] = Infinity;
  cpu.f64[at + userSecond] = -Infinity;
  cpu.f64[at + userThird] = 0;
  memory.i32[a * 16 + userCount] = 0;
  memory.f64[at + userFirst] = -Infinity;
  memory.f64[at + userSecond] = -Infinity;
}

export function releaseAggregate(aggregates: Aggregates, a: number): void {
  release(aggregates.cpu, a);
  release(aggregates.memory, a);
  aggregates.names[a] = -1;
  aggregates.settings[a] = undefined;
  aggregates.count--;
}

/** Takes on other settings; with another half-life it goes on as from its latest sample. */
export function changeSettings(aggregates: Aggregates, a: number, settings: AggregateSettings): void {
  if (aggregates.settings[a] === settings) return;
  aggregates.settings[a] = settings;
  const { cpu, memory } = aggregates;
  const at = a * stride;
  changeHalfLife(cpu, a, settings.cpuHalfLifeMs, cpu.f64[at + userSecond]!);
  changeHalfLife(memory, a, settings.memoryHalfLifeMs, memory.f64[at + userFirst]!);
}

const minute = 60_000;

export function addCpu({ cpu }: Aggregates, a: number, bucket: number, t: number): void {
  add(cpu, a, bucket, cpuSampleWeight * decayFactor(cpu, a, t));
  countSample(cpu, a, t);
}

/** Notes that there was a sample at `t`. */
export function countSample({ f64, i32 }: HistogramPool, a: number, t: number): void {
  const at = a * stride;
  if (t < f64[at + userFirst]!) f64[at + userFirst] = t;
  const last = f64[at + userSecond]!;
  f64[at + userThird]!++;
  if (t <= last) return;
  f64[at + userSecond] = t;
  if (t - last >= minute || Math.floor(t / minute) !== Math.floor(last / minute)) i32[a * 16 + userCount]!++;
}

/** The peak of a new window, in bytes; `end` is the window's and `t` the sample's. */
export function addPeak({ memory }: Aggregates, a: number, bytes: number, end: number): void {
  add(memory, a, memoryScheme.bucketOf(bytes), decayFactor(memory, a, end));
}

export function subtractPeak({ memory }: Aggregates, a: number, bytes: number, end: number): void {
  subtract(memory, a, memoryScheme.bucketOf(bytes), decayFactor(memory, a, end));
}

export function notePeak({ memory }: Aggregates, a: number, t: number, peaks: number): void {
  memory.i32[a * 16 + userCount]! += peaks;
  if (t > memory.f64[a * stride + userFirst]!) memory.f64[a * stride + userFirst] = t;
}

export interface SampleFacts {
  readonly first: number;
  readonly last: number;
  readonly samples: number;
  readonly minutes: number;
  readonly peaks: number;
  readonly lastPeak: number;
  readonly created: number;
}

export function sampleFacts({ cpu, memory }: Aggregates, a: number): SampleFacts {
  const at = a * stride;
  return {
    first: cpu.f64[at + userFirst]!,
    last: cpu.f64[at + userSecond]!,
    samples: cpu.f64[at + userThird]!,
    minutes: cpu.i32[a * 16 + userCount]!,
    peaks: memory.i32[a * 16 + userCount]!,
    lastPeak: memory.f64[at + userFirst]!,
    created: memory.f64[at + userSecond]!,
  };
}

export function setSampleFacts({ cpu, memory }: Aggregates, a: number, facts: Partial<SampleFacts>): void {
  const at = a * stride;
  if (facts.first !== undefined) cpu.f64[at + userFirst] = facts.first;
  if (facts.last !== undefined) cpu.f64[at + userSecond] = facts.last;
  if (facts.samples !== undefined) cpu.f64[at + userThird] = facts.samples;
  if (facts.minutes !== undefined) cpu.i32[a * 16 + userCount] = facts.minutes;
  if (facts.peaks !== undefined) memory.i32[a * 16 + userCount] = facts.peaks;
  if (facts.lastPeak !== undefined) memory.f64[at + userFirst] = facts.lastPeak;
  if (facts.created !== undefined) memory.f64[at + userSecond] = facts.created;
}

/** The aggregates `list[from]` up to `list[to]`. */
export interface MemberRange {
  readonly list: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Merges the aggregates, in their order, into number {@link scratch}; none of them changes. */
export function mergeMembers(aggregates: Aggregates, { list: members, from, to }: MemberRange): void {
  const { cpu, memory } = aggregates;
  const settings = aggregates.settings[members[from]!]!;
  blank(cpu, scratch);
  blank(memory, scratch);
  changeHalfLife(cpu, scratch, settings.cpuHalfLifeMs, Number.NaN);
  changeHalfLife(memory, scratch, settings.memoryHalfLifeMs, Number.NaN);
  resetSamples(aggregates, scratch);
  for (let index = from; index < to; index++) {
    const a = members[index]!;
    merge(cpu, scratch, a);
    merge(memory, scratch, a);
    mergeSamples(aggregates, a);
  }
}

function mergeSamples({ cpu, memory }: Aggregates, a: number): void {
  const at = a * stride;
  const { f64 } = cpu;
  if (f64[at + userFirst]! < f64[userFirst]!) f64[userFirst] = f64[at + userFirst]!;
  if (f64[at + userSecond]! > f64[userSecond]!) f64[userSecond] = f64[at + userSecond]!;
  f64[userThird]! += f64[at + userThird]!;
  cpu.i32[userCount]! += cpu.i32[a * 16 + userCount]!;
  memory.i32[userCount]! += memory.i32[a * 16 + userCount]!;
}

export function aggregatesBytes({ cpu, memory, names }: Aggregates): number {
  return poolBytes(cpu) + poolBytes(memory) + slabBytes(cpu.slab) + names.byteLength * 3;
}

/** Numbers of all that are in use. */
export function* aggregateNumbers({ names }: Aggregates): Generator<number> {
  for (let a = scratch + 1; a < names.length; a++) if (names[a]! >= 0) yield a;
}

export function settingsOf(aggregates: Aggregates, a: number): AggregateSettings {
  return aggregates.settings[a]!;
}

export function nameOfAggregate(aggregates: Aggregates, a: number): number {
  return aggregates.names[a]!;
}

export function nextOfSet(aggregates: Aggregates, a: number): number {
  return aggregates.nextOfSet[a]!;
}

export function firstContainerOf(aggregates: Aggregates, a: number): number {
  return aggregates.firstContainer[a]!;
}
