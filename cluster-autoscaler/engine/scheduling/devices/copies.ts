import type { PodRecord } from '../../../../core/model/index.ts';
import { byName } from './pools.ts';
import { deviceKey, type DeviceFacts, type SliceRecord } from './model.ts';

/** Devices of a node under other names, so that they can be those of an imaginary node like it. */
export interface CopiedDevices {
  readonly slices: readonly SliceRecord[];
  /** Devices of the slices that the pods hold, by {@link deviceKey}. */
  readonly held: readonly string[];
}

/**
 * The slices that the node alone has, as slices of `copy`: names and pools get the suffix, since pools of one driver must not have one name (as
 * upstream). Devices that the pods hold by claims of their own are held there too; what they hold elsewhere is not.
 */
export function copyDevices(
  { slices, claims }: Pick<DeviceFacts, 'slices' | 'claims'>,
  {
    node,
    pods,
    copy,
    suffix,
  }: { readonly node: string; readonly pods: readonly PodRecord[]; readonly copy: string; readonly suffix: string },
): CopiedDevices {
  const own = slices.filter(({ scope }) => scope.node === node).sort(byName);
  const pools = new Set(own.map(({ driver, pool }) => `${driver}/${pool}`));
  const held = pods.flatMap((pod) => {
    const names = [...(pod.ownResourceClaims?.values() ?? [])];
    const devices = names.flatMap((name) => claims.get(`${pod.namespace}/${name ?? ''}`)?.allocation?.devices ?? []);
    return devices.filter(({ driver, pool, adminAccess, shared }) => !adminAccess && !shared && pools.has(`${driver}/${pool}`));
  });
  return {
    slices: own.map((slice) => ({
      ...slice,
      name: `${slice.name}-${suffix}`,
      pool: `${slice.pool}-${suffix}`,
      scope: { ...slice.scope, node: copy },
    })),
    held: held.map(({ driver, pool, device }) => deviceKey(driver, `${pool}-${suffix}`, device)),
  };
}
