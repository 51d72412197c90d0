import { parseTime } from './condition.ts';
import type { Interner } from './interner.ts';
import { matchesNodeLabels, matchesNodeSelector } from './node-selector.ts';
import type { SelectableNode } from './node-selector.ts';
import type { KubeObject, OwnerReference } from './object.ts';
import type { PodShape } from './pod-shape.ts';
import { projectSpec } from './pod-shape.ts';
import type { RawContainerState, RawContainerStatus, RawPodSpec, RawPodStatus } from './raw-pod.ts';
import type { ResourceList } from './resource-list.ts';
import { projectResources } from './resource-list.ts';
import type { Labels } from './selector.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

/** The controller of an object. */
export interface OwnerRecord {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** How a container last ended. */
export interface TerminationRecord {
  /** `OOMKilled`, `Error`, `Completed`, … */
  readonly reason: string;
  readonly exitCode: number;
  /** Epoch milliseconds. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
}

export interface ContainerStatusRecord {
  readonly name: string;
  readonly init: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  readonly running: boolean;
  /** Why it waits (`CrashLoopBackOff`, `ImagePullBackOff`, …); empty when it does not. */
  readonly waiting: string;
  /** The current end if it has ended, else the one before the last restart. */
  readonly termination: TerminationRecord | undefined;
  /** What the kubelet says is in force, in thousandths; `undefined` when it says nothing. */
  readonly requests: ResourceList | undefined;
  readonly limits: ResourceList | undefined;
  readonly allocated: ResourceList | undefined;
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
  /** A static pod of a kubelet, seen through its mirror: cannot be evicted or moved. */
  readonly mirror: boolean;
  /** PersistentVolumeClaims in the pod's namespace, those of generic ephemeral volumes included. */
  readonly claims: readonly string[];
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

/** The slim record of a pod's JSON; the JSON can be dropped afterwards. */
export function projectPod(raw: KubeObject, interner: Interner): PodRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as RawPodSpec;
  const status = (raw.status ?? {}) as RawPodStatus;
  const { shape, pinnedNode } = projectSpec(spec, metadata.annotations, interner);
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  const scheduled = status.conditions?.find((condition) => condition.type === 'PodScheduled');
  return {
    namespace: interner.text(metadata.namespace ?? ''),
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: projectLabels(metadata.labels, interner),
    shape,
    owner: projectOwner(metadata.ownerReferences, interner),
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
    mirror: metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    claims: claimsOf(spec, metadata.name),
    statuses: projectStatuses(status, interner),
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

function projectStatuses(status: RawPodStatus, interner: Interner): readonly ContainerStatusRecord[] {
  const init = status.initContainerStatuses ?? none;
  const main = status.containerStatuses ?? none;
  if (init.length === 0 && main.length === 0) return none;
  const make = (): ContainerStatusRecord[] => {
    const records = main.map((raw) => projectStatus(raw, false, interner));
    return init.length === 0 ? records : init.map((raw) => projectStatus(raw, true, interner)).concat(records);
  };
  // Pods that never restarted all look the same; a termination carries its own times and stays with its pod.
  if (init.some(hasEnded) || main.some(hasEnded)) return make();
  return interner.object('statuses', JSON.stringify([init.map(statusKey), main.map(statusKey)]), make);
}

function hasEnded({ state, lastState }: RawContainerStatus): boolean {
  return state?.terminated !== undefined || lastState?.terminated !== undefined;
}

/** Everything that the record of a container that never ended is made of. */
function statusKey({ name, ready, restartCount, state, resources, allocatedResources }: RawContainerStatus): unknown {
  return [
    name,
    ready,
    restartCount,
    state?.running !== undefined,
    state?.waiting?.reason,
    state?.waiting !== undefined,
    resources,
    allocatedResources,
  ];
}

function projectStatus(raw: RawContainerStatus, init: boolean, interner: Interner): ContainerStatusRecord {
  const { waiting, running, terminated } = raw.state ?? {};
  const ended = terminated ?? raw.lastState?.terminated;
  return {
    name: interner.text(raw.name),
    init,
    ready: raw.ready === true,
    restarts: raw.restartCount ?? 0,
    running: running !== undefined,
    waiting: waiting === undefined ? '' : interner.text(waiting.reason ?? 'Waiting'),
    termination: ended === undefined ? undefined : projectTermination(ended, interner),
    requests: reported(raw.resources?.requests, interner),
    limits: reported(raw.resources?.limits, interner),
    allocated: reported(raw.allocatedResources, interner),
  };
}

function projectTermination(ended: NonNullable<RawContainerState['terminated']>, interner: Interner): TerminationRecord {
  return {
    reason: interner.text(ended.reason ?? ''),
    exitCode: ended.exitCode ?? 0,
    startedAt: parseTime(ended.startedAt),
    finishedAt: parseTime(ended.finishedAt),
  };
}

function reported(resources: Readonly<Record<string, unknown>> | null | undefined, interner: Interner): ResourceList | undefined {
  if (resources === undefined || resources === null) return undefined;
  return interner.object('resources', JSON.stringify(resources), () => projectResources(resources));
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
