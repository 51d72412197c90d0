import type { NodeRecord } from '../../core/model/index.ts';
import { gpuResources, gpuTypeOf } from '../engine/gpus.ts';

/** What counters of nodes tell of their GPUs; empty: the node has none. */
export interface GpuSeries {
  readonly gpu_resource_name: string;
  readonly gpu_name: string;
}

const none: GpuSeries = { gpu_resource_name: '', gpu_name: '' };

/**
 * The GPUs of a node as upstream counts them: by the value of the cloud's GPU label, `generic` where there is no such label, `missing-gpu` and
 * `unexpected-label` where the label is there and no GPU shows: by the template of its group it should have some, or not even by that.
 */
export function gpuSeriesOf(node: NodeRecord | undefined, gpuLabel: string, template?: NodeRecord): GpuSeries {
  if (node === undefined) return none;
  const type = gpuTypeOf(node, { gpuLabel });
  const resource = resourceOf(node);
  if (resource !== undefined) return { gpu_resource_name: resource, gpu_name: type ?? 'generic' };
  if (type === undefined) return none;
  const promised = template === undefined ? undefined : resourceOf(template);
  return { gpu_resource_name: promised ?? 'nvidia.com/gpu', gpu_name: promised === undefined ? 'unexpected-label' : 'missing-gpu' };
}

function resourceOf({ capacity }: NodeRecord): string | undefined {
  return gpuResources.find((name) => (capacity[name] ?? 0) > 0);
}
