import { isServing, type OwnerRecord, type PodRecord } from '../../../core/model/pod.ts';
import type { UpdaterConfig } from '../../config.ts';
import type { SizingPolicy } from '../../model.ts';
import type { WorkloadFacts } from '../../ports.ts';
import { boostedContainers } from './boost.ts';
import type { ConfiguredReplicas, SkipCode } from './model.ts';

/** Yes, or why not. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly code: SkipCode; readonly message: string };

/** What may be done in place; names are upstream's. */
export type InPlaceDecision = 'Approved' | 'Deferred' | 'Evict' | 'Infeasible' | 'InfeasibleCached';

export interface InPlaceVerdict {
  readonly decision: InPlaceDecision;
  /** Why it is not Approved. */
  readonly code: SkipCode;
  readonly message: string;
}

/** Pods that one owner replicates, and how many of them may be away at once. */
interface Group {
  readonly configured: number;
  readonly tolerance: number;
  readonly running: number;
  /** Kept for in-place updates only. */
  readonly belowMinimum: boolean;
  /** Ready ones of the running. */
  readonly serving: number;
  /** Evicted or resized in this pass. */
  disrupted: number;
  /** Ready ones that were evicted in this pass. */
  lost: number;
}

export interface ReplicaGroupsInput {
  /** Live pods: on a node, not ended, not on their way out. */
  readonly pods: readonly PodRecord[];
  readonly configured: (owner: OwnerRecord, live: number) => ConfiguredReplicas;
  /** The actuation counts, and `minReplicas`. */
  readonly policy: Pick<SizingPolicy, 'minReplicas' | 'actuation'>;
  readonly config: UpdaterConfig;
  /**
   * Pods that run but are not Ready count as away when a Ready one would be evicted. Upstream counts them as there (default), so that a workload whose pods start slowly is
   * evicted as a whole, pass after pass.
   */
  readonly unreadyAreAway?: boolean;
  /** When a pod, by uid, was first seen resizing; pods that are not known yet are added. */
  readonly resizing: Map<string, number>;
}

/** The disruption budget of one policy's pods (§5.2, §5.6). It counts what happens in this pass. */
export interface ReplicaGroups {
  canEvict(pod: PodRecord, now: number): Verdict;
  canInPlace(pod: PodRecord, about: InPlaceQuestion): InPlaceVerdict;
  canUnboost(pod: PodRecord): Verdict;
  /** An eviction was accepted. */
  evicted(pod: PodRecord): void;
  /** A resize was accepted. */
  resized(pod: PodRecord): void;
  /** Whether the pod is in a group that can be acted on. */
  kept(pod: PodRecord): Verdict;
  /** Whether one more pod of its group may be away. */
  hasRoom(pod: PodRecord): boolean;
}

export interface InPlaceQuestion {
  readonly actuation: SizingPolicy['actuation'];
  /** There is a recommendation. */
  readonly recommended: boolean;
  /** A resize to no less could not be done before. */
  readonly infeasible: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Replicas that an owner of pods is set to; a group whose owner tells none is left alone, for its tolerance is not known. */
export function configuredReplicas(owner: OwnerRecord, live: number, facts: WorkloadFacts | undefined): ConfiguredReplicas {
  switch (owner.kind) {
    case 'Job':
      return { ok: true, replicas: live };
    case 'ReplicationController':
    case 'ReplicaSet':
    case 'StatefulSet':
      return known(owner, facts?.replicas, 'spec.replicas');
    case 'DaemonSet':
      return known(owner, facts?.ready, 'status.numberReady');
    default:
      return { ok: true, replicas: 0 };
  }
}

function known(owner: OwnerRecord, replicas: number | undefined, field: string): ConfiguredReplicas {
  if (replicas !== undefined && replicas > 0) return { ok: true, replicas };
  return { ok: false, message: `${owner.kind} ${owner.name} says no number above 0 in ${field}` };
}

const yes: Verdict = { ok: true };
const approved: InPlaceVerdict = { decision: 'Approved', code: 'asked', message: '' };

export function createReplicaGroups(input: ReplicaGroupsInput): ReplicaGroups {
  const groups = new Map<string, Group | Verdict>();
  for (const [uid, pods] of byOwner(input.pods)) groups.set(uid, groupOf(pods, input));

  const groupOfPod = (pod: PodRecord): Group | (Verdict & { ok: false }) => {
    if (pod.owner === undefined) return refusal('no-controller', `pod ${pod.name} has no controller that would replace it`);
    const found = groups.get(pod.owner.uid);
    if (found === undefined || ('ok' in found && found.ok)) return refusal('gone', `pod ${pod.name} is not running on a node`);
    return found;
  };

  const evictable = (pod: PodRecord, group: Group): Verdict => {
    if (!disruptable(group)) return overBudget(pod, group);
    const missed = input.unreadyAreAway === true && isServing(pod) && !spareable(group);
    return missed ? notReady(pod, group) : yes;
  };

  const canEvictResizing = (pod: PodRecord, group: Group, now: number): Verdict => {
    const since = input.resizing.get(pod.uid) ?? now;
    input.resizing.set(pod.uid, since);
    const room = evictable(pod, group);
    if (!room.ok) return room;
    const patience = patienceOf(pod, input.config);
    if (now - since > patience) return yes;
    return refusal('resizing', `pod ${pod.name} is being resized in place (${pod.resize?.state ?? ''}); it is given time`);
  };

  const canEvict = (pod: PodRecord, now: number): Verdict => {
    const group = groupOfPod(pod);
    if ('ok' in group) return group;
    if (pod.phase === 'Pending') return yes;
    if (group.belowMinimum) return tooFew(pod);
    if (pod.resize !== undefined) return canEvictResizing(pod, group, now);
    return evictable(pod, group);
  };

  const activeResize = (pod: PodRecord, group: Group, { actuation, now }: InPlaceQuestion): InPlaceVerdict => {
    const state = pod.resize?.state ?? 'Unknown';
    if (actuation === 'InPlace') {
      const infeasible = state === 'Infeasible';
      const message = `the resize of pod ${pod.name} is ${state}`;
      return { decision: infeasible ? 'Infeasible' : 'Deferred', code: infeasible ? 'infeasible' : 'resizing', message };
    }
    const verdict = canEvictResizing(pod, group, now);
    if (!verdict.ok) return { decision: 'Deferred', code: verdict.code, message: verdict.message };
    return { decision: 'Evict', code: 'resizing', message: `the resize of pod ${pod.name} is ${state} and is given up` };
  };

  const canInPlace = (pod: PodRecord, about: InPlaceQuestion): InPlaceVerdict => {
    const group = groupOfPod(pod);
    if ('ok' in group) return { decision: 'Deferred', code: group.code, message: group.message };
    if (pod.phase === 'Pending') return { decision: 'Deferred', code: 'pending', message: `pod ${pod.name} is Pending` };
    if (!about.recommended) return { decision: 'Deferred', code: 'no-recommendation', message: 'there is no recommendation' };
    if (about.actuation === 'InPlace' && about.infeasible) {
      const message = `pod ${pod.name} could not be resized to as much; it is tried again when less is recommended`;
      return { decision: 'InfeasibleCached', code: 'infeasible', message };
    }
    if (pod.resize !== undefined) return activeResize(pod, group, about);
    if (input.config.inPlaceSkipDisruptionBudget && !restartsOnResize(pod)) return approved;
    if (disruptable(group)) return approved;
    const verdict = overBudget(pod, group);
    return { decision: 'Deferred', code: verdict.code, message: verdict.message };
  };

  const disrupt = (pod: PodRecord): void => {
    const group = groupOfPod(pod);
    if (!('ok' in group)) group.disrupted += 1;
  };

  return {
    canEvict,
    canInPlace,
    canUnboost: (pod) => {
      const group = groupOfPod(pod);
      if ('ok' in group) return group;
      if (pod.phase === 'Pending') return refusal('pending', `pod ${pod.name} is Pending`);
      if (pod.resize !== undefined) return refusal('resizing', `pod ${pod.name} is being resized in place`);
      return disruptable(group) ? yes : overBudget(pod, group);
    },
    evicted: (pod) => {
      // A pod that does not run is missed by nobody.
      if (pod.phase !== 'Pending') disrupt(pod);
      const group = groupOfPod(pod);
      if (!('ok' in group) && isServing(pod)) group.lost += 1;
    },
    resized: disrupt,
    kept: (pod) => {
      const group = groupOfPod(pod);
      return 'ok' in group ? group : yes;
    },
    hasRoom: (pod) => {
      const group = groupOfPod(pod);
      return !('ok' in group) && disruptable(group);
    },
  };
}

function byOwner(pods: readonly PodRecord[]): ReadonlyMap<string, PodRecord[]> {
  const groups = new Map<string, PodRecord[]>();
  for (const pod of pods) {
    if (pod.owner === undefined) continue;
    const members = groups.get(pod.owner.uid);
    if (members === undefined) groups.set(pod.owner.uid, [pod]);
    else members.push(pod);
  }
  return groups;
}

function groupOf(pods: readonly PodRecord[], { configured, policy, config }: ReplicaGroupsInput): Group | Verdict {
  const [first] = pods;
  if (first?.owner === undefined) return yes;
  const required = policy.minReplicas ?? config.minReplicas;
  const tooSmall = pods.length < required;
  const inPlace = policy.actuation === 'InPlace' || policy.actuation === 'InPlaceOrRecreate';
  const keptInPlace = tooSmall && inPlace && config.inPlaceSkipDisruptionBudget;
  if (tooSmall && !keptInPlace && !pods.some((pod) => boostedContainers(pod).length > 0)) {
    const message = `${first.owner.kind} ${first.owner.name} has ${pods.length} of at least ${required} live pods (minReplicas); it is left alone`;
    return refusal('too-few-replicas', message);
  }
  const replicas = configured(first.owner, pods.length);
  if (!replicas.ok) return refusal('unknown-replicas', `${replicas.message}: how many pods may be away is not known`);
  const pending = pods.filter((pod) => pod.phase === 'Pending').length;
  return {
    configured: replicas.replicas,
    tolerance: Math.trunc(replicas.replicas * config.evictionTolerance),
    running: pods.length - pending,
    serving: pods.filter((pod) => isServing(pod)).length,
    belowMinimum: keptInPlace,
    disrupted: 0,
    lost: 0,
  };
}

function disruptable({ configured, tolerance, running, disrupted }: Group): boolean {
  if (running - disrupted > configured - tolerance) return true;
  // One at a time where the tolerance rounds to none, but only while nobody is missing.
  return configured === running && tolerance === 0 && disrupted === 0;
}

/** The same of the Ready ones. */
function spareable({ configured, tolerance, serving, lost }: Group): boolean {
  return serving - lost > configured - tolerance || (configured === serving && tolerance === 0 && lost === 0);
}

/** How long a resize in that state may last before the pod is evicted instead, milliseconds; below 0: not at all. */
function patienceOf({ resize }: PodRecord, config: Pick<UpdaterConfig, 'deferredResizeMs' | 'inProgressResizeMs'>): number {
  if (resize?.state === 'Deferred') return config.deferredResizeMs;
  return resize?.state === 'InProgress' ? config.inProgressResizeMs : -1;
}

function restartsOnResize({ shape }: PodRecord): boolean {
  return shape.containers.some(({ restartOnResize }) => restartOnResize.length > 0);
}

function refusal(code: SkipCode, message: string): Verdict & { ok: false } {
  return { ok: false, code, message };
}

function tooFew({ name, owner }: PodRecord): Verdict {
  return refusal('too-few-replicas', `pod ${name} is not evicted: ${owner?.kind} ${owner?.name} has fewer pods than minReplicas`);
}

function overBudget({ name, owner }: PodRecord, { configured, tolerance, running, disrupted }: Group): Verdict & { ok: false } {
  const message = `pod ${name} waits: of ${configured} pods of ${owner?.kind} ${owner?.name} ${tolerance} may be away, ${running} run and ${disrupted} were touched in this pass`;
  return refusal('disruption-tolerance', message);
}

function notReady({ name, owner }: PodRecord, { configured, tolerance, serving, lost }: Group): Verdict & { ok: false } {
  const message = `pod ${name} waits: of ${configured} pods of ${owner?.kind} ${owner?.name} ${tolerance} may be away, and only ${serving - lost} are Ready; see kubectl get pods`;
  return refusal('disruption-tolerance', message);
}

/**
 * Keeps since when each pod is resizing: by uid, and forgotten once it is not (fixed quirk Q6). A pod that is seen for the first time counts from when the kubelet says so.
 */
export function noteResizes(resizing: Map<string, number>, pods: readonly PodRecord[], now: number): void {
  const seen = new Set<string>();
  for (const { uid, resize } of pods) {
    if (resize === undefined) continue;
    seen.add(uid);
    if (!resizing.has(uid)) resizing.set(uid, Math.min(now, resize.since ?? now));
  }
  for (const uid of resizing.keys()) if (!seen.has(uid)) resizing.delete(uid);
}
