import { scaleAmount } from './amounts.ts';
import { grownCapacity } from './histogram.kernel.ts';

/**
 * What is known of each live container: when it was last measured, and the memory peak of its present window. One entry of weight 1 for a container and window goes
 * into the memory histogram; a higher peak replaces it.
 */
export interface ContainerWindows {
  /** Records of {@link windowStride} doubles. */
  f64: Float64Array;
  i32: Int32Array;
  /** The next container of the pod, −1 at the end. */
  nextOfPod: Int32Array;
  size: number;
  readonly free: number[];
}

export const windowStride = 8;

/** Doubles: times of the last CPU and memory sample, end of the window, its peaks of usage and of OOM kills, first sample of the live container. */
export const lastCpu = 0;
export const lastMemory = 1;
export const windowEnd = 2;
export const memoryPeak = 3;
export const oomPeak = 4;
export const firstLive = 5;
/** Halves of doubles 6 and 7: its aggregate (−1: none), number of its name, next and previous container of the aggregate. */
export const aggregateAt = 12;
export const nameAt = 13;
export const nextAt = 14;
export const previousAt = 15;

export function createContainerWindows(capacity = 64): ContainerWindows {
  const f64 = new Float64Array(capacity * windowStride);
  return { f64, i32: new Int32Array(f64.buffer), nextOfPod: new Int32Array(capacity), size: 0, free: [] };
}

export function allocateContainer(windows: ContainerWindows, name: number): number {
  const c = windows.free.pop() ?? windows.size++;
  if (c >= windows.nextOfPod.length) grow(windows);
  const { f64, i32, nextOfPod } = windows;
  f64.fill(-Infinity, c * windowStride, c * windowStride + 3);
  f64[c * windowStride + memoryPeak] = 0;
  f64[c * windowStride + oomPeak] = 0;
  f64[c * windowStride + firstLive] = Infinity;
  i32[c * 16 + aggregateAt] = -1;
  i32[c * 16 + nameAt] = name;
  i32[c * 16 + nextAt] = -1;
  i32[c * 16 + previousAt] = -1;
  nextOfPod[c] = -1;
  return c;
}

function grow(windows: ContainerWindows): void {
  const capacity = grownCapacity(windows.nextOfPod.length);
  const f64 = new Float64Array(capacity * windowStride);
  f64.set(windows.f64);
  const nextOfPod = new Int32Array(capacity);
  nextOfPod.set(windows.nextOfPod);
  windows.f64 = f64;
  windows.i32 = new Int32Array(f64.buffer);
  windows.nextOfPod = nextOfPod;
}

export function releaseContainer(windows: ContainerWindows, c: number): void {
  windows.free.push(c);
}

/** Takes over the times and peaks of another container. */
export function copyWindow(windows: ContainerWindows, from: number, to: number): void {
  windows.f64.copyWithin(to * windowStride, from * windowStride, from * windowStride + firstLive);
}

/** The entry that an open window has in the histogram; 0: none. */
export function openPeak(windows: ContainerWindows, c: number, now: number): number {
  const { f64 } = windows;
  if (!(now < f64[c * windowStride + windowEnd]!)) return 0;
  return Math.max(f64[c * windowStride + memoryPeak]!, f64[c * windowStride + oomPeak]!);
}

/** The next container of its aggregate, −1 at the end. */
export function nextContainerOf(windows: ContainerWindows, c: number): number {
  return windows.i32[c * 16 + nextAt]!;
}

export function windowEndOf(windows: ContainerWindows, c: number): number {
  return windows.f64[c * windowStride + windowEnd]!;
}

/** Accepts a CPU sample by its time; the same one never twice. */
export function acceptCpu(windows: ContainerWindows, c: number, milli: number, t: number): boolean {
  const { f64 } = windows;
  if (!(milli >= 0) || !(t > f64[c * windowStride + lastCpu]!)) return false;
  f64[c * windowStride + lastCpu] = t;
  return true;
}

/** A memory sample, and then what it does to the histogram: `subtract` (if `replaced`) and `add`, both with weight 1 at `end`. */
export interface MemoryStep {
  t: number;
  bytes: number;
  /** Length of a window, milliseconds. */
  interval: number;
  oom: boolean;
  subtract: number;
  add: number;
  end: number;
}

export function createMemoryStep(): MemoryStep {
  return { t: 0, bytes: 0, interval: 0, oom: false, subtract: 0, add: 0, end: 0 };
}

export const refused = 0;
export const unchanged = 1;
export const added = 2;
export const replaced = 3;

/** Takes a memory sample: older than the last one it is refused, unless it is of an OOM kill. */
export function stepMemory(windows: ContainerWindows, c: number, step: MemoryStep): number {
  const { f64 } = windows;
  const at = c * windowStride;
  const { t, bytes, oom } = step;
  if (!(bytes >= 0) || (!oom && t < f64[at + lastMemory]!)) return refused;
  f64[at + lastMemory] = t;
  let end = f64[at + windowEnd]!;
  if (end === -Infinity) end = t;
  let answer = added;
  if (t < end) {
    const old = Math.max(f64[at + memoryPeak]!, f64[at + oomPeak]!);
    // A window that began with 0 bytes ignores all that follows, as upstream.
    if (old === 0 || bytes <= old) return unchanged;
    step.subtract = old;
    answer = replaced;
  } else {
    end += Math.trunc((t - end) / step.interval) * step.interval + step.interval;
    f64[at + windowEnd] = end;
    f64[at + memoryPeak] = 0;
    f64[at + oomPeak] = 0;
  }
  f64[at + (oom ? oomPeak : memoryPeak)] = bytes;
  step.add = bytes;
  step.end = end;
  return answer;
}

export interface OomBump {
  readonly memory: number;
  readonly at: number;
  readonly ratio: number;
  readonly minBump: number;
}

/**
 * Makes of an OOM kill the sample that `step` then holds, and answers what the container had; `undefined` when the kill is older than the window before.
 * The base is what it asked for or its peak, not what an earlier kill made of it: repeated kills do not run away.
 */
export function prepareOom(windows: ContainerWindows, c: number, bump: OomBump, step: MemoryStep): number | undefined {
  const { f64 } = windows;
  const at = c * windowStride;
  const last = f64[at + lastMemory]!;
  if (last !== -Infinity && bump.at < last - step.interval) return undefined;
  const used = Math.max(bump.memory, f64[at + memoryPeak]!);
  step.t = bump.at;
  step.oom = true;
  step.bytes = Math.max(used + bump.minBump, scaleAmount(used, bump.ratio));
  return used;
}

export function windowsBytes(windows: ContainerWindows): number {
  return windows.f64.byteLength + windows.nextOfPod.byteLength;
}
