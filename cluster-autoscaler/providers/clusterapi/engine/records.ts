/** What is kept of the objects of Cluster API. Pure. */
import type { KubeObject, OwnerReference } from '../../../../core/model/index.ts';

export type ScalableKind = 'MachineDeployment' | 'MachineSet' | 'MachinePool';

/** Where an object of the infrastructure provider is. */
export interface InfrastructureReference {
  readonly group: string;
  /** `undefined`: the group's preferred one (references of v1beta2 name none). */
  readonly version: string | undefined;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Something with replicas of machines. */
export interface ScalableRecord {
  readonly kind: ScalableKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly clusterName: string;
  /** spec.replicas; `undefined` when it is not set. */
  readonly replicas: number | undefined;
  /** Controller, as `Kind/name`. */
  readonly owner: string | undefined;
  readonly deleted: boolean;
  /** Of spec.template: labels of the machines, and taints where the API has them. */
  readonly machineLabels: Readonly<Record<string, string>>;
  readonly machineTaints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly infrastructure: InfrastructureReference | undefined;
  /** Of a MachinePool: nodes that it has without Machine objects. */
  readonly providerIds: readonly string[];
}

/** One machine. */
export interface MachineRecord {
  readonly namespace: string;
  readonly name: string;
  /** Empty until the infrastructure has one. */
  readonly providerId: string;
  /** Name of its Node; empty until it has registered. */
  readonly node: string;
  readonly deleted: boolean;
  /** Why it will not come; empty when nothing is known to be wrong. */
  readonly failure: string;
  /** Controller, as `Kind/name`. */
  readonly owner: string | undefined;
}

interface RawScalable {
  readonly replicas?: number;
  readonly clusterName?: string;
  readonly providerIDList?: readonly string[];
  readonly template?: {
    readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
    readonly spec?: {
      readonly infrastructureRef?: RawReference;
      readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
    };
  };
}

interface RawReference {
  readonly apiVersion?: string;
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** The slim record of a MachineDeployment, MachineSet or MachinePool. */
export function projectScalable(kind: ScalableKind, raw: KubeObject): ScalableRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as RawScalable;
  const namespace = metadata.namespace ?? '';
  return {
    ...templateFacts(spec, namespace),
    kind,
    namespace,
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    clusterName: spec.clusterName ?? '',
    replicas: spec.replicas,
    owner: ownerOf(metadata.ownerReferences),
    deleted: metadata.deletionTimestamp !== undefined,
    providerIds: spec.providerIDList ?? [],
  };
}

function templateFacts(
  { template }: RawScalable,
  namespace: string,
): Pick<ScalableRecord, 'machineLabels' | 'machineTaints' | 'infrastructure'> {
  return {
    machineLabels: template?.metadata?.labels ?? {},
    machineTaints: template?.spec?.taints ?? [],
    infrastructure: referenceOf(template?.spec?.infrastructureRef, namespace),
  };
}

interface RawMachineStatus {
  readonly phase?: string;
  readonly nodeRef?: { readonly name?: string };
  readonly failureReason?: string;
  readonly failureMessage?: string;
  readonly deprecated?: { readonly v1beta1?: { readonly failureReason?: string; readonly failureMessage?: string } };
}

export function projectMachine(raw: KubeObject): MachineRecord {
  const { metadata } = raw;
  const spec = (raw.spec ?? {}) as { readonly providerID?: string };
  const status = (raw.status ?? {}) as RawMachineStatus;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    providerId: spec.providerID ?? '',
    node: status.nodeRef?.name ?? '',
    deleted: metadata.deletionTimestamp !== undefined || status.phase === 'Deleting',
    failure: failureOf(status),
    owner: ownerOf(metadata.ownerReferences),
  };
}

function failureOf(status: RawMachineStatus): string {
  const { failureReason, failureMessage } = status.failureReason === undefined ? (status.deprecated?.v1beta1 ?? status) : status;
  const text = [failureReason, failureMessage ?? status.failureMessage].filter((part) => part !== undefined && part !== '').join(': ');
  return text === '' && status.phase === 'Failed' ? 'the machine is in phase Failed' : text;
}

function ownerOf(owners: readonly OwnerReference[] | undefined): string | undefined {
  const owner = owners?.find(({ controller }) => controller === true) ?? owners?.find(({ kind }) => kind.startsWith('Machine'));
  return owner === undefined ? undefined : `${owner.kind}/${owner.name}`;
}

function referenceOf(raw: RawReference | undefined, namespace: string): InfrastructureReference | undefined {
  if (raw?.kind === undefined || raw.name === undefined) return undefined;
  const [group, version] = raw.apiVersion === undefined ? [raw.apiGroup ?? '', undefined] : raw.apiVersion.split('/');
  return { group: group ?? '', version, kind: raw.kind, namespace: raw.namespace ?? namespace, name: raw.name };
}
