import { createInterner } from '../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { usageOfColumns } from '../../core/model/metrics-view.fixture.ts';
import type { UsageColumns, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { parseSelector } from '../../core/model/selector.ts';
import type { TrackedPolicy } from '../../vpa/recommender/engine/types.ts';

/** The workload of specs/peers.md, part 3, as usage that a metrics source answers: one pod, container and policy each, with labels of its own. */

export const steps = 100;
export const days = 8;
export const workloadStart = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;

/** What the peer's own program comes to on the same samples, by number of containers: Σ target CPU in milli-cores. */
export const targetSums: Readonly<Record<number, number>> = { 10_000: 16_939_412, 50_000: 84_603_693 };
/** Mean of a checkpoint as JSON, bytes, rounded. */
export const checkpointLength = 612;

export interface Workload {
  readonly count: number;
  /** Milli-cores by step. */
  readonly cpu: readonly Float64Array[];
  /** Milli-bytes by day. */
  readonly memory: readonly Float64Array[];
}

export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function drawWorkload(count: number): Workload {
  const random = mulberry32(42);
  const base = new Float64Array(count);
  const memoryBase = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    base[i] = 0.05 + 1.95 * random();
    memoryBase[i] = (64 + 1984 * random()) * 2 ** 20;
  }
  const cpu = Array.from({ length: steps }, () => base.map((cores) => Math.trunc(cores * (0.5 + random()) * 1000)));
  const memory = Array.from({ length: days }, () => memoryBase.map((bytes) => Math.trunc(bytes * (0.5 + random())) * 1000));
  return { count, cpu, memory };
}

export function podName(index: number): string {
  return `pod-${index}`;
}

const template = projectPod(
  { metadata: { name: '', namespace: 'default' }, spec: { containers: [{ name: 'c' }] }, status: { phase: 'Running' } },
  createInterner(),
);

/** Every pod has texts and a label set of its own, which nothing else holds. */
export function workloadPod(index: number): PodRecord {
  return { ...template, name: podName(index), labels: { app: `a${index}` } };
}

export function workloadPolicy(index: number): TrackedPolicy {
  return { namespace: 'default', selector: parseSelector(`app=a${index}`), containers: [], estimation: {}, created: undefined };
}

type Shared = Pick<UsageColumns, 'podCount' | 'names' | 'namespaces' | 'oldest' | 'windowsMs' | 'skewed' | 'firstContainer' | 'containers'>;

/** What the columns of all answers that list the same pods share. */
export function sharedColumns(count: number): Shared {
  return {
    podCount: count,
    names: Array.from({ length: count }, (_, index) => podName(index)),
    namespaces: Array.from({ length: count }, () => 'default'),
    oldest: -Infinity,
    windowsMs: new Float64Array(count).fill(60_000),
    skewed: new Uint8Array(count),
    firstContainer: Int32Array.from({ length: count + 1 }, (_, index) => index),
    containers: Array.from({ length: count }, () => 'c'),
  };
}

export interface Answer {
  readonly timestamps: Float64Array;
  readonly cpuMilli: Float64Array;
  readonly memoryMilli: Float64Array;
}

export function snapshot(shared: Shared, answer: Answer): UsageSnapshot {
  return usageOfColumns({ ...shared, ...answer });
}

export function cpuTime(step: number): number {
  return workloadStart + step * 60_000;
}

export function memoryTime(day: number): number {
  return workloadStart + day * dayMs;
}
