import type { NodeUsage } from '../../core/model/metrics-view.ts';
import type { RingView } from './container-rings.kernel.ts';

/**
 * Which pods and containers an answer listed. Answers that list the same share one shape, which is why it stands apart from the values. Nothing in it changes
 * but slots that were -1 (a container without room for a history), and those had no points.
 */
export interface PodShape {
  readonly podCount: number;
  readonly containerCount: number;
  readonly namespaces: readonly string[];
  readonly names: readonly string[];
  /** Containers of pod `i`: from entry `i` up to entry `i + 1`. */
  readonly firstContainer: Int32Array;
  readonly containers: readonly string[];
  /** Row of a pod by namespace and name. V8's own maps: a table of ours would have to be proof against names that are chosen to collide. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Ring of each container, or -1. */
  readonly slots: Int32Array;
}

/** What is known after one answer: never changes once it is there, so that snapshots can share it. */
export interface UsageGeneration {
  readonly shape: PodShape;
  /** By pod, epoch milliseconds. */
  readonly timestamps: Float64Array;
  readonly windowsMs: Float64Array;
  /** By pod: 1 when the clock of the sample is in doubt. */
  readonly skewed: Uint8Array;
  /** By container; NaN is unknown. */
  readonly cpuMilli: Float64Array;
  readonly memoryMilli: Float64Array;
  /** By container: its history are the `points` points of its ring before number `ends`. */
  readonly ends: Uint32Array;
  readonly points: Uint16Array;
  /** By container: see {@link freshness}. */
  readonly fresh: Uint8Array;
  readonly rings: RingView;
  readonly departures: readonly Departure[];
  readonly nodes: ReadonlyMap<string, NodeUsage>;
  /** The lowest of `timestamps`; Infinity without pods. */
  readonly oldest: number;
  /** The values of `fresh` from which on a sample was not published yet. */
  readonly unpublished: number;
}

/** `carried`: observed in an earlier answer than this. Whether it was published before is known only at the end of an ingest. */
export const freshness = { none: 0, carried: 1, now: 2 } as const;

/** Containers that one answer listed no longer and that are not forgotten yet. */
export interface Departure {
  readonly sequence: number;
  /** When the last answer that listed them came, epoch milliseconds. */
  readonly lastSeen: number;
  /** By {@link departedKey}. */
  readonly pods: ReadonlyMap<string, readonly DepartedContainer[]>;
}

export interface DepartedContainer {
  readonly name: string;
  readonly slot: number;
  readonly end: number;
  readonly points: number;
}

export function departedKey(namespace: string, pod: string): string {
  return `${namespace}/${pod}`;
}

/** Row of a pod, or -1. */
export function rowOf(shape: PodShape, namespace: string, name: string): number {
  return shape.rows.get(namespace)?.get(name) ?? -1;
}

/** Row of a container of the pod in row `pod`, or -1. */
export function containerRowOf(shape: PodShape, pod: number, name: string): number {
  const end = shape.firstContainer[pod + 1] ?? 0;
  for (let row = shape.firstContainer[pod] ?? 0; row < end; row++) if (shape.containers[row] === name) return row;
  return -1;
}
