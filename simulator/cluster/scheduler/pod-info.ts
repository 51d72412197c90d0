import { parseTime } from '../../../core/model/condition.ts';
import {
  controllerOf,
  keyOf,
  type Pod,
  type PodAffinityTerm,
  type PodSpec,
  type Toleration,
  type TopologySpreadConstraint,
  uidOf,
} from '../controllers/kinds.ts';
import { compileSelector, isEmptySelector, type LabelMatcher, type Labels, labelsOf } from '../controllers/runtime/label-selector.ts';
import { compileNodeRequirements, compilePreferences, type NodeFace, type NodeMatcher, pinnedNodes } from './filters/node-affinity.ts';
import { type HostPort, hostPortsOf } from './filters/node-ports.ts';
import { type Amounts, isBestEffort, nonZeroRequests, podRequests } from './resources.ts';

/** What the pods of one template share as far as one node is concerned; equal specs share one object. */
export interface PodShape {
  readonly tolerations: readonly Toleration[];
  readonly nodeRequirements: NodeMatcher | undefined;
  readonly nodePreferences: ((node: NodeFace) => number) | undefined;
  readonly pinned: ReadonlySet<string> | undefined;
  readonly ports: readonly HostPort[];
  readonly bestEffort: boolean;
  readonly requests: Amounts;
  readonly nonZero: { readonly cpu: number; readonly memory: number };
}

/** A term of inter-pod (anti-)affinity. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  /** Absent: only `namespaces` count. */
  readonly namespaceMatcher: LabelMatcher | undefined;
  /** The namespace selector is `{}`. */
  readonly everyNamespace: boolean;
  readonly matches: LabelMatcher;
}

export interface WeightedTerm {
  /** Negative for anti-affinity. */
  readonly weight: number;
  readonly term: AffinityTerm;
}

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
  readonly matches: LabelMatcher;
  /** An empty selector counts no existing pod, only the incoming one (observed upstream). */
  readonly countsNothing: boolean;
}

/** What pods share as far as other pods are concerned: namespace, labels, affinity and spreading. */
export interface PodGroup {
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
  readonly hardSpread: readonly SpreadConstraint[];
  readonly softSpread: readonly SpreadConstraint[];
  /** The spec names constraints of its own: the cluster's default spreading does not apply. */
  readonly ownSpread: boolean;
}

export interface PodInfo {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly shape: PodShape;
  readonly group: PodGroup;
  /** As the shape's, unless the pod is being resized. */
  readonly requests: Amounts;
  readonly nonZero: { readonly cpu: number; readonly memory: number };
  readonly priority: number;
  readonly nodeName: string | undefined;
  /** Being deleted: does not count in spreading. */
  readonly terminating: boolean;
  readonly createdAt: number;
  /** Names of its PersistentVolumeClaims. */
  readonly claims: readonly string[];
  readonly owner: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  readonly pod: Pod;
}

const noTolerations: readonly Toleration[] = [];

/** Compiles pods; shapes and groups of equal specs are shared for as long as the compiler lives or until it has seen too many. */
export interface PodCompiler {
  compile(pod: Pod): PodInfo;
}

/** Shapes and groups remembered; beyond that they are forgotten and compiled again. */
const remembered = 20_000;

export function createPodCompiler(): PodCompiler {
  const shapes = new Map<string, PodShape>();
  const groups = new Map<string, PodGroup>();

  return {
    compile: (pod) => {
      const shape = shared(shapes, shapeKey(pod.spec), () => compileShape(pod));
      const group = shared(groups, groupKey(pod), (key) => compileGroup(pod, key));
      const resized = needsOwnRequests(pod);
      return {
        key: keyOf(pod),
        namespace: group.namespace,
        name: pod.metadata.name,
        uid: uidOf(pod),
        shape,
        group,
        requests: resized ? podRequests(pod) : shape.requests,
        nonZero: resized ? nonZeroRequests(pod) : shape.nonZero,
        priority: pod.spec.priority ?? 0,
        nodeName: pod.spec.nodeName === '' ? undefined : pod.spec.nodeName,
        terminating: pod.metadata.deletionTimestamp !== undefined,
        createdAt: parseTime(pod.metadata.creationTimestamp) ?? 0,
        claims: claimsOf(pod),
        owner: controllerOf(pod),
        pod,
      };
    },
  };
}

function shared<V>(known: Map<string, V>, key: string, make: (key: string) => V): V {
  let found = known.get(key);
  if (found === undefined) {
    found = make(key);
    if (known.size >= remembered) known.clear();
    known.set(key, found);
  }
  return found;
}

/** Only a status that reports resources can make a pod reserve anything but its spec. */
function needsOwnRequests({ status }: Pod): boolean {
  if (status === undefined) return false;
  return (
    status.resources !== undefined ||
    status.containerStatuses?.some((entry) => entry.resources !== undefined) === true ||
    status.initContainerStatuses?.some((entry) => entry.resources !== undefined) === true
  );
}

function shapeKey(spec: PodSpec): string {
  const containerKey = (container: PodSpec['containers'][number]): unknown => [
    container.resources,
    container.restartPolicy,
    container.ports?.filter((port) => (port.hostPort ?? 0) > 0),
  ];
  return JSON.stringify([
    spec.containers.map(containerKey),
    spec.initContainers?.map(containerKey),
    spec.overhead,
    spec.resources,
    spec.nodeSelector,
    spec.affinity?.nodeAffinity,
    spec.tolerations,
  ]);
}

function groupKey(pod: Pod): string {
  const { affinity, topologySpreadConstraints } = pod.spec;
  return JSON.stringify([
    pod.metadata.namespace ?? 'default',
    pod.metadata.labels,
    affinity?.podAffinity,
    affinity?.podAntiAffinity,
    topologySpreadConstraints,
  ]);
}

function compileShape(pod: Pod): PodShape {
  const { spec } = pod;
  const withoutStatus: Pod = { metadata: pod.metadata, spec };
  return {
    tolerations: spec.tolerations ?? noTolerations,
    nodeRequirements: compileNodeRequirements(spec.nodeSelector, spec.affinity),
    nodePreferences: compilePreferences(spec.affinity),
    pinned: pinnedNodes(spec.affinity),
    ports: hostPortsOf(spec),
    bestEffort: isBestEffort(spec),
    requests: podRequests(withoutStatus),
    nonZero: nonZeroRequests(withoutStatus),
  };
}

function compileGroup(pod: Pod, key: string): PodGroup {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const namespace = pod.metadata.namespace ?? 'default';
  const labels = labelsOf(pod);
  const term = (raw: PodAffinityTerm): AffinityTerm => compileAffinityTerm(raw, namespace, labels);
  const spread = pod.spec.topologySpreadConstraints ?? [];
  const constraints = (action: string): SpreadConstraint[] =>
    spread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action).map((raw) => compileSpread(raw, labels));
  const preferred = (sign: 1 | -1, list: typeof podAffinity): WeightedTerm[] =>
    (list?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      .filter(({ weight }) => weight !== 0)
      .map(({ weight, podAffinityTerm }) => ({ weight: sign * weight, term: term(podAffinityTerm) }));
  return {
    key,
    namespace,
    labels,
    affinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    antiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferred: [...preferred(1, podAffinity), ...preferred(-1, podAntiAffinity)],
    hardSpread: constraints('DoNotSchedule'),
    softSpread: constraints('ScheduleAnyway'),
    ownSpread: spread.length > 0,
  };
}

/** The API server merges `matchLabelKeys` into the selector on creation; doing it again changes nothing. */
function compileAffinityTerm(raw: PodAffinityTerm, namespace: string, labels: Labels): AffinityTerm {
  const own = (raw.namespaces ?? []).length === 0 && raw.namespaceSelector === undefined ? [namespace] : (raw.namespaces ?? []);
  const everyNamespace = isEmptySelector(raw.namespaceSelector);
  const selected = compileSelector(raw.labelSelector);
  const equal = present(raw.matchLabelKeys, labels);
  const unequal = present(raw.mismatchLabelKeys, labels);
  const extra = equal.length > 0 || unequal.length > 0;
  return {
    topologyKey: raw.topologyKey,
    namespaces: new Set(own),
    namespaceMatcher: raw.namespaceSelector === undefined || everyNamespace ? undefined : compileSelector(raw.namespaceSelector),
    everyNamespace,
    matches: !extra
      ? selected
      : (candidate) =>
          selected(candidate) &&
          equal.every(([key, value]) => candidate[key] === value) &&
          unequal.every(([key, value]) => candidate[key] !== value),
  };
}

function present(keys: readonly string[] | undefined, labels: Labels): [string, string][] {
  return (keys ?? []).flatMap((key): [string, string][] => {
    const value = labels[key];
    return value === undefined ? [] : [[key, value]];
  });
}

function compileSpread(raw: TopologySpreadConstraint, labels: Labels): SpreadConstraint {
  const equal = present(raw.matchLabelKeys, labels);
  const selected = compileSelector(raw.labelSelector);
  return {
    topologyKey: raw.topologyKey,
    maxSkew: raw.maxSkew,
    minDomains: raw.minDomains ?? 1,
    honorAffinity: raw.nodeAffinityPolicy !== 'Ignore',
    honorTaints: raw.nodeTaintsPolicy === 'Honor',
    countsNothing: isEmptySelector(raw.labelSelector) && equal.length === 0,
    matches: equal.length === 0 ? selected : (candidate) => selected(candidate) && equal.every(([key, value]) => candidate[key] === value),
  };
}

const noClaims: readonly string[] = [];

/** Claims by name, and those that a generic ephemeral volume makes: `<pod>-<volume>`. */
function claimsOf(pod: Pod): readonly string[] {
  const { volumes } = pod.spec;
  if (volumes === undefined || volumes.length === 0) return noClaims;
  const names = volumes.flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [`${pod.metadata.name}-${volume.name}`];
  });
  return names.length === 0 ? noClaims : names;
}
