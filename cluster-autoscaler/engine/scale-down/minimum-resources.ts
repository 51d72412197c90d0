import type { NodeRecord } from '../../../core/model/index.ts';
import { gpusShown, gpuTypeOf } from '../gpus.ts';
import type { LoopOptions } from '../loop/model.ts';
import type { SchedulingSnapshot } from '../scheduling/index.ts';
import type { Resources } from './deletion-gate.ts';
import { isBeingDeleted } from './eligibility.ts';

/** Flags that say of what the cluster keeps how much (§12): `--cores-total`, `--memory-total`, `--gpu-total`. */
export type MinimumOptions = Pick<LoopOptions, 'cores' | 'memoryGiB' | 'gpus' | 'gpuLabel'>;

/** Size of a node for cluster-wide limits: of its capacity, cores rounded up to whole ones; GPUs as far as it shows them. */
export function resourcesOf(node: NodeRecord, options: MinimumOptions): Resources {
  const { capacity } = node;
  const size = { cpu: Math.ceil((capacity['cpu'] ?? 0) / 1000), memory: Math.ceil((capacity['memory'] ?? 0) / 1000) / 2 ** 30 };
  const type = gpuTypeOf(node, options);
  return type === undefined ? size : { ...size, [type]: gpusShown(node) };
}

/**
 * What may go before a minimum is reached, of the resources that have one: all nodes count but those that are being deleted. GPUs that a node does not
 * show (yet) do not count, so that nothing is removed because of what may never come.
 */
export function spareResources(snapshot: SchedulingSnapshot, options: MinimumOptions, now: number): Resources {
  const minimums = minimumsOf(options);
  if (minimums.length === 0) return {};
  const present = new Map<string, number>();
  for (const id of snapshot.nodeIds()) {
    const node = snapshot.node(id);
    if (isBeingDeleted(node, now)) continue;
    for (const [name, amount] of Object.entries(resourcesOf(node, options))) present.set(name, (present.get(name) ?? 0) + amount);
  }
  return Object.fromEntries(minimums.map(([name, min]) => [name, Math.max(0, (present.get(name) ?? 0) - min)]));
}

function minimumsOf({ cores, memoryGiB, gpus }: MinimumOptions): readonly (readonly [string, number])[] {
  const all = [['cpu', cores.min] as const, ['memory', memoryGiB.min] as const, ...gpus.map(({ type, min }) => [type, min] as const)];
  return all.filter(([, min]) => min > 0);
}
