import type { NodeRecord } from '../../../core/model/index.ts';
import { gpusShown, gpuTypeOf } from '../gpus.ts';
import type { LoopOptions } from '../loop/model.ts';
import type { SchedulingSnapshot } from '../scheduling/snapshot.ts';

/** A resource of the cluster that is limited: `cpu`, `memory`, or a type of GPU. */
export type LimitedResource = string;

/** What may still be added to the cluster, or what a node takes of it: whole cores, whole bytes, and whole GPUs of each type that is limited. */
export interface Quota {
  readonly cpu: number;
  readonly memory: number;
  readonly [gpuType: string]: number;
}

const gibibyte = 2 ** 30;

/** Flags that limit GPUs. */
type GpuOptions = Pick<LoopOptions, 'gpus' | 'gpuLabel'>;

/** Cores, bytes and limited GPUs of a node; cores and bytes from its capacity. Fractions count as a whole unit (§12). */
export function sizeOfNode(node: Pick<NodeRecord, 'capacity' | 'allocatable' | 'labels'>, options: GpuOptions): Quota {
  const { capacity } = node;
  const size = { cpu: wholeUnits(capacity['cpu']), memory: wholeUnits(capacity['memory']) };
  const type = gpuTypeOf(node, options);
  return type === undefined || !options.gpus.some((limit) => limit.type === type) ? size : { ...size, [type]: gpusShown(node) };
}

function wholeUnits(milli: number | undefined): number {
  return Math.ceil((milli ?? 0) / 1000);
}

/**
 * What the limits of `--cores-total`, `--memory-total` and `--gpu-total` leave, all nodes of the snapshot counted (unmanaged and upcoming ones too); never
 * below 0.
 */
export function quotaLeft(snapshot: SchedulingSnapshot, options: Pick<LoopOptions, 'cores' | 'memoryGiB'> & GpuOptions): Quota {
  let cpu = 0;
  let memory = 0;
  for (const id of snapshot.nodeIds()) {
    const { capacity } = snapshot.node(id);
    cpu += wholeUnits(capacity['cpu']);
    memory += wholeUnits(capacity['memory']);
  }
  const core = { cpu: Math.max(0, options.cores.max - cpu), memory: Math.max(0, options.memoryGiB.max * gibibyte - memory) };
  return options.gpus.length === 0 ? core : { ...core, ...gpusLeft(snapshot, options) };
}

function gpusLeft(snapshot: SchedulingSnapshot, options: GpuOptions): Readonly<Record<string, number>> {
  const tallies = new Map(options.gpus.map(({ type }) => [type, { shown: 0, most: 1, hidden: 0 }]));
  for (const id of snapshot.nodeIds()) {
    const node = snapshot.node(id);
    const tally = tallies.get(gpuTypeOf(node, options) ?? '');
    if (tally === undefined) continue;
    const gpus = gpusShown(node);
    tally.shown += gpus;
    tally.most = Math.max(tally.most, gpus);
    if (gpus === 0) tally.hidden += 1;
  }
  // A node that has GPUs by its label and shows none has as many as the greatest of its kind: unknown is not nothing.
  const used = (type: string): number => {
    const { shown, most, hidden } = tallies.get(type) ?? { shown: 0, most: 0, hidden: 0 };
    return shown + hidden * most;
  };
  const gpus = options.gpus.map(({ type, max }) => [type, Math.max(0, max - used(type))] as const);
  return Object.fromEntries(gpus.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Resources that so many nodes would take beyond their limit. */
export function exceeded(quota: Quota, node: Quota, nodes: number): readonly LimitedResource[] {
  return Object.keys(quota).filter((name) => (node[name] ?? 0) * nodes > (quota[name] ?? 0));
}

/** How many of the nodes the quota allows: the rest divided by what a node has, rounded down. */
export function cappedByQuota(quota: Quota, node: Quota, nodes: number): number {
  return Object.entries(quota).reduce((allowed, [name, left]) => {
    const each = node[name] ?? 0;
    return each > 0 ? Math.min(allowed, Math.floor(left / each)) : allowed;
  }, nodes);
}

/** Of nodes that are to be added one after the other: which of them the quota has room for. */
export function withinQuota(quota: Quota, nodes: readonly Quota[]): readonly boolean[] {
  let left = quota;
  return nodes.map((node) => {
    if (exceeded(left, node, 1).length > 0) return false;
    left = afterAdding(left, node, 1);
    return true;
  });
}

/** What is left after the nodes were added. */
export function afterAdding(quota: Quota, node: Quota, nodes: number): Quota {
  const left = (name: string): number => Math.max(0, (quota[name] ?? 0) - (node[name] ?? 0) * nodes);
  return { ...Object.fromEntries(Object.keys(quota).map((name) => [name, left(name)])), cpu: left('cpu'), memory: left('memory') };
}
