import { parseTime } from './condition.ts';
import type { Interner } from './interner.ts';
import type { KubeObject } from './object.ts';
import type { OwnerRecord } from './pod.ts';
import { projectLabels, projectOwner } from './pod.ts';
import type { PodShape } from './pod-shape.ts';
import { projectSpec } from './pod-shape.ts';
import type { RawPodSpec } from './raw-pod.ts';
import type { LabelSelectorObject, Labels, Selector } from './selector.ts';
import { selectNothing, selectorOf } from './selector.ts';

/** A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or anything with a pod template. Times are epoch milliseconds. */
export interface WorkloadRecord {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  /** Wanted; `undefined` for kinds without replicas (DaemonSet). A Job's parallelism stands here. */
  readonly specReplicas: number | undefined;
  readonly statusReplicas: number;
  readonly readyReplicas: number;
  readonly updatedReplicas: number;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly selector: Selector;
  /** Shape of the pods that it makes; `undefined` without a template. */
  readonly shape: PodShape | undefined;
  readonly templateLabels: Labels;
  readonly owner: OwnerRecord | undefined;
  readonly paused: boolean;
  readonly created: number | undefined;
  readonly deleted: number | undefined;
}

interface RawWorkloadSpec {
  readonly replicas?: number;
  readonly parallelism?: number;
  readonly selector?: LabelSelectorObject | null;
  readonly paused?: boolean;
  readonly template?: {
    readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
    readonly spec?: RawPodSpec;
  } | null;
}

interface RawWorkloadStatus {
  readonly replicas?: number;
  readonly currentNumberScheduled?: number;
  readonly active?: number;
  readonly readyReplicas?: number;
  readonly numberReady?: number;
  readonly ready?: number;
  readonly updatedReplicas?: number;
  readonly updatedNumberScheduled?: number;
  readonly observedGeneration?: number;
}

/** The slim record of a workload's JSON. List items carry neither apiVersion nor kind, so that the caller may name them. */
export function projectWorkload(
  raw: KubeObject,
  interner: Interner,
  type: { readonly apiVersion?: string; readonly kind?: string } = {},
): WorkloadRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as RawWorkloadSpec;
  const status = (raw.status ?? {}) as RawWorkloadStatus;
  const kind = raw.kind ?? type.kind ?? '';
  return {
    apiVersion: interner.text(raw.apiVersion ?? type.apiVersion ?? ''),
    kind: interner.text(kind),
    namespace: interner.text(metadata.namespace ?? ''),
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: projectLabels(metadata.labels, interner),
    specReplicas: wantedReplicas(spec, kind),
    ...replicaCounts(status),
    generation: metadata.generation ?? 0,
    observedGeneration: status.observedGeneration ?? 0,
    selector: workloadSelector(spec.selector),
    ...templateOf(spec, interner),
    owner: projectOwner(metadata.ownerReferences, interner),
    paused: spec.paused === true,
    created: parseTime(metadata.creationTimestamp),
    deleted: parseTime(metadata.deletionTimestamp),
  };
}

function templateOf({ template }: RawWorkloadSpec, interner: Interner) {
  const { labels, annotations } = template?.metadata ?? {};
  return {
    shape: template?.spec === undefined ? undefined : projectSpec(template.spec, annotations, interner).shape,
    templateLabels: projectLabels(labels, interner),
  };
}

/** A ReplicationController (and a Service) selects by a plain map, which read as a label selector object would match everything. */
function workloadSelector(selector: LabelSelectorObject | Labels | null | undefined): Selector {
  if (selector === undefined || selector === null) return selectNothing;
  const isObject = 'matchLabels' in selector || 'matchExpressions' in selector || Object.keys(selector).length === 0;
  return selectorOf(isObject ? (selector as LabelSelectorObject) : { matchLabels: selector as Labels });
}

function wantedReplicas(spec: RawWorkloadSpec, kind: string): number | undefined {
  if (kind === 'DaemonSet') return undefined;
  // The API server's default for both fields is 1.
  return spec.replicas ?? spec.parallelism ?? 1;
}

function replicaCounts(status: RawWorkloadStatus) {
  return {
    statusReplicas: status.replicas ?? status.currentNumberScheduled ?? status.active ?? 0,
    readyReplicas: status.readyReplicas ?? status.numberReady ?? status.ready ?? 0,
    updatedReplicas: status.updatedReplicas ?? status.updatedNumberScheduled ?? 0,
  };
}
