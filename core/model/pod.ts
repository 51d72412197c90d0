import { parseTime } from './condition.ts';
import { heldShapeOf } from './held-shape.ts';
import type { Interner } from './interner.ts';
import { matchesNodeLabels, matchesNodeSelector } from './node-selector.ts';
import type { SelectableNode } from './node-selector.ts';
import type { KubeObject, OwnerReference } from './object.ts';
import type { PodShape, ShapeMemo } from './pod-shape.ts';
import { projectSpec } from './pod-shape.ts';
import type { ResizeRecord } from './pod-resize.ts';
import { projectResize } from './pod-resize.ts';
import type { ContainerStatusRecord, StatusMemo } from './pod-status.ts';
import { projectStatuses } from './pod-status.ts';
import type { RawPodSpec, RawPodStatus } from './raw-pod.ts';
import { sameJson } from './same-json.ts';
import type { Labels } from './selector.ts';

export type { ResizeRecord, ResizeState } from './pod-resize.ts';
export type { ContainerStatusRecord, TerminationRecord } from './pod-status.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

/** The controller of an object. */
export interface OwnerRecord {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * A pod as the suite keeps it: at most 600 bytes beyond what pods of one template share. All times are epoch milliseconds; resources are
 * thousandths. Records are immutable; a changed pod is a new record.
 */
export interface PodRecord {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly shape: PodShape;
  /**
   * As what its node's room counts it while its requests are changed in place, see {@link heldShapeOf}. Absent: as its shape, as are all pods
   * that have no node.
   */
  readonly heldShape?: PodShape | undefined;
  /** The owner reference with `controller: true`. */
  readonly owner: OwnerRecord | undefined;
  readonly phase: PodPhase;
  /** Status of the Ready condition; `undefined` when there is no such condition. */
  readonly ready: 'True' | 'False' | 'Unknown' | undefined;
  readonly readySince: number | undefined;
  readonly created: number | undefined;
  readonly started: number | undefined;
  readonly deleted: number | undefined;
  readonly nodeName: string | undefined;
  /** The only node that its affinity allows, as DaemonSet pods have it. */
  readonly pinnedNode: string | undefined;
  /** Node that preemption made room on. */
  readonly nominatedNode: string | undefined;
  /** The scheduler said Unschedulable (condition PodScheduled). */
  readonly unschedulable: boolean;
  /** An in-place resize that is waited for or under way. */
  readonly resize: ResizeRecord | undefined;
  /** A static pod of a kubelet, seen through its mirror: cannot be evicted or moved. */
  readonly mirror: boolean;
  /** PersistentVolumeClaims in the pod's namespace, those of generic ephemeral volumes included. */
  readonly claims: readonly string[];
  /** ResourceClaims that were made for it out of templates: object name by name in the spec, `undefined` where none is needed. Absent: none yet. */
  readonly ownResourceClaims?: ReadonlyMap<string, string | undefined> | undefined;
  /** Init containers first, both in spec order as the kubelet reports them. */
  readonly statuses: readonly ContainerStatusRecord[];
}

const none: readonly never[] = Object.freeze([]);

/** Labels whose value is different in every pod of a workload: a label set with one of them is not worth sharing. */
const perPodLabels = [
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/job-completion-index',
  'batch.kubernetes.io/controller-uid',
] as const;

/** What the pods of one owner looked like last: the next one is first compared with it. */
interface OwnerMemo extends ShapeMemo, StatusMemo {
  lastLabels?: { readonly raw: Labels; readonly labels: Labels };
}

/** Owner records are interned, so that a memo lives as long as some record has its owner. */
const memos = new WeakMap<OwnerRecord, OwnerMemo>();

function memoOf(owner: OwnerRecord | undefined): OwnerMemo | undefined {
  if (owner === undefined) return undefined;
  let memo = memos.get(owner);
  if (memo === undefined) memos.set(owner, (memo = {}));
  return memo;
}

/** Fields that {@link projectPod} does not read and that are different in every pod of a workload, for `omit` of a Reflector. */
export const unreadPodFields: readonly string[] = [
  'spec.containers.*.volumeMounts',
  // Only a claim's volume needs its name; that of the service account token is random.
  'spec.volumes.[projected].name',
  'spec.initContainers.*.volumeMounts',
  ...['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'PodScheduled'].map(
    (type) => `status.conditions.[type=${type}].lastTransitionTime`,
  ),
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
  'status.containerStatuses.*.containerID',
  'status.containerStatuses.*.imageID',
  'status.containerStatuses.*.state.running.startedAt',
  'status.containerStatuses.*.volumeMounts',
  'status.initContainerStatuses.*.containerID',
  'status.initContainerStatuses.*.imageID',
  'status.initContainerStatuses.*.state.running.startedAt',
  'status.initContainerStatuses.*.volumeMounts',
];

/** The slim record of a pod's JSON; the JSON can be dropped afterwards. */
export function projectPod(raw: KubeObject, interner: Interner): PodRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as RawPodSpec;
  const status = (raw.status ?? {}) as RawPodStatus;
  const owner = projectOwner(metadata.ownerReferences, interner);
  const memo = memoOf(owner);
  const { shape, pinnedNode } = projectSpec(spec, metadata.annotations, interner, memo);
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  const statuses = projectStatuses(status, interner, memo);
  const scheduled = status.conditions?.find((condition) => condition.type === 'PodScheduled');
  return {
    namespace: interner.text(metadata.namespace ?? ''),
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: podLabels(metadata.labels, interner, memo),
    shape,
    heldShape:
      sharedText(spec.nodeName, interner) === undefined || statuses.length === 0 ? undefined : heldShapeOf(shape, status, statuses),
    owner,
    phase: phaseOf(status.phase),
    ready: ready === undefined ? undefined : conditionStatus(ready.status),
    readySince: parseTime(ready?.lastTransitionTime),
    created: parseTime(metadata.creationTimestamp),
    started: parseTime(status.startTime),
    deleted: parseTime(metadata.deletionTimestamp),
    nodeName: sharedText(spec.nodeName, interner),
    pinnedNode: sharedText(pinnedNode, interner),
    nominatedNode: sharedText(status.nominatedNodeName, interner),
    unschedulable: scheduled?.status === 'False' && scheduled.reason === 'Unschedulable',
    resize: projectResize(status.conditions),
    mirror: metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    claims: claimsOf(spec, metadata.name),
    ownResourceClaims: ownResourceClaimsOf(status),
    statuses,
  };
}

function sharedText(text: string | null | undefined, interner: Interner): string | undefined {
  return text === undefined || text === null || text === '' ? undefined : interner.text(text);
}

/** Labels, shared by all objects that have the same ones. */
export function projectLabels(labels: Labels | null | undefined, interner: Interner): Labels {
  if (labels === undefined || labels === null) return noLabels;
  if (perPodLabels.some((key) => Object.hasOwn(labels, key))) return ownLabels(labels, interner);
  return interner.object('labels', JSON.stringify(labels), () => Object.freeze({ ...labels }));
}

function podLabels(labels: Labels | undefined, interner: Interner, memo: OwnerMemo | undefined): Labels {
  const last = memo?.lastLabels;
  if (last !== undefined && sameJson(labels, last.raw)) return last.labels;
  const projected = projectLabels(labels, interner);
  // Only what is shared is frozen; what is not belongs to one pod.
  if (memo !== undefined && labels !== undefined && Object.isFrozen(projected)) memo.lastLabels = { raw: labels, labels: projected };
  return projected;
}

const noLabels: Labels = Object.freeze({});

/** A label set of its own, its texts shared where they can be. */
function ownLabels(labels: Labels, interner: Interner): Labels {
  // A copy keeps its values inside of the object; one that is filled key by key has them in an array beside it.
  const own: Record<string, string> = { ...labels };
  for (const key of Object.keys(labels)) {
    const value = labels[key] ?? '';
    // A name that only one pod has would push out of the pool what many share.
    own[key] = key === perPodLabels[0] ? value : interner.text(value);
  }
  return own;
}

/** The controlling owner, shared by all that it owns. */
export function projectOwner(references: readonly OwnerReference[] | null | undefined, interner: Interner): OwnerRecord | undefined {
  const controller = references?.find((reference) => reference.controller === true);
  if (controller === undefined) return undefined;
  const { apiVersion, kind, name, uid } = controller;
  // The uid says it all, but for a forged reference.
  const held = interner.object('owner', uid, () => Object.freeze({ apiVersion, kind, name, uid }));
  if (held.name === name && held.kind === kind && held.apiVersion === apiVersion) return held;
  return interner.object('owner', `${uid}\n${apiVersion}\n${kind}\n${name}`, () => Object.freeze({ apiVersion, kind, name, uid }));
}

function phaseOf(phase: string | undefined): PodPhase {
  switch (phase) {
    case 'Running':
    case 'Succeeded':
    case 'Failed':
    case 'Pending':
      return phase;
    case undefined:
      // Just created: nobody has written a status yet.
      return 'Pending';
    default:
      return 'Unknown';
  }
}

/** A condition's status by its three names; anything else is Unknown. */
export function conditionStatus(status: string): 'True' | 'False' | 'Unknown' {
  return status === 'True' || status === 'False' ? status : 'Unknown';
}

function claimsOf(spec: RawPodSpec, podName: string): readonly string[] {
  const claims: string[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim !== undefined && persistentVolumeClaim !== null) claims.push(persistentVolumeClaim.claimName);
    else if (ephemeral !== undefined && ephemeral !== null) claims.push(`${podName}-${name}`);
  }
  // A list that grew by pushing holds room for 17.
  return claims.length === 0 ? none : claims.slice();
}

function ownResourceClaimsOf({ resourceClaimStatuses }: RawPodStatus): PodRecord['ownResourceClaims'] {
  if (resourceClaimStatuses === undefined || resourceClaimStatuses === null || resourceClaimStatuses.length === 0) return undefined;
  return new Map(resourceClaimStatuses.map(({ name, resourceClaimName }) => [name, resourceClaimName ?? undefined]));
}

/** Running, Ready and not on its way out. */
export function isServing(pod: PodRecord): boolean {
  return pod.phase === 'Running' && pod.ready === 'True' && pod.deleted === undefined;
}

/** Ended for good: it holds no resources any more. */
export function isFinished(pod: PodRecord): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

/** Whether node selector and required node affinity allow the node; taints and room are not looked at. */
export function allowsNode(pod: Pick<PodRecord, 'shape' | 'pinnedNode'>, node: SelectableNode): boolean {
  if (pod.pinnedNode !== undefined && pod.pinnedNode !== node.name) return false;
  if (!matchesNodeLabels(pod.shape.nodeSelector, node)) return false;
  const required = pod.shape.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required === null || matchesNodeSelector(required, node);
}
