import type { PodRecord } from '../../../core/model/index.ts';
import type { CounterSets, DeviceFacts, SliceRecord } from '../scheduling/devices/index.ts';
import type { HeldDevice, NodeDevices } from './model.ts';
import type { Utilization } from './utilization.ts';

interface Pool {
  slices: number;
  sliceCount: number;
  devices: number;
  readonly held: Set<string>;
  readonly partitions: Map<string, CounterSets>;
  readonly counters: Map<string, ReadonlyMap<string, number>>;
}

/**
 * The fullest pool of a node's devices: devices held by its pods / devices published; the first in order of name on a tie. A text if a pool
 * has not published all of its slices. A device that several pods share counts once.
 */
export function highestPoolShare({ slices, held, problem }: NodeDevices): Utilization | string {
  if (problem !== undefined) return problem;
  const pools = new Map<string, Pool>();
  for (const { driver, pool, poolSliceCount, devices, partitions = none, counters = none } of slices) {
    const name = `${driver}/${pool}`;
    let known = pools.get(name);
    if (known === undefined) {
      known = { slices: 0, sliceCount: poolSliceCount, devices: 0, held: new Set(), partitions: new Map(), counters: new Map() };
      pools.set(name, known);
    }
    known.slices += 1;
    known.devices += devices;
    for (const [device, consumes] of partitions) known.partitions.set(device, consumes);
    for (const [set, values] of counters) known.counters.set(set, values);
  }
  for (const { driver, pool, device } of held) pools.get(`${driver}/${pool}`)?.held.add(device);
  let highest: Utilization | undefined;
  for (const [name, pool] of [...pools].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (pool.slices !== pool.sliceCount) return `device pool ${name} has published ${pool.slices} of ${pool.sliceCount} slices`;
    const share = poolShare(pool);
    if (highest === undefined || share > highest.share) highest = { share, resource: name };
  }
  return highest ?? 'no device pool is published';
}

const none: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * As upstream weighs a pool of whole devices and partitions: of the whole ones those that are held; of what is partitioned the fullest counter
 * of each set, on average; both by their numbers where both are held.
 */
function poolShare({ devices, held, partitions, counters }: Pool): number {
  const heldParts = [...held].filter((name) => partitions.has(name));
  const whole = devices - partitions.size;
  const wholeShare = whole === 0 ? 0 : (held.size - heldParts.length) / whole;
  if (heldParts.length === 0) return wholeShare;
  const sets = new Set([...partitions.values()].flatMap((consumes) => [...consumes.keys()])).size;
  let partShare = 0;
  for (const [set, values] of counters)
    partShare +=
      fullest(
        set,
        values,
        heldParts.map((name) => partitions.get(name) ?? none),
      ) / sets;
  if (heldParts.length === held.size) return partShare;
  return (partShare * sets + wholeShare * whole) / (sets + whole);
}

function fullest(set: string, values: ReadonlyMap<string, number>, held: readonly CounterSets[]): number {
  const shares = [...values].map(([name, total]) =>
    total === 0 ? 0 : held.reduce((sum, consumes) => sum + (consumes.get(set)?.get(name) ?? 0), 0) / total,
  );
  return Math.max(0, ...shares);
}

/**
 * The devices of each node that has some of its own, and which of them its pods hold (upstream's CalculateDynamicResourceUtilization): slices of
 * each pool's newest generation; devices that are used with admin access do not count. `undefined`: nothing is known of devices.
 */
export function devicesByNode(
  facts: DeviceFacts | undefined,
  podsByNode: ReadonlyMap<string, readonly PodRecord[]>,
): ReadonlyMap<string, NodeDevices> | undefined {
  if (facts === undefined) return undefined;
  const slices = new Map<string, SliceRecord[]>();
  for (const slice of facts.slices) {
    const { node } = slice.scope;
    if (node === undefined) continue;
    const list = slices.get(node);
    if (list === undefined) slices.set(node, [slice]);
    else list.push(slice);
  }
  return new Map([...slices].map(([node, own]) => [node, nodeDevices(newest(own), podsByNode.get(node) ?? [], facts)]));
}

function newest(slices: readonly SliceRecord[]): readonly SliceRecord[] {
  const generations = new Map<string, number>();
  for (const { driver, pool, generation } of slices) {
    const key = `${driver}/${pool}`;
    generations.set(key, Math.max(generation, generations.get(key) ?? 0));
  }
  return slices.filter(({ driver, pool, generation }) => generations.get(`${driver}/${pool}`) === generation);
}

function nodeDevices(slices: readonly SliceRecord[], pods: readonly PodRecord[], { claims }: DeviceFacts): NodeDevices {
  const held: HeldDevice[] = [];
  let problem: string | undefined;
  for (const pod of pods) {
    for (const { name, claim: shared } of pod.shape.resourceClaims) {
      const claimName = shared ?? pod.ownResourceClaims?.get(name);
      if (claimName === undefined) continue;
      const claim = claims.get(`${pod.namespace}/${claimName}`);
      if (claim?.allocation === undefined) problem ??= `claim ${pod.namespace}/${claimName} not allocated`;
      for (const { driver, pool, device, adminAccess } of claim?.allocation?.devices ?? []) {
        if (!adminAccess) held.push({ driver, pool, device });
      }
    }
  }
  return {
    slices: slices.map(({ driver, pool, poolSliceCount, devices, counters }) => ({
      driver,
      pool,
      poolSliceCount,
      devices: devices.length,
      partitions: new Map(devices.flatMap(({ name, consumes }) => (consumes.size === 0 ? [] : [[name, consumes] as const]))),
      counters,
    })),
    held,
    ...(problem === undefined ? {} : { problem }),
  };
}
