import { tryParseMilli } from '../../../core/units/index.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { PodIdentity } from '../../workload/index.ts';

export type ResourceTexts = Readonly<Record<string, string>>;

/** `resources` of a container as it stands in the spec, without claims. */
export interface ResourceRequirements {
  readonly requests?: ResourceTexts;
  readonly limits?: ResourceTexts;
}

export type ContainerKind = 'init' | 'sidecar' | 'main';

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly kind: ContainerKind;
  readonly resources: ResourceRequirements;
  /** Resources whose change restarts the container. */
  readonly restartOnResize: ReadonlySet<string>;
  readonly readinessProbe: boolean;
  /** Seconds until the first probe, in milliseconds. */
  readonly readinessDelayMs: number;
  readonly startupDelayMs: number;
}

export interface PodSpec {
  readonly identity: PodIdentity;
  readonly nodeName: string;
  readonly containers: readonly ContainerSpec[];
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly graceMs: number;
  readonly priority: number;
  readonly qos: 'Guaranteed' | 'Burstable' | 'BestEffort';
  readonly overhead: ResourceTexts;
  readonly readinessGates: readonly string[];
  readonly ownedByJob: boolean;
  readonly hostNetwork: boolean;
}

interface RawProbe {
  readonly initialDelaySeconds?: number;
}

interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly resources?: { readonly requests?: Record<string, string | number>; readonly limits?: Record<string, string | number> };
  readonly resizePolicy?: readonly { readonly resourceName: string; readonly restartPolicy: string }[];
  readonly readinessProbe?: RawProbe;
  readonly startupProbe?: RawProbe;
}

interface RawPodSpec {
  readonly nodeName?: string;
  readonly containers?: readonly RawContainer[];
  readonly initContainers?: readonly RawContainer[];
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly priority?: number;
  readonly overhead?: Record<string, string | number>;
  readonly readinessGates?: readonly { readonly conditionType: string }[];
  readonly hostNetwork?: boolean;
}

/** The parts of a Pod that its kubelet acts on. */
export function readPodSpec(pod: KubeObject): PodSpec {
  const spec = (pod.spec ?? {}) as RawPodSpec;
  const status = (pod.status ?? {}) as { readonly qosClass?: PodSpec['qos'] };
  const main = spec.containers ?? [];
  const containers = [
    ...(spec.initContainers ?? []).map((raw) => readContainer(raw, raw.restartPolicy === 'Always' ? 'sidecar' : 'init')),
    ...main.map((raw) => readContainer(raw, 'main')),
  ];
  return {
    identity: readIdentity(
      pod,
      main.map((container) => container.name),
    ),
    nodeName: spec.nodeName ?? '',
    containers,
    restartPolicy: spec.restartPolicy === 'Never' || spec.restartPolicy === 'OnFailure' ? spec.restartPolicy : 'Always',
    graceMs: (spec.terminationGracePeriodSeconds ?? 30) * 1000,
    priority: spec.priority ?? 0,
    qos: status.qosClass ?? qosOf(containers),
    overhead: texts(spec.overhead),
    readinessGates: (spec.readinessGates ?? []).map((gate) => gate.conditionType),
    ownedByJob: (pod.metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.kind === 'Job'),
    hostNetwork: spec.hostNetwork === true,
  };
}

function readContainer(raw: RawContainer, kind: ContainerKind): ContainerSpec {
  return {
    name: raw.name,
    image: raw.image ?? '',
    kind,
    resources: readResources(raw),
    restartOnResize: new Set(
      (raw.resizePolicy ?? []).filter((policy) => policy.restartPolicy === 'RestartContainer').map((policy) => policy.resourceName),
    ),
    readinessProbe: raw.readinessProbe !== undefined,
    readinessDelayMs: (raw.readinessProbe?.initialDelaySeconds ?? 0) * 1000,
    startupDelayMs: (raw.startupProbe?.initialDelaySeconds ?? 0) * 1000,
  };
}

function readResources(raw: RawContainer): ResourceRequirements {
  const { requests, limits } = raw.resources ?? {};
  return { ...(requests && { requests: texts(requests) }), ...(limits && { limits: texts(limits) }) };
}

function texts(list: Record<string, string | number> | undefined): ResourceTexts {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, value]) => [name, String(value)]));
}

function readIdentity(pod: KubeObject, containers: readonly string[]): PodIdentity {
  const { metadata } = pod;
  const labels = metadata.labels ?? {};
  const owners: string[] = [];
  for (const owner of metadata.ownerReferences ?? []) {
    if (owner.controller !== true) continue;
    owners.push(owner.name);
    const hash = labels['pod-template-hash'];
    if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
      owners.push(owner.name.slice(0, -hash.length - 1));
    }
  }
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels,
    annotations: metadata.annotations ?? {},
    owners,
    containers,
  };
}

/** Only for pods whose status does not say it. */
function qosOf(containers: readonly ContainerSpec[]): PodSpec['qos'] {
  const both = ['cpu', 'memory'] as const;
  const any = containers.some(({ resources }) => both.some((name) => resources.requests?.[name] ?? resources.limits?.[name]));
  if (!any) return 'BestEffort';
  const guaranteed = containers.every(({ resources }) =>
    both.every((name) => {
      const limit = resources.limits?.[name];
      return limit !== undefined && tryParseMilli(resources.requests?.[name] ?? limit) === tryParseMilli(limit);
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Thousandths of a resource in a list; 0 when it is not there. */
export function milliOf(list: ResourceTexts | undefined, name: string): number {
  return tryParseMilli(list?.[name]) ?? 0;
}

/** Request of a container: the limit stands in for it, as the API server defaults it. */
export function requestMilli(resources: ResourceRequirements, name: string): number {
  return tryParseMilli(resources.requests?.[name] ?? resources.limits?.[name]) ?? 0;
}

/** CPU limit in milli-cores, infinite without one. */
export function cpuLimitMilli(resources: ResourceRequirements): number {
  return tryParseMilli(resources.limits?.['cpu']) ?? Number.POSITIVE_INFINITY;
}

/** Memory limit in bytes, infinite without one. */
export function memoryLimitBytes(resources: ResourceRequirements): number {
  const milli = tryParseMilli(resources.limits?.['memory']);
  return milli === undefined ? Number.POSITIVE_INFINITY : milli / 1000;
}

/** Whether two requirements ask for the same CPU and memory. */
export function sameCompute(left: ResourceRequirements, right: ResourceRequirements): boolean {
  return changedCompute(left, right).length === 0;
}

/** `cpu` and `memory`, those that differ in request or limit. */
export function changedCompute(left: ResourceRequirements, right: ResourceRequirements): string[] {
  return ['cpu', 'memory'].filter(
    (name) =>
      tryParseMilli(left.requests?.[name]) !== tryParseMilli(right.requests?.[name]) ||
      tryParseMilli(left.limits?.[name]) !== tryParseMilli(right.limits?.[name]),
  );
}

/**
 * What a pod takes of its node: main containers and sidecars together, or an init container with the sidecars that stand before it,
 * whichever is more, plus overhead. In thousandths by resource.
 */
export function podRequests(
  containers: readonly { readonly kind: ContainerKind; readonly resources: ResourceRequirements }[],
  overhead: ResourceTexts,
): Map<string, number> {
  const total = new Map<string, number>();
  const sidecars = new Map<string, number>();
  const highest = new Map<string, number>();
  for (const { kind, resources } of containers) {
    for (const name of new Set([...Object.keys(resources.requests ?? {}), ...Object.keys(resources.limits ?? {})])) {
      const milli = requestMilli(resources, name);
      if (kind === 'init') highest.set(name, Math.max(highest.get(name) ?? 0, milli + (sidecars.get(name) ?? 0)));
      else total.set(name, (total.get(name) ?? 0) + milli);
      if (kind === 'sidecar') sidecars.set(name, (sidecars.get(name) ?? 0) + milli);
    }
  }
  for (const [name, milli] of highest) total.set(name, Math.max(total.get(name) ?? 0, milli));
  for (const name of Object.keys(overhead)) total.set(name, (total.get(name) ?? 0) + milliOf(overhead, name));
  return total;
}
