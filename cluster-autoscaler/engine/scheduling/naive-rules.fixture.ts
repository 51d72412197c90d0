import {
  matchesNodeLabels,
  matchesNodeSelector,
  matchesSelector,
  schedulerRequests,
  selectorOf,
  tolerates,
  untoleratedTaint,
  type ContainerShape,
  type LabelSelectorObject,
  type Labels,
  type NodeRecord,
  type PodAffinityTerm,
  type PodRecord,
  type ResourceList,
  type TopologySpreadConstraint,
} from '../../../core/model/index.ts';
import type { FilterFailure, FilterName } from '../model.ts';
import type { ClaimFacts, NodeId, SchedulingFacts } from './snapshot.ts';

/** The rules of the scheduler's filters written down one by one, with nothing kept between two questions. */

export interface NaiveNode {
  readonly id: NodeId;
  readonly record: NodeRecord;
  readonly pods: PodRecord[];
  /** Pods without a name: class exemplars, once for each. */
  readonly bulk: PodRecord[];
}

const zone = 'topology.kubernetes.io/zone';
const region = 'topology.kubernetes.io/region';

export interface Question {
  readonly facts: SchedulingFacts;
  readonly nodes: readonly NaiveNode[];
  readonly pod: PodRecord;
  readonly bound: boolean;
  readonly node: NaiveNode;
}

type Rule = (question: Question) => string | undefined;

/** PreFilter answers count for every node; then the filters in the scheduler's order. */
export function firstFailure(question: Question): FilterFailure | undefined {
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

const claimOf = (question: Question, name: string): ClaimFacts | undefined =>
  question.facts.claims?.get(`${question.pod.namespace}/${name}`);

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
  return (
    matchesNodeLabels(pod.shape.nodeSelector, record) &&
    (required === undefined || required === null || matchesNodeSelector(required, record))
  );
}

const notSelected: Rule = ({ pod, node }) =>
  isSelected(pod, node.record) ? undefined : "node(s) didn't match Pod's node affinity/selector";

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
  const round = (list: ResourceList): ResourceList =>
    Object.fromEntries(Object.entries(list).map(([name, milli]) => [name, whole(name, milli)]));
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
      question.nodes.some((node) => podsOf(node).some((each) => each.namespace === question.pod.namespace && each.claims.includes(name))),
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
  if (
    claims.some((claim) => claim?.bound === true && claim.nodeAffinity !== undefined && !matchesNodeSelector(claim.nodeAffinity, record))
  ) {
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
    const outside = (values: readonly string[] | undefined, key: string): boolean =>
      values !== undefined && !values.includes(labels[key] ?? '');
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

const skewed: Rule = (question) => {
  for (const constraint of hardConstraints(question.pod)) {
    const value = question.node.record.labels[constraint.topologyKey];
    if (value === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
    const counts = domainCounts(question, constraint);
    const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const own = isSpread(constraint, question.pod, question.pod) ? 1 : 0;
    if ((counts.get(value) ?? 0) + own - least > constraint.maxSkew) return "node(s) didn't match pod topology spread constraints";
  }
  return undefined;
};

/** Whether a constraint of `owner` is about the other pod's labels. */
function isSpread({ labelSelector, matchLabelKeys }: TopologySpreadConstraint, owner: PodRecord, other: PodRecord): boolean {
  return selects(labelSelector, other.labels) && sharesKeys(matchLabelKeys, owner.labels, other.labels);
}

/** Pods that count, by domain; a domain without any is there with 0. */
function domainCounts({ nodes, pod }: Question, constraint: TopologySpreadConstraint): Map<string, number> {
  const { topologyKey, labelSelector, matchLabelKeys } = constraint;
  const keys = hardConstraints(pod).map((each) => each.topologyKey);
  const equal = (matchLabelKeys ?? []).filter((each) => pod.labels[each] !== undefined);
  const countsNothing = isEmpty(labelSelector) && equal.length === 0;
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const { record } = node;
    if (!keys.every((each) => record.labels[each] !== undefined)) continue;
    if (constraint.nodeAffinityPolicy !== 'Ignore' && !isSelected(pod, record)) continue;
    if (constraint.nodeTaintsPolicy === 'Honor' && untoleratedTaint(record.taints, pod.shape.tolerations) !== undefined) continue;
    const counted = podsOf(node).filter(
      (each) => !countsNothing && each.deleted === undefined && each.namespace === pod.namespace && isSpread(constraint, pod, each),
    );
    const domain = record.labels[topologyKey] ?? '';
    counts.set(domain, (counts.get(domain) ?? 0) + counted.length);
  }
  return counts;
}

/** Whether `other` is among the pods that a term of `owner` means. */
function means(term: PodAffinityTerm, owner: PodRecord, other: PodRecord, otherNamespace: Labels | undefined): boolean {
  const { namespaces, namespaceSelector } = term;
  const named = namespaces ?? [];
  const own = named.length === 0 && (namespaceSelector === undefined || namespaceSelector === null) && other.namespace === owner.namespace;
  const bySelector =
    isEmpty(namespaceSelector) ||
    (namespaceSelector !== undefined && otherNamespace !== undefined && selects(namespaceSelector, otherNamespace));
  return (
    (own || named.includes(other.namespace) || bySelector) &&
    selects(term.labelSelector, other.labels) &&
    sharesKeys(term.matchLabelKeys, owner.labels, other.labels) &&
    differsInKeys(term.mismatchLabelKeys, owner.labels, other.labels)
  );
}

interface Existing {
  readonly labels: Labels;
  readonly pod: PodRecord;
}

const existingPods = (nodes: readonly NaiveNode[]): Existing[] =>
  nodes.flatMap((node) => podsOf(node).map((pod) => ({ labels: node.record.labels, pod })));

const together = (key: string, a: Labels, b: Labels): boolean => a[key] !== undefined && a[key] === b[key];

const affinityMissed: Rule = (question) => {
  if (!isAffine(question)) return "node(s) didn't match pod affinity rules";
  if (meetsSomebody(question)) return "node(s) didn't match pod anti-affinity rules";
  return isUnwelcome(question) ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined;
};

function isAffine({ facts, nodes, pod, node }: Question): boolean {
  const terms = pod.shape.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const { labels } = node.record;
  if (terms.some((term) => labels[term.topologyKey] === undefined)) return false;
  const meansAll = (other: PodRecord): boolean => terms.every((term) => means(term, pod, other, facts.namespaces.get(other.namespace)));
  const meant = existingPods(nodes).filter((each) => meansAll(each.pod));
  if (terms.every((term) => meant.some((each) => together(term.topologyKey, labels, each.labels)))) return true;
  const anywhere = meant.some((each) => terms.some((term) => each.labels[term.topologyKey] !== undefined));
  return !anywhere && meansAll(pod);
}

function meetsSomebody({ facts, nodes, pod, node }: Question): boolean {
  const terms = pod.shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return existingPods(nodes).some(({ labels, pod: other }) =>
    terms.some(
      (term) => together(term.topologyKey, node.record.labels, labels) && means(term, pod, other, facts.namespaces.get(other.namespace)),
    ),
  );
}

function isUnwelcome({ facts, nodes, pod, node }: Question): boolean {
  return existingPods(nodes).some(({ labels, pod: other }) => {
    const terms = other.shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    return terms.some(
      (term) =>
        together(term.topologyKey, node.record.labels, labels) && means(term, other, pod, facts.namespaces.get(pod.namespace) ?? {}),
    );
  });
}
