import type { Interner } from './interner.ts';
import type { NodeSelectorTerm } from './node-selector.ts';
import type { Affinity, RawContainer, RawPodSpec, RawVolume, Toleration, TopologySpreadConstraint } from './raw-pod.ts';
import type { ResourceList } from './resource-list.ts';
import { addResources, maxResources, noResources, projectResources } from './resource-list.ts';
import { sameJson, sameList } from './same-json.ts';

export interface ContainerShape {
  readonly name: string;
  readonly requests: ResourceList;
  readonly limits: ResourceList;
  /** An init container that keeps running (`restartPolicy: Always`): a native sidecar. Always false for ordinary containers. */
  readonly sidecar: boolean;
  /** Resources (`cpu`, `memory`) whose in-place resize restarts the container; mostly none. */
  readonly restartOnResize: readonly string[];
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

/** A claim on devices (dynamic resource allocation) in the pod's namespace: either a shared one, or one of each pod's own, made of a template. */
export interface ResourceClaimShape {
  /** By which the containers mean it. */
  readonly name: string;
  /** Of a ResourceClaim. */
  readonly claim: string | undefined;
  /** Of a ResourceClaimTemplate. */
  readonly template: string | undefined;
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
  /** Claims on devices, as in the spec. */
  readonly resourceClaims: readonly ResourceClaimShape[];
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

/**
 * Annotations of the autoscalers themselves; every other annotation of a pod is dropped. Those of the upstream VPA (`vpaObservedContainers`,
 * `vpaCpuStartupBoost/<container>`) are the same in all pods that were admitted alike.
 */
export function isSteeringAnnotation(key: string): boolean {
  return (
    key.startsWith('cluster-autoscaler.kubernetes.io/') ||
    key.startsWith('concertina.dev/') ||
    key === 'vpaObservedContainers' ||
    key.startsWith('vpaCpuStartupBoost/')
  );
}

/** The shape that the pods of one owner had last, and what it was made of. Filled by {@link projectSpec}. */
export interface ShapeMemo {
  last?: { readonly source: ShapeSource; readonly shape: PodShape };
}

/**
 * The shared shape of a pod spec (a pod's, or a template's). With a memo of pods that probably look the same, the spec is compared with
 * what the last shape was made of, which costs a tenth of writing the key under which the shape is found.
 */
export function projectSpec(
  spec: RawPodSpec,
  annotations: Readonly<Record<string, string>> | undefined,
  interner: Interner,
  memo?: ShapeMemo,
): ProjectedSpec {
  const { affinity, pinnedNode } = unpin(spec.affinity ?? undefined);
  const steering = steeringAnnotations(annotations);
  const volumes = spec.volumes === undefined || spec.volumes === null ? undefined : projectVolumes(spec.volumes);
  const last = memo?.last;
  if (last !== undefined && isMadeOf(last.source, spec) && sameList(last.source.derived, [affinity, volumes, steering], sameJson)) {
    return { shape: last.shape, pinnedNode };
  }
  const source: ShapeSource = {
    containers: spec.containers?.map(containerSource),
    initContainers: spec.initContainers?.map(containerSource),
    fields: sourceFields.map((field) => spec[field]),
    derived: [affinity, volumes, steering],
  };
  const shape = interner.object('pod-shape', JSON.stringify(source), () => makeShape(spec, affinity, steering));
  if (memo !== undefined) memo.last = { source, shape };
  return { shape, pinnedNode };
}

/** Everything that a shape is made of, and nothing else: containers' environment, images, probes and the like are left out. */
interface ShapeSource {
  readonly containers: readonly ContainerSource[] | undefined;
  readonly initContainers: readonly ContainerSource[] | undefined;
  /** Values of {@link sourceFields}. */
  readonly fields: readonly unknown[];
  /** Affinity without a pinned node, volumes that count, annotations that steer. */
  readonly derived: readonly unknown[];
}

/** Fields of a spec that go into its shape as they are. */
const sourceFields = [
  'overhead',
  'resources',
  'nodeSelector',
  'tolerations',
  'topologySpreadConstraints',
  'priority',
  'priorityClassName',
  'preemptionPolicy',
  'schedulerName',
  'restartPolicy',
  'terminationGracePeriodSeconds',
  'schedulingGates',
  'resourceClaims',
] as const satisfies readonly (keyof RawPodSpec)[];

interface ContainerSource {
  readonly name: string;
  readonly requests: unknown;
  readonly limits: unknown;
  readonly restartPolicy: unknown;
  readonly hostPorts: readonly unknown[] | undefined;
  /** As {@link restartsOf} has them; undefined for none. */
  readonly restarts: readonly string[] | undefined;
}

function containerSource({ name, resources, restartPolicy, ports, resizePolicy }: RawContainer): ContainerSource {
  return {
    name,
    requests: resources?.requests,
    limits: resources?.limits,
    restartPolicy,
    hostPorts: hostPortsIn(ports),
    restarts: restartsOf(resizePolicy),
  };
}

/** The API server writes NotRequired into every container; only the other answer says something. */
function restartsOf(policies: RawContainer['resizePolicy']): readonly string[] | undefined {
  if (policies?.some(({ restartPolicy }) => restartPolicy === 'RestartContainer') !== true) return undefined;
  return policies.filter(({ restartPolicy }) => restartPolicy === 'RestartContainer').map(({ resourceName }) => resourceName);
}

function hostPortsIn(ports: RawContainer['ports']): NonNullable<RawContainer['ports']> | undefined {
  return ports?.some(isHostPort) === true ? ports.filter(isHostPort) : undefined;
}

function isHostPort({ hostPort = 0 }: { readonly hostPort?: number }): boolean {
  return hostPort > 0;
}

function isMadeOf(source: ShapeSource, spec: RawPodSpec): boolean {
  for (let index = 0; index < sourceFields.length; index++) {
    const field = sourceFields[index];
    if (field !== undefined && !sameJson(spec[field], source.fields[index])) return false;
  }
  return areMadeOf(source.containers, spec.containers) && areMadeOf(source.initContainers, spec.initContainers);
}

function areMadeOf(sources: readonly ContainerSource[] | undefined, containers: readonly RawContainer[] | null | undefined): boolean {
  if (sources === undefined || containers === undefined || containers === null) return sources === (containers ?? undefined);
  return sameList(sources, containers, isContainerMadeOf);
}

function isContainerMadeOf(source: ContainerSource, { name, resources, restartPolicy, ports, resizePolicy }: RawContainer): boolean {
  return (
    source.name === name &&
    source.restartPolicy === restartPolicy &&
    sameJson(source.requests, resources?.requests) &&
    sameJson(source.limits, resources?.limits) &&
    sameJson(source.hostPorts, hostPortsIn(ports)) &&
    sameJson(source.restarts, restartsOf(resizePolicy))
  );
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
    resourceClaims: projectResourceClaims(spec.resourceClaims),
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
    restartOnResize: restartsOf(raw.resizePolicy) ?? noRestarts,
  };
}

const noRestarts: readonly string[] = Object.freeze([]);

/** The parts that a scheduler's request is made of. */
export interface RequestParts {
  readonly containers: readonly Pick<ContainerShape, 'requests' | 'sidecar'>[];
  readonly initContainers: readonly Pick<ContainerShape, 'requests' | 'sidecar'>[];
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

const noResourceClaims: readonly ResourceClaimShape[] = Object.freeze([]);

function projectResourceClaims(claims: RawPodSpec['resourceClaims']): readonly ResourceClaimShape[] {
  if (claims === undefined || claims === null || claims.length === 0) return noResourceClaims;
  return claims.map(({ name, resourceClaimName, resourceClaimTemplateName }) => ({
    name,
    claim: resourceClaimName ?? undefined,
    template: resourceClaimTemplateName ?? undefined,
  }));
}

const noAnnotations: Readonly<Record<string, string>> = Object.freeze({});

function steeringAnnotations(annotations: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  if (annotations === undefined) return noAnnotations;
  let steers = false;
  for (const key in annotations) steers ||= isSteeringAnnotation(key);
  if (!steers) return noAnnotations;
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
