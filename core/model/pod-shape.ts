import type { Interner } from './interner.ts';
import type { NodeSelectorTerm } from './node-selector.ts';
import type { Affinity, RawContainer, RawPodSpec, RawVolume, Toleration, TopologySpreadConstraint } from './raw-pod.ts';
import type { ResourceList } from './resource-list.ts';
import { addResources, maxResources, noResources, projectResources } from './resource-list.ts';

export interface ContainerShape {
  readonly name: string;
  readonly requests: ResourceList;
  readonly limits: ResourceList;
  /** An init container that keeps running (`restartPolicy: Always`): a native sidecar. Always false for ordinary containers. */
  readonly sidecar: boolean;
}

export interface HostPort {
  readonly port: number;
  readonly protocol: string;
  /** Empty for every address of the host. */
  readonly ip: string;
}

/** A volume that ties a pod to a node or to a driver's attach limit; claims are per pod and stand in its record. */
export interface VolumeShape {
  readonly name: string;
  readonly kind: 'emptyDir' | 'hostPath' | 'csi';
  /** Medium of an emptyDir (`Memory` or empty), driver of a CSI volume. */
  readonly detail: string;
}

/**
 * What the pods of one template share: everything that the scheduler, the node controller and the resource metrics read of a pod's spec.
 * Interned: while one record uses it, equal specs answer the same object, so shapes are compared with `===`. Resources are thousandths.
 */
export interface PodShape {
  readonly containers: readonly ContainerShape[];
  /** All init containers, in order. */
  readonly initContainers: readonly ContainerShape[];
  /** What the scheduler reserves: the larger of containers + sidecars and the init phase, pod-level values over both, plus overhead. */
  readonly requests: ResourceList;
  /** `spec.resources.requests` of the pod itself; `undefined` when there is none. */
  readonly podRequests: ResourceList | undefined;
  readonly podLimits: ResourceList | undefined;
  readonly overhead: ResourceList;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Without a node pinned by field: that one is `PodRecord.pinnedNode`. */
  readonly affinity: Affinity | undefined;
  readonly tolerations: readonly Toleration[];
  readonly topologySpread: readonly TopologySpreadConstraint[];
  readonly hostPorts: readonly HostPort[];
  readonly volumes: readonly VolumeShape[];
  readonly priority: number;
  readonly priorityClassName: string;
  /** `PreemptLowerPriority` or `Never`. */
  readonly preemptionPolicy: string;
  readonly schedulerName: string;
  readonly schedulingGates: readonly string[];
  readonly restartPolicy: string;
  /** Seconds. */
  readonly gracePeriod: number;
  /** Only the annotations that steer autoscalers: see {@link isSteeringAnnotation}. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A shape and the node that the pod is tied to by its affinity. */
export interface ProjectedSpec {
  readonly shape: PodShape;
  readonly pinnedNode: string | undefined;
}

/** Annotations of the autoscalers themselves; every other annotation of a pod is dropped. */
export function isSteeringAnnotation(key: string): boolean {
  return key.startsWith('cluster-autoscaler.kubernetes.io/') || key.startsWith('concertina.dev/');
}

/** The shared shape of a pod spec (a pod's, or a template's). */
export function projectSpec(
  spec: RawPodSpec,
  annotations: Readonly<Record<string, string>> | undefined,
  interner: Interner,
): ProjectedSpec {
  const { affinity, pinnedNode } = unpin(spec.affinity ?? undefined);
  const steering = steeringAnnotations(annotations);
  const key = shapeKey(spec, affinity, steering);
  return { shape: interner.object('pod-shape', key, () => makeShape(spec, affinity, steering)), pinnedNode };
}

/** Everything that a shape is made of, in one text. Names of containers' environment, images, probes and the like are left out. */
function shapeKey(spec: RawPodSpec, affinity: Affinity | undefined, annotations: Readonly<Record<string, string>>): string {
  return JSON.stringify([
    spec.containers?.map(containerKey),
    spec.initContainers?.map(containerKey),
    spec.overhead,
    spec.resources,
    spec.nodeSelector,
    affinity,
    spec.tolerations,
    spec.topologySpreadConstraints,
    spec.volumes === undefined || spec.volumes === null ? undefined : projectVolumes(spec.volumes),
    [
      spec.priority,
      spec.priorityClassName,
      spec.preemptionPolicy,
      spec.schedulerName,
      spec.restartPolicy,
      spec.terminationGracePeriodSeconds,
    ],
    spec.schedulingGates,
    annotations,
  ]);
}

function containerKey({ name, resources, restartPolicy, ports }: RawContainer): unknown {
  const hostPorts = ports?.filter((port) => (port.hostPort ?? 0) > 0);
  return [name, resources?.requests, resources?.limits, restartPolicy, hostPorts?.length === 0 ? undefined : hostPorts];
}

function makeShape(spec: RawPodSpec, affinity: Affinity | undefined, annotations: Readonly<Record<string, string>>): PodShape {
  const containers = (spec.containers ?? []).map((container) => projectContainer(container, false));
  const initContainers = (spec.initContainers ?? []).map((container) => projectContainer(container, container.restartPolicy === 'Always'));
  const overhead = projectResources(spec.overhead);
  const podRequests = spec.resources?.requests === undefined ? undefined : projectResources(spec.resources.requests);
  return Object.freeze({
    containers,
    initContainers,
    requests: Object.freeze(schedulerRequests({ containers, initContainers, overhead, podRequests })),
    podRequests,
    podLimits: spec.resources?.limits === undefined ? undefined : projectResources(spec.resources.limits),
    overhead,
    nodeSelector: spec.nodeSelector ?? {},
    affinity,
    tolerations: spec.tolerations ?? [],
    topologySpread: spec.topologySpreadConstraints ?? [],
    hostPorts: hostPortsOf(spec),
    volumes: projectVolumes(spec.volumes ?? []),
    ...schedulingOf(spec),
    annotations,
  });
}

function schedulingOf(spec: RawPodSpec) {
  return {
    priority: spec.priority ?? 0,
    priorityClassName: spec.priorityClassName ?? '',
    preemptionPolicy: spec.preemptionPolicy ?? 'PreemptLowerPriority',
    schedulerName: spec.schedulerName ?? 'default-scheduler',
    schedulingGates: (spec.schedulingGates ?? []).map((gate) => gate.name),
    restartPolicy: spec.restartPolicy ?? 'Always',
    gracePeriod: spec.terminationGracePeriodSeconds ?? 30,
  };
}

function projectContainer(raw: RawContainer, sidecar: boolean): ContainerShape {
  return {
    name: raw.name,
    requests: projectResources(raw.resources?.requests),
    limits: projectResources(raw.resources?.limits),
    sidecar,
  };
}

/** The parts that a scheduler's request is made of. */
export interface RequestParts {
  readonly containers: readonly ContainerShape[];
  readonly initContainers: readonly ContainerShape[];
  readonly overhead: ResourceList;
  readonly podRequests: ResourceList | undefined;
}

/** Resources for which a pod-level request counts (the rest stays with the containers). */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/**
 * What a pod reserves on its node, by the rule of component-helpers' `PodRequests`: an init container runs beside the sidecars that started
 * before it, and the pod needs the largest of these moments.
 */
export function schedulerRequests({ containers, initContainers, overhead, podRequests }: RequestParts): Record<string, number> {
  let running: ResourceList = noResources;
  for (const container of containers) running = addResources(running, container.requests);
  let sidecars: ResourceList = noResources;
  let largestInit: ResourceList = noResources;
  for (const container of initContainers) {
    if (container.sidecar) {
      running = addResources(running, container.requests);
      sidecars = addResources(sidecars, container.requests);
      largestInit = maxResources(largestInit, sidecars);
    } else {
      largestInit = maxResources(largestInit, addResources(container.requests, sidecars));
    }
  }
  const total: Record<string, number> = { ...maxResources(running, largestInit) };
  for (const [name, milli] of Object.entries(podRequests ?? noResources)) {
    if (isPodLevelResource(name)) total[name] = milli;
  }
  return { ...addResources(total, overhead) };
}

function hostPortsOf(spec: RawPodSpec): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  const ports: HostPort[] = [];
  for (const container of [...(spec.containers ?? []), ...sidecars]) {
    for (const { hostPort = 0, protocol = 'TCP', hostIP = '' } of container.ports ?? []) {
      if (hostPort > 0) ports.push({ port: hostPort, protocol, ip: hostIP === '0.0.0.0' ? '' : hostIP });
    }
  }
  return ports;
}

function projectVolumes(volumes: readonly RawVolume[]): VolumeShape[] {
  const kept: VolumeShape[] = [];
  for (const { name, emptyDir, hostPath, csi } of volumes) {
    if (emptyDir !== undefined && emptyDir !== null) kept.push({ name, kind: 'emptyDir', detail: emptyDir.medium ?? '' });
    else if (hostPath !== undefined && hostPath !== null) kept.push({ name, kind: 'hostPath', detail: '' });
    else if (csi !== undefined && csi !== null) kept.push({ name, kind: 'csi', detail: csi.driver });
  }
  return kept;
}

const noAnnotations: Readonly<Record<string, string>> = Object.freeze({});

function steeringAnnotations(annotations: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  if (annotations === undefined) return noAnnotations;
  const keys = Object.keys(annotations).filter(isSteeringAnnotation);
  return keys.length === 0 ? noAnnotations : Object.fromEntries(keys.map((key) => [key, annotations[key] ?? '']));
}

/**
 * Takes the one node that every required term names by field out of the affinity. The DaemonSet controller writes such a field into each
 * of its pods; left in, no two of them would share a shape.
 */
function unpin(affinity: Affinity | undefined): { affinity: Affinity | undefined; pinnedNode: string | undefined } {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const first = terms[0];
  const pinnedNode = first === undefined ? undefined : pinOf(first);
  if (affinity === undefined || pinnedNode === undefined || terms.some((term) => pinOf(term) !== pinnedNode)) {
    return { affinity, pinnedNode: undefined };
  }
  // (F and A) or (F and B) is F and (A or B); a term that is only F leaves nothing else to require.
  const rest = terms.map((term) => ({ matchExpressions: term.matchExpressions ?? [] }));
  const unconditional = rest.some((term) => term.matchExpressions.length === 0);
  const { requiredDuringSchedulingIgnoredDuringExecution: _, ...preferred } = affinity.nodeAffinity ?? {};
  const nodeAffinity = unconditional
    ? preferred
    : { ...preferred, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: rest } };
  const { nodeAffinity: __, ...others } = affinity;
  const kept = Object.keys(nodeAffinity).length === 0 ? others : { ...others, nodeAffinity };
  return { affinity: Object.keys(kept).length === 0 ? undefined : kept, pinnedNode };
}

function pinOf(term: NodeSelectorTerm): string | undefined {
  const [field, ...others] = term.matchFields ?? [];
  if (field === undefined || others.length > 0 || field.key !== 'metadata.name' || field.operator !== 'In') return undefined;
  const values = field.values ?? [];
  return values.length === 1 ? values[0] : undefined;
}
