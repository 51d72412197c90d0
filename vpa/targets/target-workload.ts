import type { Interner } from '../../core/model/interner.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { projectOwner, type OwnerRecord } from '../../core/model/pod.ts';
import { projectResources, type ResourceList } from '../../core/model/resource-list.ts';
import { selectNothing, selectorOf, type LabelSelectorObject, type Labels, type Selector } from '../../core/model/selector.ts';
import type { WorkloadFacts } from '../ports.ts';

/** Kinds whose selector stands in a mirror (spec §7.1). */
export const wellKnownKinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'ReplicationController'] as const;

export type WellKnownKind = (typeof wellKnownKinds)[number];

const knownKinds: ReadonlySet<string> = new Set(wellKnownKinds);

/** apiVersion of the objects that the mirrors hold; a policy or an owner reference may name another one. */
const wellKnownApiVersions: Readonly<Record<WellKnownKind, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  ReplicationController: 'v1',
};

/** By kind, whatever the version, as upstream; but groups with a dot belong to others, who may use the same names. */
export function wellKnownKindOf({ apiVersion, kind }: Pick<OwnerRecord, 'apiVersion' | 'kind'>): WellKnownKind | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return knownKinds.has(kind) && !group.includes('.') ? (kind as WellKnownKind) : undefined;
}

/** A selector of all or nothing tells no pods apart. */
export function selectsAtRandom(selector: Selector): boolean {
  return selector.matchesNothing || selector.requirements.length === 0;
}

/**
 * What target resolution reads of a workload; its kind is that of its mirror, namespace and name are its key there. Some 150 bytes for a ReplicaSet of a
 * Deployment, of which a large cluster has 100,000.
 */
export interface TargetWorkload {
  readonly uid: string;
  /** Of its pods. A ReplicaSet of a Deployment and a Job of a CronJob come without: nothing. */
  readonly selector: Selector;
  readonly replicas: number | undefined;
  readonly ready: number | undefined;
  readonly owner: OwnerRecord | undefined;
  /** Containers and native sidecars of the pod template; `undefined` for kinds whose template is not kept. */
  readonly templateContainers: readonly string[] | undefined;
  /** What those ask for, in thousandths. */
  readonly templateRequests: ReadonlyMap<string, ResourceList> | undefined;
  readonly surges: boolean;
}

interface RawTemplateContainer {
  readonly name: string;
  readonly resources?: { readonly requests?: Readonly<Record<string, unknown>> | null } | null;
}

interface RawTemplate {
  readonly metadata?: { readonly labels?: Labels | null } | null;
  readonly spec?: {
    readonly containers?: readonly RawTemplateContainer[] | null;
    readonly initContainers?: readonly (RawTemplateContainer & { readonly restartPolicy?: string | null })[] | null;
  } | null;
}

interface RawSpec {
  readonly replicas?: number | null;
  readonly parallelism?: number | null;
  readonly selector?: unknown;
  readonly paused?: boolean | null;
  readonly strategy?: {
    readonly type?: string | null;
    readonly rollingUpdate?: { readonly maxSurge?: number | string | null } | null;
  } | null;
  readonly template?: RawTemplate | null;
  readonly jobTemplate?: { readonly spec?: { readonly template?: RawTemplate | null } | null } | null;
}

/** The slim record of a workload's JSON. Throws `SELECTOR_INVALID` for a selector that the API server would refuse. */
export function projectTargetWorkload(raw: KubeObject, interner: Interner, kind: WellKnownKind): TargetWorkload {
  const spec = (raw.spec ?? {}) as RawSpec;
  const owner = projectOwner(raw.metadata.ownerReferences, interner);
  return {
    uid: raw.metadata.uid ?? '',
    selector: selectorFor(kind, spec, owner),
    replicas: replicasOf(kind, spec),
    ready: kind === 'DaemonSet' ? (raw.status as { numberReady?: number } | undefined)?.numberReady : undefined,
    owner,
    ...templateOf(kind, spec, interner),
    surges: kind === 'Deployment' && surges(spec),
  };
}

/**
 * Fields that {@link projectTargetWorkload} does not read and that may be left out while parsing, for `omit` of a Reflector. ReplicaSets and Jobs are the many:
 * nothing of their templates is read.
 */
export function unreadTargetFields(kind: WellKnownKind): readonly string[] {
  const always = ['metadata.annotations', 'metadata.labels'];
  if (kind === 'ReplicaSet' || kind === 'Job') return [...always, 'spec.template', 'status'];
  const template = kind === 'CronJob' ? 'spec.jobTemplate.spec.template' : 'spec.template';
  const unread = [
    'env',
    'envFrom',
    'args',
    'command',
    'volumeMounts',
    'livenessProbe',
    'readinessProbe',
    'startupProbe',
    'resources.limits',
    'image',
  ];
  return [
    ...always,
    `${template}.spec.volumes`,
    `${template}.spec.affinity`,
    ...unread.flatMap((field) => [`${template}.spec.containers.*.${field}`, `${template}.spec.initContainers.*.${field}`]),
    ...(kind === 'DaemonSet' ? [] : ['status']),
  ];
}

function selectorFor(kind: WellKnownKind, spec: RawSpec, owner: OwnerRecord | undefined): Selector {
  // Nobody sizes these by themselves, and their selectors would be the largest part of them.
  if ((kind === 'ReplicaSet' && owner?.kind === 'Deployment') || (kind === 'Job' && owner?.kind === 'CronJob')) return selectNothing;
  if (kind === 'CronJob') return byLabels(spec.jobTemplate?.spec?.template?.metadata?.labels);
  if (kind === 'ReplicationController') return byLabels(spec.selector as Labels | null | undefined);
  return selectorOf(spec.selector as LabelSelectorObject | null | undefined);
}

/** No labels must not select every pod of the namespace. */
function byLabels(labels: Labels | null | undefined): Selector {
  return labels === undefined || labels === null || Object.keys(labels).length === 0 ? selectNothing : selectorOf({ matchLabels: labels });
}

function replicasOf(kind: WellKnownKind, spec: RawSpec): number | undefined {
  if (kind === 'DaemonSet' || kind === 'CronJob') return undefined;
  // The API server's default for both fields is 1.
  return (kind === 'Job' ? spec.parallelism : spec.replicas) ?? 1;
}

type TemplateFacts = Pick<TargetWorkload, 'templateContainers' | 'templateRequests'>;

const noTemplate: TemplateFacts = Object.freeze({ templateContainers: undefined, templateRequests: undefined });

/** Templates that ask for the same are shared. */
function templateOf(kind: WellKnownKind, spec: RawSpec, interner: Interner): TemplateFacts {
  if (kind === 'ReplicaSet' || kind === 'Job') return noTemplate;
  const template = kind === 'CronJob' ? spec.jobTemplate?.spec?.template : spec.template;
  const { containers, initContainers } = template?.spec ?? {};
  if (containers === undefined || containers === null) return noTemplate;
  const sidecars = (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const stated = [...containers, ...sidecars].map(({ name, resources }) => [name, resources?.requests ?? null] as const);
  const names = interner.object('container-names', stated.map(([name]) => name).join('\n'), () =>
    Object.freeze(stated.map(([name]) => interner.text(name))),
  );
  const templateRequests = interner.object(
    'template-requests',
    JSON.stringify(stated),
    () => new Map(stated.map(([name, requests]) => [interner.text(name), projectResources(requests)])),
  );
  return { templateContainers: names, templateRequests };
}

/** Whether a rollout starts a new pod before an old one goes; the API server's default for maxSurge is 25 %, rounded up. */
function surges({ strategy, paused }: RawSpec): boolean {
  if (paused === true || strategy?.type === 'Recreate') return false;
  const maxSurge = strategy?.rollingUpdate?.maxSurge ?? '25%';
  return typeof maxSurge === 'number' ? maxSurge >= 1 : Number.parseFloat(maxSurge) > 0;
}

/** What others need to know of such a workload. */
export function workloadFacts(kind: WellKnownKind, namespace: string, name: string, workload: TargetWorkload): WorkloadFacts {
  const { uid, selector, replicas, ready, owner, templateContainers, templateRequests, surges } = workload;
  return {
    reference: { apiVersion: wellKnownApiVersions[kind], kind, namespace, name, uid },
    selector,
    replicas,
    ready,
    owner,
    templateContainers,
    templateRequests,
    surges,
  };
}

/** The same of an object of another kind, as far as its scale says it. */
export function scaledFacts(
  { apiVersion, kind, namespace, name }: ObjectReference,
  { selector, replicas, owner }: Pick<WorkloadFacts, 'selector' | 'owner'> & { readonly replicas: number },
): WorkloadFacts {
  return {
    reference: { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) },
    selector,
    replicas,
    ready: undefined,
    owner,
    templateContainers: undefined,
    surges: false,
  };
}
