import type { NodeRecord } from '../../../core/model/index.ts';
import type { LoopOptions } from '../loop/model.ts';
import type { SchedulingSnapshot } from '../scheduling/snapshot.ts';

/** A resource of the cluster that is limited. */
export type LimitedResource = 'cpu' | 'memory';

/** What may still be added to the cluster: whole cores and whole bytes. */
export type Quota = Readonly<Record<LimitedResource, number>>;

const resources: readonly LimitedResource[] = ['cpu', 'memory'];

const gibibyte = 2 ** 30;

/** Cores and bytes of a node, from its capacity; fractions count as a whole unit (§12). */
export function sizeOfNode({ capacity }: Pick<NodeRecord, 'capacity'>): Quota {
  return { cpu: Math.ceil((capacity['cpu'] ?? 0) / 1000), memory: Math.ceil((capacity['memory'] ?? 0) / 1000) };
}

/** What the limits of `--cores-total` and `--memory-total` leave, all nodes of the snapshot counted (unmanaged and upcoming ones too); never below 0. */
export function quotaLeft(snapshot: SchedulingSnapshot, options: Pick<LoopOptions, 'cores' | 'memoryGiB'>): Quota {
  let cpu = 0;
  let memory = 0;
  for (const id of snapshot.nodeIds()) {
    const size = sizeOfNode(snapshot.node(id));
    cpu += size.cpu;
    memory += size.memory;
  }
  return { cpu: Math.max(0, options.cores.max - cpu), memory: Math.max(0, options.memoryGiB.max * gibibyte - memory) };
}

/** Resources that so many nodes would take beyond their limit. */
export function exceeded(quota: Quota, node: Quota, nodes: number): readonly LimitedResource[] {
  return resources.filter((name) => node[name] * nodes > quota[name]);
}

/** How many of the nodes the quota allows: the rest divided by what a node has, rounded down. */
export function cappedByQuota(quota: Quota, node: Quota, nodes: number): number {
  return resources.reduce((allowed, name) => (node[name] > 0 ? Math.min(allowed, Math.floor(quota[name] / node[name])) : allowed), nodes);
}

/** What is left after the nodes were added. */
export function afterAdding(quota: Quota, node: Quota, nodes: number): Quota {
  return { cpu: Math.max(0, quota.cpu - node.cpu * nodes), memory: Math.max(0, quota.memory - node.memory * nodes) };
}
