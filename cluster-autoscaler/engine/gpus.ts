import type { NodeRecord } from '../../core/model/index.ts';
import type { LoopOptions } from './loop/model.ts';

/** Extended resources that are GPUs or work like them. */
export const gpuResources = ['nvidia.com/gpu', 'amd.com/gpu', 'aws.amazon.com/neuron', 'gpu.intel.com/i915', 'gpu.intel.com/xe'];

/** Type of a node's GPUs: the value of the cloud's GPU label; `undefined`: the node has none of it, or the cloud has no such label. */
export function gpuTypeOf({ labels }: Pick<NodeRecord, 'labels'>, { gpuLabel }: Pick<LoopOptions, 'gpuLabel'>): string | undefined {
  return gpuLabel === '' ? undefined : labels[gpuLabel];
}

/** Whole GPUs that a node shows: what may be used, or what is built in where nothing may (yet). */
export function gpusShown({ allocatable, capacity }: Pick<NodeRecord, 'allocatable' | 'capacity'>): number {
  return countIn(allocatable) || countIn(capacity);
}

function countIn(amounts: NodeRecord['capacity']): number {
  const name = gpuResources.find((resource) => (amounts[resource] ?? 0) > 0);
  return name === undefined ? 0 : Math.ceil((amounts[name] ?? 0) / 1000);
}
