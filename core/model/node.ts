import { parseTime } from './condition.ts';
import type { Interner } from './interner.ts';
import type { KubeObject } from './object.ts';
import { conditionStatus } from './pod.ts';
import type { Toleration } from './raw-pod.ts';
import type { ResourceList } from './resource-list.ts';
import { projectResources } from './resource-list.ts';
import type { Labels } from './selector.ts';

/** As in the API. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

/** A node as the suite keeps it. Times are epoch milliseconds, resources thousandths. */
export interface NodeRecord {
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly capacity: ResourceList;
  readonly allocatable: ResourceList;
  /** Status of the Ready condition; `Unknown` also when there is none. */
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly readySince: number | undefined;
  /** Types of the pressure and network conditions that are True. */
  readonly problems: readonly string[];
  /** Cordoned. */
  readonly unschedulable: boolean;
  readonly providerId: string;
  /** Label topology.kubernetes.io/zone; empty when there is none. The same for region and instance type. */
  readonly zone: string;
  readonly region: string;
  readonly instanceType: string;
  readonly created: number | undefined;
  readonly deleted: number | undefined;
}

interface RawNodeSpec {
  readonly taints?: readonly Taint[] | null;
  readonly unschedulable?: boolean;
  readonly providerID?: string;
}

interface RawNodeStatus {
  readonly capacity?: Readonly<Record<string, unknown>> | null;
  readonly allocatable?: Readonly<Record<string, unknown>> | null;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime?: string }[] | null;
}

/** The slim record of a node's JSON. Zone, region and instance type fall back to the labels' old beta names. */
export function projectNode(raw: KubeObject, interner: Interner): NodeRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as RawNodeSpec;
  const status = (raw.status ?? {}) as RawNodeStatus;
  const labels = metadata.labels ?? {};
  const conditions = status.conditions ?? [];
  const ready = conditions.find((condition) => condition.type === 'Ready');
  const label = (key: string, oldKey: string): string => interner.text(labels[key] ?? labels[oldKey] ?? '');
  return {
    name: interner.text(metadata.name),
    uid: metadata.uid ?? '',
    labels,
    annotations: metadata.annotations ?? {},
    taints: spec.taints ?? [],
    capacity: projectResources(status.capacity),
    allocatable: projectResources(status.allocatable ?? status.capacity),
    ready: ready === undefined ? 'Unknown' : conditionStatus(ready.status),
    readySince: parseTime(ready?.lastTransitionTime),
    problems: conditions
      .filter((condition) => condition.type !== 'Ready' && condition.status === 'True')
      .map((condition) => condition.type),
    unschedulable: spec.unschedulable === true,
    providerId: spec.providerID ?? '',
    zone: label('topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'),
    region: label('topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'),
    instanceType: label('node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type'),
    created: parseTime(metadata.creationTimestamp),
    deleted: parseTime(metadata.deletionTimestamp),
  };
}

/** Whether a toleration covers a taint: empty key with Exists covers all, empty effect covers every effect. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
  const key = toleration.key ?? '';
  const operator = toleration.operator ?? 'Equal';
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== '' && (operator === 'Equal' || operator === '') && (toleration.value ?? '') === (taint.value ?? '');
}

/** The first taint that keeps a new pod away (`NoSchedule`, `NoExecute`) and that no toleration covers. */
export function untoleratedTaint(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
