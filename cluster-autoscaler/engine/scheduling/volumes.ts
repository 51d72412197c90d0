import { matchesNodeSelector, type Labels } from '../../../core/model/index.ts';
import type { FilterFailure } from '../model.ts';
import type { NodeFace } from './node-rules.ts';
import type { ClaimFacts, SchedulingFacts } from './snapshot.ts';

/** Who uses which claim, and the filters about claims. */
export interface Volumes {
  /** Claims matter at all: callers need not tell of claims otherwise. */
  readonly known: boolean;
  /** Why a pod with these claims may go nowhere (a claim that is not there or that nobody has bound yet). */
  rejection(claims: readonly string[]): FilterFailure | undefined;
  shift(claims: readonly string[], row: number, pods: number): void;
  /** VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone: the first that fails. */
  failure(claims: readonly string[], row: number, node: NodeFace): FilterFailure | undefined;
}

/** Claims are named `namespace/name` throughout. */
export function claimKeys(namespace: string, claims: readonly string[]): readonly string[] {
  return claims.map((name) => `${namespace}/${name}`);
}

const zoneLabel = 'topology.kubernetes.io/zone';
const regionLabel = 'topology.kubernetes.io/region';

const inUse: FilterFailure = {
  filter: 'VolumeRestrictions',
  reason: 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
};
const tooMany: FilterFailure = { filter: 'NodeVolumeLimits', reason: 'node(s) exceed max volume count' };
const elsewhere: FilterFailure = { filter: 'VolumeBinding', reason: "node(s) didn't match PersistentVolume's node affinity" };
const unreachable: FilterFailure = { filter: 'VolumeBinding', reason: "node(s) didn't find available persistent volumes to bind" };
const unbound: FilterFailure = { filter: 'VolumeBinding', reason: 'pod has unbound immediate PersistentVolumeClaims' };
const otherZone: FilterFailure = { filter: 'VolumeZone', reason: 'node(s) had no available volume zone' };

export function createVolumes({ claims: facts, attachLimits }: SchedulingFacts): Volumes {
  /** Pods by claim, and by row and claim. */
  const users = new Map<string, number>();
  const attached = new Map<number, Map<string, number>>();

  const exceedsLimit = (claims: readonly string[], row: number, node: NodeFace): boolean => {
    const limits = attachLimits?.get(node.name);
    if (limits === undefined) return false;
    const present = attached.get(row);
    for (const [driver, limit] of limits) {
      const isOf = (key: string): boolean => facts?.get(key)?.driver === driver;
      // A volume that is attached for another pod already takes no second place.
      const added = new Set(claims.filter((key) => isOf(key) && present?.has(key) !== true)).size;
      const held = [...(present?.keys() ?? [])].filter(isOf).length;
      if (added > 0 && held + added > limit) return true;
    }
    return false;
  };

  return {
    known: facts !== undefined,
    rejection: (claims) => {
      if (facts === undefined) return undefined;
      const missing = claims.find((key) => !facts.has(key));
      if (missing !== undefined) {
        const name = missing.slice(missing.indexOf('/') + 1);
        return { filter: 'VolumeBinding', reason: `persistentvolumeclaim "${name}" not found` };
      }
      return claims.some((key) => facts.get(key)?.waitsForBinder === true) ? unbound : undefined;
    },
    shift: (claims, row, pods) => {
      let onRow = attached.get(row);
      if (onRow === undefined) attached.set(row, (onRow = new Map()));
      for (const key of claims) {
        add(users, key, pods);
        add(onRow, key, pods);
      }
      if (onRow.size === 0) attached.delete(row);
    },
    failure: (keys, row, node) => {
      if (facts === undefined) return undefined;
      const claims = keys.flatMap((key) => facts.get(key) ?? []);
      if (keys.some((key) => facts.get(key)?.exclusive === true && users.has(key))) return inUse;
      if (exceedsLimit(keys, row, node)) return tooMany;
      if (claims.some(({ bound, nodeAffinity }) => bound && nodeAffinity !== undefined && !matchesNodeSelector(nodeAffinity, node))) {
        return elsewhere;
      }
      const topologies = claims.flatMap(({ bound, allowedTopologies }) => (bound ? [] : (allowedTopologies ?? [])));
      if (!topologies.every((allowed) => matchesNodeSelector(allowed, node))) return unreachable;
      return isZoned(node.labels) && claims.some((claim) => isOutside(claim, node.labels)) ? otherZone : undefined;
    },
  };
}

function add(counts: Map<string, number>, key: string, pods: number): void {
  const sum = (counts.get(key) ?? 0) + pods;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

/** A node without any of the labels takes volumes of all zones (VolumeZone). */
function isZoned(labels: Labels): boolean {
  return labels[zoneLabel] !== undefined || labels[regionLabel] !== undefined;
}

function isOutside({ bound, zones, regions }: ClaimFacts, labels: Labels): boolean {
  if (!bound) return false;
  return (
    (zones !== undefined && !zones.includes(labels[zoneLabel] ?? '')) ||
    (regions !== undefined && !regions.includes(labels[regionLabel] ?? ''))
  );
}
