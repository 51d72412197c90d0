import type {
  ContainerHistory,
  ContainerUsage,
  FreshSampleVisitor,
  NodeUsage,
  PodUsage,
  UsageSnapshot,
} from '../../core/model/metrics-view.ts';
import { readRing } from './container-rings.kernel.ts';
import { containerRowOf, departedKey, rowOf, type UsageGeneration } from './usage-generation.ts';

export interface UsageSnapshotOptions {
  /** Samples with an earlier timestamp do not exist. */
  readonly oldest: number;
  /** The values of the generation's `fresh` from which on a sample is shown as fresh. */
  readonly freshFrom: number;
}

/** A look at a generation. Makes nothing in advance: usage of a pod becomes an object when somebody asks for it. */
export function createUsageSnapshot(generation: UsageGeneration, { oldest, freshFrom }: UsageSnapshotOptions): UsageSnapshot {
  const { shape, timestamps, nodes } = generation;
  const isThere = (row: number): boolean => (timestamps[row] ?? -Infinity) >= oldest;
  const { windowsMs, skewed, cpuMilli, memoryMilli } = generation;
  const { podCount, names, namespaces, firstContainer, containers } = shape;
  const columns = Object.freeze({
    podCount,
    names,
    namespaces,
    timestamps,
    oldest,
    windowsMs,
    skewed,
    firstContainer,
    containers,
    cpuMilli,
    memoryMilli,
  });
  return Object.freeze({
    podUsage: (namespace: string, name: string) => {
      const row = rowOf(shape, namespace, name);
      return row >= 0 && isThere(row) ? podUsageAt(generation, row) : undefined;
    },
    hasPod: (namespace: string, name: string) => {
      const row = rowOf(shape, namespace, name);
      return row >= 0 && isThere(row);
    },
    nodeUsage: (name: string) => {
      const node = nodes.get(name);
      return node !== undefined && node.timestamp >= oldest ? node : undefined;
    },
    podCount: generation.oldest >= oldest ? shape.podCount : countFrom(generation, oldest),
    pods: function* () {
      for (let row = 0; row < shape.podCount; row++) if (isThere(row)) yield podUsageAt(generation, row);
    },
    nodes: function* (): Generator<NodeUsage, undefined> {
      for (const node of nodes.values()) if (node.timestamp >= oldest) yield node;
    },
    columns: () => columns,
    containerHistory: (namespace: string, pod: string, container: string) => historyOf(generation, namespace, pod, container),
    eachFresh: (visit: FreshSampleVisitor) => {
      for (let row = 0; row < shape.podCount; row++) if (isThere(row)) visitFresh(generation, row, freshFrom, visit);
    },
  });
}

function countFrom({ shape, timestamps }: UsageGeneration, oldest: number): number {
  let count = 0;
  for (let row = 0; row < shape.podCount; row++) if ((timestamps[row] ?? -Infinity) >= oldest) count++;
  return count;
}

function podUsageAt(generation: UsageGeneration, row: number): PodUsage {
  const { shape, timestamps, windowsMs, skewed, cpuMilli, memoryMilli } = generation;
  const containers: ContainerUsage[] = [];
  const end = shape.firstContainer[row + 1] ?? 0;
  for (let at = shape.firstContainer[row] ?? 0; at < end; at++) {
    containers.push({ name: shape.containers[at] ?? '', cpuMilli: known(cpuMilli[at]), memoryMilli: known(memoryMilli[at]) });
  }
  const usage = {
    namespace: shape.namespaces[row] ?? '',
    name: shape.names[row] ?? '',
    timestamp: timestamps[row] ?? 0,
    windowMs: windowsMs[row] ?? 0,
    containers,
  };
  return skewed[row] === 1 ? { ...usage, clockSkew: true } : usage;
}

function visitFresh(generation: UsageGeneration, row: number, freshFrom: number, visit: FreshSampleVisitor): void {
  const { shape, timestamps, windowsMs, cpuMilli, memoryMilli, fresh } = generation;
  const end = shape.firstContainer[row + 1] ?? 0;
  for (let at = shape.firstContainer[row] ?? 0; at < end; at++) {
    if ((fresh[at] ?? 0) < freshFrom) continue;
    visit({
      namespace: shape.namespaces[row] ?? '',
      pod: shape.names[row] ?? '',
      container: shape.containers[at] ?? '',
      timestamp: timestamps[row] ?? 0,
      windowMs: windowsMs[row] ?? 0,
      cpuMilli: known(cpuMilli[at]),
      memoryMilli: known(memoryMilli[at]),
    });
  }
}

function historyOf(generation: UsageGeneration, namespace: string, pod: string, container: string): ContainerHistory | undefined {
  const { shape, ends, points } = generation;
  const podRow = rowOf(shape, namespace, pod);
  const row = podRow < 0 ? -1 : containerRowOf(shape, podRow, container);
  if (row < 0) return departedHistory(generation, departedKey(namespace, pod), container);
  const count = points[row] ?? 0;
  if (count === 0) return onlyPoint(generation, podRow, row);
  return ringHistory(generation, { slot: shape.slots[row] ?? -1, end: ends[row] ?? 0, points: count });
}

function departedHistory(generation: UsageGeneration, key: string, container: string): ContainerHistory | undefined {
  const { departures } = generation;
  for (let at = departures.length - 1; at >= 0; at--) {
    const left = departures[at]?.pods.get(key)?.find(({ name }) => name === container);
    if (left !== undefined) return ringHistory(generation, left);
  }
  return undefined;
}

function ringHistory(
  { rings }: UsageGeneration,
  ring: { readonly slot: number; readonly end: number; readonly points: number },
): ContainerHistory {
  const [timestamps, cpuMilli, memoryMilli] = readRing(rings, ring.slot, ring.end, ring.points);
  return { timestamps, cpuMilli, memoryMilli };
}

/** A container that found no room for a history still has its newest sample. */
function onlyPoint({ timestamps, cpuMilli, memoryMilli }: UsageGeneration, pod: number, row: number): ContainerHistory {
  return {
    timestamps: Float64Array.of(timestamps[pod] ?? 0),
    cpuMilli: Float64Array.of(cpuMilli[row] ?? Number.NaN),
    memoryMilli: Float64Array.of(memoryMilli[row] ?? Number.NaN),
  };
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
