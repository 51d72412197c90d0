/** Groups and machines as of a refresh. */
import type { NodeRecord } from '../../../core/model/index.ts';
import type { Instance } from '../../engine/model.ts';
import {
  boundsOf,
  canGrowFromZero,
  groupId,
  instanceId,
  instanceOf,
  isAllowed,
  ownerGroup,
  type CapiDiscovery,
  type CapiKeys,
  type MachineRecord,
  type ScalableRecord,
} from './engine/index.ts';

export interface CapiGroup {
  readonly id: string;
  readonly min: number;
  readonly max: number;
  readonly record: ScalableRecord;
  readonly machines: readonly MachineRecord[];
}

export interface CapiView {
  /** By id, in the order of their ids. */
  readonly groups: ReadonlyMap<string, CapiGroup>;
  /** Objects that ask to be groups and cannot be, with the reason. */
  readonly refused: ReadonlyMap<string, string>;
  /** Group of a node: by its provider id, else by the annotation with its machine's name. */
  groupOf(node: Pick<NodeRecord, 'providerId' | 'annotations'>): string | undefined;
  /** Whether a machine of the node is there. */
  hasMachine(node: Pick<NodeRecord, 'providerId' | 'annotations'>): boolean;
  instances(id: string, isEnded: (machine: string) => boolean): readonly Instance[];
}

export interface CapiViewInput {
  readonly scalables: readonly ScalableRecord[];
  readonly machines: readonly MachineRecord[];
  readonly discovery: readonly CapiDiscovery[];
  readonly keys: CapiKeys;
}

/** `namespace/name`. */
export function machineKey({ namespace, name }: Pick<MachineRecord, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

export function buildView(input: CapiViewInput): CapiView {
  const { keys } = input;
  const index = indexMachines(input);
  const { groups, refused, ofPool } = collectGroups(input, index.owned);

  const machineOf = ({ providerId, annotations }: Pick<NodeRecord, 'providerId' | 'annotations'>): MachineRecord | undefined => {
    const found = providerId === '' ? undefined : index.byId.get(providerId);
    if (found !== undefined) return found;
    const name = annotations[keys.machine];
    const namespace = annotations[keys.clusterNamespace];
    return name === undefined || namespace === undefined ? undefined : index.byName.get(machineKey({ namespace, name }));
  };

  return {
    groups,
    refused,
    groupOf: (node) => {
      const machine = machineOf(node);
      const id = machine === undefined ? ofPool.get(node.providerId) : index.groups.get(machineKey(machine));
      return id !== undefined && groups.has(id) ? id : undefined;
    },
    hasMachine: (node) => machineOf(node) !== undefined || ofPool.has(node.providerId),
    instances: (id, isEnded) => {
      const group = groups.get(id);
      if (group === undefined) return [];
      const listed = group.machines.map((machine) => instanceOf(machine, isEnded(machineKey(machine))));
      const known = new Set(listed.map((instance) => instance.id));
      // A pool whose infrastructure makes no Machine objects.
      const others = group.record.providerIds.filter((providerId) => !known.has(providerId));
      return [...listed, ...others.map((providerId) => ({ id: providerId, state: 'running' as const }))];
    },
  };
}

interface MachineIndex {
  /** By the id that it has as an instance. */
  readonly byId: ReadonlyMap<string, MachineRecord>;
  /** By `namespace/name`. */
  readonly byName: ReadonlyMap<string, MachineRecord>;
  /** Id of what owns a machine, by `namespace/name`. */
  readonly groups: ReadonlyMap<string, string>;
  /** Machines by id of the owner, in the order of their names. */
  readonly owned: ReadonlyMap<string, readonly MachineRecord[]>;
}

function indexMachines({ scalables, machines }: CapiViewInput): MachineIndex {
  const setOwners = new Map<string, string | undefined>();
  for (const record of scalables) if (record.kind === 'MachineSet') setOwners.set(machineKey(record), record.owner);
  const byId = new Map<string, MachineRecord>();
  const byName = new Map<string, MachineRecord>();
  const groups = new Map<string, string>();
  const owned = new Map<string, MachineRecord[]>();
  for (const machine of machines.toSorted(byKey)) {
    byId.set(instanceId(machine), machine);
    byName.set(machineKey(machine), machine);
    const owner = ownerGroup(machine, (namespace, set) => setOwners.get(machineKey({ namespace, name: set })));
    if (owner === undefined) continue;
    groups.set(machineKey(machine), owner);
    const list = owned.get(owner);
    if (list === undefined) owned.set(owner, [machine]);
    else list.push(machine);
  }
  return { byId, byName, groups, owned };
}

function collectGroups(
  { scalables, discovery, keys }: CapiViewInput,
  owned: MachineIndex['owned'],
): Pick<CapiView, 'groups' | 'refused'> & { readonly ofPool: ReadonlyMap<string, string> } {
  const groups = new Map<string, CapiGroup>();
  const refused = new Map<string, string>();
  const ofPool = new Map<string, string>();
  for (const record of scalables.toSorted((a, b) => (groupId(a) < groupId(b) ? -1 : 1))) {
    // A MachineSet of a deployment is the deployment's matter.
    if (record.deleted || (record.owner !== undefined && record.kind === 'MachineSet') || !isAllowed(record, discovery, keys)) continue;
    const id = groupId(record);
    const bounds = boundsOf(record.annotations, keys);
    if (bounds.min === undefined) {
      if (bounds.reason !== undefined) refused.set(id, bounds.reason);
    } else if (record.replicas === 0 && !canGrowFromZero(record)) {
      refused.set(id, 'has no replicas, and nothing says what a machine of it would have');
    } else {
      groups.set(id, { id, min: bounds.min, max: bounds.max, record, machines: owned.get(id) ?? [] });
      for (const providerId of record.providerIds) ofPool.set(providerId, id);
    }
  }
  return { groups, refused, ofPool };
}

function byKey(a: MachineRecord, b: MachineRecord): number {
  return machineKey(a) < machineKey(b) ? -1 : 1;
}
