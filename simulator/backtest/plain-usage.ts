import type { UsageSnapshot } from '../../core/model/metrics-view.ts';

/** Usage of one container `app` in each of some pods of namespace `shop`, as a snapshot whose every sample is new. Milli-cores; memory is not measured. */
export function usageOf(pods: readonly string[], cpuMilli: readonly number[], now: number): UsageSnapshot {
  const usage = pods.map((name, index) => ({
    namespace: 'shop',
    name,
    timestamp: now,
    windowMs: 15_000,
    containers: [{ name: 'app', cpuMilli: cpuMilli[index], memoryMilli: undefined }],
  }));
  const byName = new Map(usage.map((pod) => [pod.name, pod]));
  return {
    podUsage: (_, name) => byName.get(name),
    hasPod: (_, name) => byName.has(name),
    nodeUsage: () => undefined,
    podCount: usage.length,
    pods: () => usage.values(),
    nodes: () => [].values(),
    containerHistory: () => undefined,
    eachFresh: (visit) => {
      for (const { namespace, name, timestamp, windowMs, containers } of usage) {
        for (const container of containers) {
          visit({
            namespace,
            pod: name,
            container: container.name,
            timestamp,
            windowMs,
            cpuMilli: container.cpuMilli,
            memoryMilli: undefined,
          });
        }
      }
    },
  };
}
