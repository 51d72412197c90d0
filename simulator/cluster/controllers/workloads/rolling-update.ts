import type { Deployment, ReplicaSet } from '../kinds.ts';
import { resolveIntOrPercent } from '../runtime/int-or-percent.ts';

/** Annotations that the Deployment controller keeps on its ReplicaSets. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** One ReplicaSet's new size. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

export function specReplicas(set: { readonly spec: { readonly replicas?: number } }): number {
  return set.spec.replicas ?? 1;
}

export function sum(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + of(set), 0);
}

export function availableReplicas(set: ReplicaSet): number {
  return set.status?.availableReplicas ?? 0;
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Surge rounds up, unavailable rounds down; when both come to zero one pod may be unavailable, else nothing could move. */
export function fenceposts(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const wanted = specReplicas(deployment);
  const surge = resolveIntOrPercent(maxSurge, wanted, 'up') ?? 0;
  const unavailable = resolveIntOrPercent(maxUnavailable, wanted, 'down') ?? 0;
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** How many pods may be missing: bounded by the wanted number; 0 for Recreate and for zero replicas. */
export function maxUnavailableOf(deployment: Deployment): number {
  const wanted = specReplicas(deployment);
  if (!isRollingUpdate(deployment) || wanted === 0) return 0;
  return Math.min(fenceposts(deployment).maxUnavailable, wanted);
}

export function maxSurgeOf(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).maxSurge : 0;
}

/** The size that the newest ReplicaSet may have now without exceeding wanted + surge over all sets. */
export function newSetSize(deployment: Deployment, all: readonly ReplicaSet[], newSize: number): number {
  const wanted = specReplicas(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const room = wanted + maxSurgeOf(deployment) - sum(all, specReplicas);
  if (room <= 0) return newSize;
  return newSize + Math.min(room, wanted - newSize);
}

/** The next size of the newest set in a rolling update; nothing when it is right. */
export function stepNewSet(deployment: Deployment, all: readonly ReplicaSet[], newSet: ReplicaSet): Resize | undefined {
  const wanted = specReplicas(deployment);
  const size = specReplicas(newSet);
  const replicas = size > wanted ? wanted : size === wanted ? size : newSetSize(deployment, all, size);
  return replicas === size ? undefined : { set: newSet, replicas };
}

/**
 * The next sizes of the old sets in a rolling update: first pods that are not available anyway (they cost nothing), then as many
 * available ones as may be missing; the oldest set first.
 */
export function stepOldSets(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Resize[] {
  const sizes = new Map(oldSets.map((set) => [set, specReplicas(set)]));
  if (sum(oldSets, specReplicas) === 0) return [];
  const minAvailable = specReplicas(deployment) - maxUnavailableOf(deployment);
  const newUnavailable = specReplicas(newSet) - availableReplicas(newSet);
  const maxScaledDown = sum([newSet, ...oldSets], specReplicas) - minAvailable - newUnavailable;
  if (maxScaledDown <= 0) return [];
  const sorted = [...oldSets].sort(byAge);
  dropUnhealthy(sorted, sizes, maxScaledDown);
  dropAvailable(sorted, sizes, sum([newSet, ...oldSets], availableReplicas) - minAvailable);
  return sorted.filter((set) => sizes.get(set) !== specReplicas(set)).map((set) => ({ set, replicas: sizes.get(set) ?? 0 }));
}

function dropUnhealthy(sorted: readonly ReplicaSet[], sizes: Map<ReplicaSet, number>, limit: number): void {
  let left = limit;
  for (const set of sorted) {
    const size = sizes.get(set) ?? 0;
    const drop = Math.min(left, Math.max(0, size - availableReplicas(set)));
    sizes.set(set, size - drop);
    left -= drop;
    if (left <= 0) return;
  }
}

function dropAvailable(sorted: readonly ReplicaSet[], sizes: Map<ReplicaSet, number>, limit: number): void {
  let left = limit;
  for (const set of sorted) {
    if (left <= 0) return;
    const size = sizes.get(set) ?? 0;
    const drop = Math.min(left, size);
    sizes.set(set, size - drop);
    left -= drop;
  }
}

/** Oldest first, then by name. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** True when the Deployment was resized since the sets last heard of it. */
export function isScalingEvent(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return all.some((set) => {
    const desired = annotatedNumber(set, desiredReplicasAnnotation);
    return specReplicas(set) > 0 && desired !== undefined && desired !== specReplicas(deployment);
  });
}

function annotatedNumber(set: ReplicaSet, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** New sizes after a resize: the only active set takes it all; in the middle of a rollout every set gets its share, the biggest the rest. */
export function scaleSets(deployment: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Resize[] {
  const wanted = specReplicas(deployment);
  const single = onlyActiveOrLatest(newSet, oldSets);
  if (single !== undefined) return specReplicas(single) === wanted ? [] : [{ set: single, replicas: wanted }];
  if (newSet !== undefined && isSaturated(deployment, newSet)) {
    return oldSets.filter((set) => specReplicas(set) > 0).map((set) => ({ set, replicas: 0 }));
  }
  if (!isRollingUpdate(deployment)) return [];
  const active = [...oldSets, ...(newSet === undefined ? [] : [newSet])].filter((set) => specReplicas(set) > 0);
  const allowed = wanted > 0 ? wanted + maxSurgeOf(deployment) : 0;
  return share(deployment, active, allowed - sum(active, specReplicas));
}

function share(deployment: Deployment, active: readonly ReplicaSet[], toAdd: number): Resize[] {
  const newerFirst = toAdd > 0;
  const sorted = [...active].sort((a, b) => specReplicas(b) - specReplicas(a) || (newerFirst ? byAge(b, a) : byAge(a, b)));
  let added = 0;
  const sizes = sorted.map((set) => {
    const part = proportion(deployment, set, toAdd, added);
    added += part;
    return specReplicas(set) + part;
  });
  const first = sizes[0];
  if (first !== undefined && toAdd !== 0) sizes[0] = Math.max(0, first + toAdd - added);
  return sorted.map((set, index) => ({ set, replicas: sizes[index] ?? 0 }));
}

function proportion(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const size = specReplicas(set);
  if (size === 0 || toAdd === 0 || toAdd === added) return 0;
  const wanted = specReplicas(deployment);
  const before = annotatedNumber(set, maxReplicasAnnotation) ?? deployment.status?.replicas ?? 0;
  const fraction = wanted === 0 || before === 0 ? -size : Math.round((size * (wanted + maxSurgeOf(deployment))) / before) - size;
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added);
}

function onlyActiveOrLatest(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const all = newSet === undefined ? [...oldSets] : [...oldSets, newSet];
  const active = all.filter((set) => specReplicas(set) > 0);
  if (active.length === 1) return active[0];
  if (active.length > 1) return undefined;
  return newSet ?? [...oldSets].sort(byAge).at(-1);
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = specReplicas(deployment);
  return specReplicas(set) === wanted && annotatedNumber(set, desiredReplicasAnnotation) === wanted && availableReplicas(set) === wanted;
}
