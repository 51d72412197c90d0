import type { PodUsage } from '../../core/model/metrics-view.ts';
import type { UsageTable } from './usage-table.ts';

/** A table of a few pods, for tests. */
export function usageTable(pods: readonly PodUsage[]): UsageTable {
  const containers = pods.flatMap((pod) => pod.containers);
  const firstContainer = new Int32Array(pods.length + 1);
  for (const [row, pod] of pods.entries()) firstContainer[row + 1] = (firstContainer[row] ?? 0) + pod.containers.length;
  return {
    podCount: pods.length,
    containerCount: containers.length,
    namespaces: pods.map(({ namespace }) => namespace),
    names: pods.map(({ name }) => name),
    timestamps: Float64Array.from(pods, ({ timestamp }) => timestamp),
    windowsMs: Float64Array.from(pods, ({ windowMs }) => windowMs),
    firstContainer,
    containers: containers.map(({ name }) => name),
    cpuMilli: Float64Array.from(containers, ({ cpuMilli }) => cpuMilli ?? Number.NaN),
    memoryMilli: Float64Array.from(containers, ({ memoryMilli }) => memoryMilli ?? Number.NaN),
  };
}
