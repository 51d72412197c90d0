import {
  matchesNodeLabels,
  matchesNodeSelector,
  matchesSelector,
  selectorOf,
  tolerates,
  untoleratedTaint,
  schedulerRequests,
  type ContainerShape,
  type LabelSelectorObject,
  type Labels,
  type NodeRecord,
  type PodAffinityTerm,
  type PodRecord,
  type ResourceList,
  type TopologySpreadConstraint,
} from '../../../core/model/index.ts';
import type { FilterFailure, FilterName, NodeTemplate } from '../model.ts';
import type { ClaimFacts, ClassId, ClassOptions, NodeId, PlaceAroundOptions, SchedulingFacts, SchedulingSnapshot, SearchOptions } from './snapshot.ts';

/**
 * The rules of the scheduler written down one by one, with nothing kept between two questions: what the fast snapshot is compared with. A
 * fork copies everything.
 */

interface NaiveNode {
  readonly id: NodeId;
  readonly record: NodeRecord;
  readonly pods: PodRecord[];
  /** Pods without a name: class exemplars, once for each. */
  readonly bulk: PodRecord[];
}

interface NaivePod {
  readonly pod: PodRecord;
  readonly bound: boolean;
}

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const region = 'topology.kubernetes.io/region';

export function createNaiveSnapshot(facts: SchedulingFacts): SchedulingSnapshot {
  let nodes: NaiveNode[] = [];
  const layers: NaiveNode[][] = [];
  const classes: NaivePod[] = [];
  const classIds = new Map<string, ClassId>();
  let nextId = 0;
  let lastMatch = 0;

  const byId = (id: NodeId): NaiveNode => {
    const node = nodes.find((each) => each.id === id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  };
  const byClass = (id: ClassId): NaivePod => {
    const found = classes[id];
    if (found === undefined) throw new Error(`no class ${id}`);
    return found;
  };
  const classOf = (pod: PodRecord, options: ClassOptions = {}): ClassId => {
    const { namespace, labels, shape, claims, pinnedNode, deleted, nodeName } = pod;
    const bound = options.bound === true && nodeName !== undefined;
    const key = JSON.stringify([namespace, sorted(labels), shape, claims, pinnedNode, deleted !== undefined, bound ? nodeName : 0]);
    const known = classIds.get(key);
    if (known !== undefined) return known;
    classes.push({ pod, bound });
    classIds.set(key, classes.length - 1);
    return classes.length - 1;
  };
  const addNode = (record: NodeRecord, pods: readonly PodRecord[] = []): NodeId => {
    if (nodes.some((node) => node.record.name === record.name)) throw new Error(`node ${record.name} is there already`);
    nodes.push({ id: nextId, record, pods: [...pods], bulk: [] });
    return nextId++;
  };
  const failure = (podClass: ClassId, node: NodeId): FilterFailure | undefined => {
    const { pod, bound } = byClass(podClass);
    return firstFailure({ facts, nodes, pod, bound, node: byId(node) });
  };
  const search = (podClass: ClassId, { accept, from }: SearchOptions = {}): NodeId | undefined => {
    for (let step = 0; step < nodes.length; step++) {
      const position = (lastMatch + 1 + step) % nodes.length;
      const node = nodes[position];
      if (node === undefined || node.record.unschedulable || (from !== undefined && node.id < from)) continue;
      if (accept !== undefined && !accept(node.id)) continue;
      if (failure(podClass, node.id) !== undefined) continue;
      lastMatch = position;
      return node.id;
    }
    return undefined;
  };
  const placeMany = (podClass: ClassId, node: NodeId, count: number): void => {
    if (layers.length === 0) throw new Error('only inside a fork');
    for (let done = 0; done < count; done++) byId(node).bulk.push(byClass(podClass).pod);
  };

  return {
    get nodeCount() {
      return nodes.length;
    },
    classOf,
    exemplar: (podClass) => byClass(podClass).pod,
    addNode,
    addCopy: (template: NodeTemplate, name: string) => {
      const record = { ...template.node, name, labels: { ...template.node.labels, [hostname]: name } };
      return addNode(
        record,
        template.pods.map((pod) => ({ ...pod, nodeName: name })),
      );
    },
    removeNode: (id) => {
      byId(id);
      nodes = nodes.filter((node) => node.id !== id);
    },
    node: (id) => byId(id).record,
    find: (name) => nodes.find((node) => node.record.name === name)?.id,
    nodeIds: () => nodes.map((node) => node.id),
    podsOn: (id) => [...byId(id).pods],
    podCount: (id) => byId(id).pods.length + byId(id).bulk.length,
    place: (pod, id) => void byId(id).pods.push(pod),
    placeMany,
    displace: (pod, id) => {
      const { pods } = byId(id);
      let at = pods.indexOf(pod);
      if (at < 0) at = pods.findIndex((each) => each.name === pod.name && each.namespace === pod.namespace);
      if (at < 0) throw new Error(`pod ${pod.namespace}/${pod.name} is not on node ${id}`);
      pods.splice(at, 1);
    },
    fits: (podClass, node) => failure(podClass, node) === undefined,
    failure,
    search,
    placeAround: (podClass, count, options: PlaceAroundOptions = {}) => {
      let done = 0;
      for (; done < count; done++) {
        const node = search(podClass, options);
        if (node === undefined) break;
        placeMany(podClass, node, 1);
        options.placed?.(node, 1);
      }
      return done;
    },
    isIndependent: () => false,
    room: () => fail('no class is independent'),
    fork: () => {
      layers.push(nodes.map((node) => ({ ...node, pods: [...node.pods], bulk: [...node.bulk] })));
    },
    revert: () => {
      nodes = layers.pop() ?? fail('no fork to revert');
    },
    commit: () => {
      if (layers.pop() === undefined) fail('no fork to commit');
    },
  };
}

function fail(message: string): never {
  throw new Error(message);
}

function sorted(labels: Labels): [string, string][] {
  return Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

interface Question {
  readonly facts: SchedulingFacts;
  readonly nodes: readonly NaiveNode[];
  readonly pod: PodRecord;
  readonly bound: boolean;
  readonly node: NaiveNode;
}

type Rule = (question: Question) => string | undefined;

/** PreFilter answers count for every node; then the filters in the scheduler's order. */
function firstFailure(question: Question): FilterFailure | undefined {
  const rules: readonly (readonly [FilterName, Rule])[] = [
    ['NodeAffinity', conflicting],
    ['VolumeBinding', unusableClaim],
    ['NodeUnschedulable', cordoned],
    ['NodeName', otherNode],
    ['TaintToleration', tainted],
    ['NodeAffinity', notSelected],
    ['NodePorts', portTaken],
    ['NodeResourcesFit', tooLittle],
    ['VolumeRestrictions', claimInUse],
    ['NodeVolumeLimits', tooManyVolumes],
    ['VolumeBinding', volumeElsewhere],
    ['VolumeZone', volumeInOtherZone],
    ['PodTopologySpread', skewed],
    ['InterPodAffinity', affinityMissed],
  ];
  for (const [filter, rule] of rules) {
    const reason = rule(question);
    if (reason !== undefined) return { filter, reason };
  }
  return undefined;
}

const podsOf = (node: NaiveNode): PodRecord[] => [...node.pods, ...node.bulk];

function requiredTerms(pod: PodRecord) {
  return pod.shape.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
}

/** Every term names nodes, and no term names one that all of its fields allow. */
const conflicting: Rule = ({ pod }) => {
  const terms = requiredTerms(pod)?.nodeSelectorTerms ?? [];
  const named = terms.map((term) =>
    (term.matchFields ?? []).filter((field) => field.key === 'metadata.name' && field.operator === 'In').map((field) => field.values ?? []),
  );
  if (terms.length === 0 || named.some((lists) => lists.length === 0)) return undefined;
  const possible = named.some(([first = [], ...rest]) => first.some((name) => rest.every((names) => names.includes(name))));
  return possible ? undefined : 'pod affinity terms conflict';
};

const claimOf = (question: Question, name: string): ClaimFacts | undefined => question.facts.claims?.get(`${question.pod.namespace}/${name}`);

const unusableClaim: Rule = (question) => {
  if (question.facts.claims === undefined) return undefined;
  const missing = question.pod.claims.find((name) => claimOf(question, name) === undefined);
  if (missing !== undefined) return `persistentvolumeclaim "${missing}" not found`;
  const waits = question.pod.claims.some((name) => claimOf(question, name)?.waitsForBinder === true);
  return waits ? 'pod has unbound immediate PersistentVolumeClaims' : undefined;
};

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

const cordoned: Rule = ({ pod, node }) => {
  const stays = node.record.unschedulable && !pod.shape.tolerations.some((toleration) => tolerates(toleration, cordonTaint));
  return stays ? 'node(s) were unschedulable' : undefined;
};

const otherNode: Rule = ({ pod, bound, node }) =>
  bound && pod.nodeName !== node.record.name ? "node(s) didn't match the requested node name" : undefined;

const tainted: Rule = ({ pod, node }) => {
  const taint = untoleratedTaint(node.record.taints, pod.shape.tolerations);
  return taint === undefined ? undefined : `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
};

function isSelected(pod: PodRecord, record: NodeRecord): boolean {
  const required = requiredTerms(pod);
  if (pod.pinnedNode !== undefined && pod.pinnedNode !== record.name) return false;
  return matchesNodeLabels(pod.shape.nodeSelector, record) && (required === undefined || required === null || matchesNodeSelector(required, record));
}

const notSelected: Rule = ({ pod, node }) => (isSelected(pod, node.record) ? undefined : "node(s) didn't match Pod's node affinity/selector");

const portTaken: Rule = ({ pod, node }) => {
  const used = podsOf(node).flatMap((each) => each.shape.hostPorts);
  const clash = pod.shape.hostPorts.some((a) =>
    used.some((b) => a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '' || b.ip === '')),
  );
  return clash ? "node(s) didn't have free ports for the requested pod ports" : undefined;
};

/** Milli-cores; of everything else whole units (rounded up in each container), in thousandths. */
function wholeRequests(pod: PodRecord): ResourceList {
  const { containers, initContainers, overhead, podRequests } = pod.shape;
  const round = (list: ResourceList): ResourceList => Object.fromEntries(Object.entries(list).map(([name, milli]) => [name, whole(name, milli)]));
  const each = (container: ContainerShape) => ({ requests: round(container.requests), sidecar: container.sidecar });
  return schedulerRequests({
    containers: containers.map(each),
    initContainers: initContainers.map(each),
    overhead: round(overhead),
    podRequests: podRequests === undefined ? undefined : round(podRequests),
  });
}

const whole = (name: string, milli: number): number => (name === 'cpu' ? milli : Math.ceil(milli / 1000) * 1000);

const tooLittle: Rule = ({ pod, node }) => {
  const reasons: string[] = [];
  const pods = podsOf(node);
  const { allocatable } = node.record;
  const requests = wholeRequests(pod);
  if (pods.length + 1 > Math.ceil((allocatable['pods'] ?? 0) / 1000)) reasons.push('Too many pods');
  const first = ['cpu', 'memory', 'ephemeral-storage'];
  for (const name of [...first, ...Object.keys(requests).filter((each) => !first.includes(each))]) {
    const wanted = requests[name] ?? 0;
    const used = pods.reduce((sum, each) => sum + (wholeRequests(each)[name] ?? 0), 0);
    if (name !== 'pods' && wanted > 0 && wanted > whole(name, allocatable[name] ?? 0) - used) reasons.push(`Insufficient ${name}`);
  }
  return reasons.length === 0 ? undefined : reasons.join(', ');
};

const claimInUse: Rule = (question) => {
  const inUse = question.pod.claims.some(
    (name) =>
      claimOf(question, name)?.exclusive === true &&
      question.nodes.some((node) =>
        podsOf(node).some((each) => each.namespace === question.pod.namespace && each.claims.includes(name)),
      ),
  );
  return inUse
    ? 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'
    : undefined;
};

const tooManyVolumes: Rule = ({ facts, pod, node }) => {
  const limits = facts.attachLimits?.get(node.record.name);
  if (limits === undefined || facts.claims === undefined) return undefined;
  const keys = (each: PodRecord): string[] => each.claims.map((name) => `${each.namespace}/${name}`);
  const attached = new Set(podsOf(node).flatMap(keys));
  const added = new Set(keys(pod).filter((key) => !attached.has(key)));
  for (const [driver, limit] of limits) {
    const of = (set: ReadonlySet<string>): number => [...set].filter((key) => facts.claims?.get(key)?.driver === driver).length;
    if (of(added) > 0 && of(attached) + of(added) > limit) return 'node(s) exceed max volume count';
  }
  return undefined;
};

const volumeElsewhere: Rule = (question) => {
  const claims = question.pod.claims.map((name) => claimOf(question, name));
  const { record } = question.node;
  if (claims.some((claim) => claim?.bound === true && claim.nodeAffinity !== undefined && !matchesNodeSelector(claim.nodeAffinity, record))) {
    return "node(s) didn't match PersistentVolume's node affinity";
  }
  const unreachable = claims.some(
    (claim) => claim?.bound === false && claim.allowedTopologies !== undefined && !matchesNodeSelector(claim.allowedTopologies, record),
  );
  return unreachable ? "node(s) didn't find available persistent volumes to bind" : undefined;
};

const volumeInOtherZone: Rule = (question) => {
  const { labels } = question.node.record;
  if (labels[zone] === undefined && labels[region] === undefined) return undefined;
  const wrong = question.pod.claims.some((name) => {
    const claim = claimOf(question, name);
    if (claim?.bound !== true) return false;
    const outside = (values: readonly string[] | undefined, key: string): boolean => values !== undefined && !values.includes(labels[key] ?? '');
    return outside(claim.zones, zone) || outside(claim.regions, region);
  });
  return wrong ? 'node(s) had no available volume zone' : undefined;
};

function selects(object: LabelSelectorObject | null | undefined, labels: Labels): boolean {
  return matchesSelector(selectorOf(object), labels);
}

function isEmpty(object: LabelSelectorObject | null | undefined): boolean {
  return object !== undefined && object !== null && selectorOf(object).requirements.length === 0;
}

/** Values of the incoming pod's labels that another pod must (or must not) share. */
const sharesKeys = (keys: readonly string[] | null | undefined, own: Labels, other: Labels): boolean =>
  (keys ?? []).every((key) => own[key] === undefined || own[key] === other[key]);
const differsInKeys = (keys: readonly string[] | null | undefined, own: Labels, other: Labels): boolean =>
  (keys ?? []).every((key) => own[key] === undefined || own[key] !== other[key]);

function hardConstraints(pod: PodRecord): TopologySpreadConstraint[] {
  return pod.shape.topologySpread.filter((each) => each.whenUnsatisfiable === 'DoNotSchedule');
}

const skewed: Rule = ({ nodes, pod, node }) => {
  const constraints = hardConstraints(pod);
  const keys = constraints.map((each) => each.topologyKey);
  for (const constraint of constraints) {
    const { topologyKey: key, labelSelector, matchLabelKeys } = constraint;
    const value = node.record.labels[key];
    if (value === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
    const equal = (matchLabelKeys ?? []).filter((each) => pod.labels[each] !== undefined);
    const matches = (each: PodRecord): boolean => selects(labelSelector, each.labels) && sharesKeys(matchLabelKeys, pod.labels, each.labels);
    const countsNothing = isEmpty(labelSelector) && equal.length === 0;
    const counts = new Map<string, number>();
    for (const { record, ...other } of nodes) {
      if (!keys.every((each) => record.labels[each] !== undefined)) continue;
      if (constraint.nodeAffinityPolicy !== 'Ignore' && !isSelected(pod, record)) continue;
      if (constraint.nodeTaintsPolicy === 'Honor' && untoleratedTaint(record.taints, pod.shape.tolerations) !== undefined) continue;
      const counted = [...other.pods, ...other.bulk].filter(
        (each) => !countsNothing && each.deleted === undefined && each.namespace === pod.namespace && matches(each),
      );
      const domain = record.labels[key] ?? '';
      counts.set(domain, (counts.get(domain) ?? 0) + counted.length);
    }
    const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const own = matches(pod) ? 1 : 0;
    if ((counts.get(value) ?? 0) + own - least > constraint.maxSkew) return "node(s) didn't match pod topology spread constraints";
  }
  return undefined;
};

/** Whether `other` is among the pods that a term of `owner` means. */
function means(term: PodAffinityTerm, owner: PodRecord, other: PodRecord, otherNamespace: Labels | undefined): boolean {
  const { namespaces, namespaceSelector } = term;
  const named = namespaces ?? [];
  const own = named.length === 0 && (namespaceSelector === undefined || namespaceSelector === null) && other.namespace === owner.namespace;
  const bySelector =
    isEmpty(namespaceSelector) || (namespaceSelector !== undefined && otherNamespace !== undefined && selects(namespaceSelector, otherNamespace));
  return (
    (own || named.includes(other.namespace) || bySelector) &&
    selects(term.labelSelector, other.labels) &&
    sharesKeys(term.matchLabelKeys, owner.labels, other.labels) &&
    differsInKeys(term.mismatchLabelKeys, owner.labels, other.labels)
  );
}

const affinityMissed: Rule = ({ facts, nodes, pod, node }) => {
  const { podAffinity, podAntiAffinity } = pod.shape.affinity ?? {};
  const affinity = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const anti = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const existing = nodes.flatMap(({ record, ...other }) => [...other.pods, ...other.bulk].map((each) => ({ labels: record.labels, pod: each })));
  const namespaceOf = (each: PodRecord): Labels | undefined => facts.namespaces.get(each.namespace);
  const { labels } = node.record;
  const together = (key: string, other: Labels): boolean => labels[key] !== undefined && labels[key] === other[key];

  const all = existing.filter((each) => affinity.length > 0 && affinity.every((term) => means(term, pod, each.pod, namespaceOf(each.pod))));
  if (affinity.some((term) => labels[term.topologyKey] === undefined)) return "node(s) didn't match pod affinity rules";
  if (!affinity.every((term) => all.some((each) => together(term.topologyKey, each.labels)))) {
    const counted = all.some((each) => affinity.some((term) => each.labels[term.topologyKey] !== undefined));
    const toItself = affinity.every((term) => means(term, pod, pod, namespaceOf(pod)));
    if (counted || !toItself) return "node(s) didn't match pod affinity rules";
  }
  for (const term of anti) {
    if (existing.some((each) => together(term.topologyKey, each.labels) && means(term, pod, each.pod, namespaceOf(each.pod)))) {
      return "node(s) didn't match pod anti-affinity rules";
    }
  }
  for (const each of existing) {
    const terms = each.pod.shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    if (terms.some((term) => together(term.topologyKey, each.labels) && means(term, each.pod, pod, namespaceOf(pod) ?? {}))) {
      return "node(s) didn't satisfy existing pods anti-affinity rules";
    }
  }
  return undefined;
};
