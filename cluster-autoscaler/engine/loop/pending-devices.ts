import type { NodeRecord } from '../../../core/model/index.ts';
import type { LoopInput, NodeTemplate } from '../model.ts';
import type { SliceRecord } from '../scheduling/devices/index.ts';

/** Which nodes still wait for the drivers of their devices. */
export interface PendingDevices {
  /** Some driver has published devices of the node. */
  readonly hasSlices: (node: string) => boolean;
  /**
   * It is young, and does not have all the devices that nodes of its group have. Upstream compares with the provider's template, where ours
   * have no devices, and at any age; here a driver that is gone for good makes no node unready.
   */
  readonly isPending: (node: NodeRecord) => boolean;
}

const nowhere: PendingDevices = { hasSlices: () => false, isPending: () => false };

export function pendingDevices(
  { devices, groups, now }: Pick<LoopInput, 'devices' | 'groups' | 'now'>,
  groupOf: (node: NodeRecord) => string | undefined,
  templates: ReadonlyMap<string, NodeTemplate>,
): PendingDevices {
  if (devices === undefined) return nowhere;
  const byNode = new Map<string, SliceRecord[]>();
  for (const slice of devices.slices) {
    const { node } = slice.scope;
    if (node === undefined) continue;
    const list = byNode.get(node);
    if (list === undefined) byNode.set(node, [slice]);
    else list.push(slice);
  }
  const expected = new Map(
    [...templates].flatMap(([group, { slices }]) => (slices === undefined ? [] : [[group, countsOf(slices)] as const])),
  );
  const startupMs = new Map(groups.map(({ id, options }) => [id, options.maxStartupMs]));
  return {
    hasSlices: (node) => byNode.has(node),
    isPending: (node) => {
      const group = expected.size === 0 ? undefined : groupOf(node);
      const wanted = expected.get(group ?? '');
      if (group === undefined || wanted === undefined || node.created === undefined) return false;
      if (now - node.created >= (startupMs.get(group) ?? 0)) return false;
      const published = countsOf(byNode.get(node.name) ?? []);
      return [...wanted].some(([driver, count]) => (published.get(driver) ?? 0) < count);
    },
  };
}

/** Devices by driver. */
function countsOf(slices: readonly SliceRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { driver, devices } of slices) counts.set(driver, (counts.get(driver) ?? 0) + devices.length);
  return counts;
}
