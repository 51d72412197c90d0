import type { FreshSampleVisitor, NodeUsage, PodUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';

/** Leaves out what is older than `maxAgeMs` at `at`. */
export interface PlainSnapshotOptions {
  readonly at: number;
  readonly maxAgeMs: number;
}

/**
 * A snapshot of given usage, for files, tests and views of another process: every sample is fresh and is its own history. Of two of the same name the
 * last counts.
 */
export function plainUsageSnapshot(pods: Iterable<PodUsage>, nodes: Iterable<NodeUsage>, options?: PlainSnapshotOptions): UsageSnapshot {
  const oldest = options === undefined ? -Infinity : options.at - options.maxAgeMs;
  const podsByKey = new Map<string, PodUsage>();
  for (const pod of pods) if (pod.timestamp >= oldest) podsByKey.set(keyOf(pod.namespace, pod.name), pod);
  const nodesByName = new Map<string, NodeUsage>();
  for (const node of nodes) if (node.timestamp >= oldest) nodesByName.set(node.name, node);
  return Object.freeze({
    podUsage: (namespace: string, name: string) => podsByKey.get(keyOf(namespace, name)),
    hasPod: (namespace: string, name: string) => podsByKey.has(keyOf(namespace, name)),
    nodeUsage: (name: string) => nodesByName.get(name),
    podCount: podsByKey.size,
    pods: () => podsByKey.values(),
    nodes: () => nodesByName.values(),
    containerHistory: (namespace: string, pod: string, container: string) => {
      const usage = podsByKey.get(keyOf(namespace, pod));
      const found = usage?.containers.find(({ name }) => name === container);
      if (usage === undefined || found === undefined) return undefined;
      return {
        timestamps: Float64Array.of(usage.timestamp),
        cpuMilli: Float64Array.of(found.cpuMilli ?? Number.NaN),
        memoryMilli: Float64Array.of(found.memoryMilli ?? Number.NaN),
      };
    },
    eachFresh: (visit: FreshSampleVisitor) => {
      for (const { namespace, name: pod, timestamp, windowMs, containers } of podsByKey.values()) {
        for (const { name: container, cpuMilli, memoryMilli } of containers) {
          visit({ namespace, pod, container, timestamp, windowMs, cpuMilli, memoryMilli });
        }
      }
    },
  });
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
