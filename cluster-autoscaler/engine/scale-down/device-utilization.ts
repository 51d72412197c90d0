import type { NodeDevices } from './model.ts';
import type { Utilization } from './utilization.ts';

interface Pool {
  slices: number;
  sliceCount: number;
  devices: number;
  readonly held: Set<string>;
}

/**
 * The fullest pool of a node's devices: devices held by its pods / devices published; the first in order of name on a tie. A text if a pool
 * has not published all of its slices. A device that several pods share counts once.
 */
export function highestPoolShare({ slices, held }: NodeDevices): Utilization | string {
  const pools = new Map<string, Pool>();
  for (const { driver, pool, poolSliceCount, devices } of slices) {
    const name = `${driver}/${pool}`;
    let known = pools.get(name);
    if (known === undefined) pools.set(name, (known = { slices: 0, sliceCount: poolSliceCount, devices: 0, held: new Set() }));
    known.slices += 1;
    known.devices += devices;
  }
  for (const { driver, pool, device } of held) pools.get(`${driver}/${pool}`)?.held.add(device);
  let highest: Utilization | undefined;
  for (const [name, pool] of [...pools].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (pool.slices !== pool.sliceCount) return `device pool ${name} has published ${pool.slices} of ${pool.sliceCount} slices`;
    const share = pool.devices === 0 ? 0 : pool.held.size / pool.devices;
    if (highest === undefined || share > highest.share) highest = { share, resource: name };
  }
  return highest ?? 'no device pool is published';
}
