import { matchesNodeSelector, type SelectableNode } from '../../../../core/model/index.ts';
import type { CounterSets, DeviceRecord, DeviceScope, SliceRecord } from './model.ts';

/** Devices of one driver that go by one name, as far as a node can use them. */
export interface DevicePool {
  readonly driver: string;
  readonly pool: string;
  /** All of it belongs to the one node. */
  readonly local: boolean;
  /** The driver has not published all of it: nothing can be had of it. */
  readonly incomplete: boolean;
  /** Two devices have one name: nothing can be had of it. */
  readonly invalid: boolean;
  /** Those of the node first, by name. */
  readonly slices: readonly SliceRecord[];
  /** What partitions take of. */
  readonly counters: CounterSets;
  /** Devices of the pool that the node cannot use; they take of the counters too. */
  readonly elsewhere: readonly DeviceRecord[];
}

/** All slices of the cluster, so that those of a node are found. */
export interface SliceIndex {
  /** Of the node alone, by name. */
  ofNode(name: string): readonly SliceRecord[];
  /** Whether some are not of one node. */
  readonly anyShared: boolean;
  /** Pools that a node can use something of, by driver and name; `own` are the slices of the node alone. */
  poolsOf(node: SelectableNode, own: readonly SliceRecord[]): readonly DevicePool[];
}

const none: readonly SliceRecord[] = Object.freeze([]);

export function createSliceIndex(slices: readonly SliceRecord[]): SliceIndex {
  const byNode = new Map<string, SliceRecord[]>();
  const byPool = new Map<string, SliceRecord[]>();
  const shared: SliceRecord[] = [];
  for (const slice of slices.toSorted(byName)) {
    push(byPool, poolKey(slice), slice);
    const { node } = slice.scope;
    if (node !== undefined && node !== '') push(byNode, node, slice);
    else if (slice.counters.size === 0) shared.push(slice);
  }
  const halves = [...byPool].filter(([, list]) => isHalfCounted(list)).map(([key]) => key);
  return {
    ofNode: (name) => byNode.get(name) ?? none,
    anyShared: shared.length > 0,
    poolsOf: (node, own) => {
      const usable = shared.filter((slice) => concerns(slice, node));
      return poolsOf([...own, ...usable], new Set(own), { byPool, halves });
    },
  };
}

/** Pools with counters count on every node, also where none of their devices can be used, as long as they are not complete. */
function isHalfCounted(slices: readonly SliceRecord[]): boolean {
  const generation = Math.max(...slices.map((slice) => slice.generation));
  const current = slices.filter((slice) => slice.generation === generation);
  const first = current.find(({ counters }) => counters.size > 0);
  return first !== undefined && current.length !== first.poolSliceCount;
}

function push(lists: Map<string, SliceRecord[]>, key: string, slice: SliceRecord): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [slice]);
  else list.push(slice);
}

function poolKey({ driver, pool }: SliceRecord): string {
  return `${driver}/${pool}`;
}

/** Whether the node may use devices of the slice. */
function concerns({ scope, scopeByDevice, devices }: SliceRecord, node: SelectableNode): boolean {
  if (isSaid(scope)) return isWithin(scope, node);
  return scopeByDevice && devices.some((device) => isWithin(device.scope, node));
}

function isSaid({ node, allNodes, selector }: DeviceScope): boolean {
  return (node !== undefined && node !== '') || allNodes || selector !== undefined;
}

/** Whether devices of the scope can be used on the node. */
export function isWithin({ node: only, allNodes, selector }: DeviceScope, node: SelectableNode): boolean {
  if (only !== undefined && only !== '') return only === node.name;
  return allNodes || (selector !== undefined && matchesNodeSelector(selector, node));
}

/** As the scheduler gathers them: of each pool the newest generation that the node sees; one that is being replaced elsewhere is left out. */
function poolsOf(
  slices: readonly SliceRecord[],
  local: ReadonlySet<SliceRecord>,
  { byPool, halves }: { readonly byPool: ReadonlyMap<string, readonly SliceRecord[]>; readonly halves: readonly string[] },
): readonly DevicePool[] {
  if (slices.length + halves.length === 0) return noPools;
  const seen = new Map<string, SliceRecord[]>(halves.map((key) => [key, []]));
  for (const slice of slices) push(seen, poolKey(slice), slice);
  const pools: DevicePool[] = [];
  for (const [key, usable] of seen) {
    const known = byPool.get(key) ?? usable;
    // Counters count with their pool, wherever their slice says that it belongs.
    const found = usable.filter((slice) => slice.counters.size === 0);
    const sets = new Set([...usable, ...known].filter((slice) => slice.counters.size > 0));
    found.push(...sets);
    if (sets.size > 0)
      found.sort((a, b) => Number(local.has(b) && b.counters.size === 0) - Number(local.has(a) && a.counters.size === 0) || byName(a, b));
    const generation = Math.max(...found.map((slice) => slice.generation));
    const current = found.filter((slice) => slice.generation === generation);
    const [first] = current;
    if (first === undefined) continue;
    const isComplete = current.length === first.poolSliceCount;
    if (!isComplete && known.some((slice) => slice.generation > generation)) continue;
    const all = isComplete ? current : known.filter((slice) => slice.generation === generation);
    const counters = countersOf(current);
    const elsewhere = all.filter((slice) => !current.includes(slice)).flatMap(({ devices }) => devices);
    pools.push({
      driver: first.driver,
      pool: first.pool,
      local: current.every((slice) => local.has(slice)),
      incomplete: all.length !== first.poolSliceCount,
      invalid:
        hasTwins(current) || counters === undefined || !areCounted([...current.flatMap(({ devices }) => devices), ...elsewhere], counters),
      slices: current,
      counters: counters ?? new Map(),
      elsewhere,
    });
  }
  return pools.sort((a, b) => (a.driver === b.driver ? compare(a.pool, b.pool) : compare(a.driver, b.driver)));
}

const noPools: readonly DevicePool[] = Object.freeze([]);

/** The order in which slices are looked at, whatever the order in which they were listed. */
export function byName(a: SliceRecord, b: SliceRecord): number {
  return compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function hasTwins(slices: readonly SliceRecord[]): boolean {
  const names = slices.flatMap(({ devices }) => devices.map(({ name }) => name));
  return new Set(names).size < names.length;
}

/** `undefined`: two sets have one name. */
function countersOf(slices: readonly SliceRecord[]): CounterSets | undefined {
  const sets = slices.flatMap(({ counters }) => [...counters]);
  const byName = new Map(sets);
  return byName.size < sets.length ? undefined : byName;
}

/** Partitions take of counters that are there. */
function areCounted(devices: readonly DeviceRecord[], counters: CounterSets): boolean {
  return devices.every(({ consumes }) =>
    [...consumes].every(([set, taken]) => [...taken.keys()].every((name) => counters.get(set)?.has(name) === true)),
  );
}
