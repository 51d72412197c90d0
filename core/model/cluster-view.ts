import type { NodeRecord } from './node.ts';
import type { PdbRecord } from './pdb.ts';
import type { PodRecord } from './pod.ts';
import type { Labels, Selector } from './selector.ts';
import { equalities, matchesSelector } from './selector.ts';
import type { WorkloadRecord } from './workload.ts';

/** The cluster at one instant: immutable, shared by every controller of a tick. Indexes are made when first asked for. */
export interface ClusterView {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly pods: readonly PodRecord[];
  readonly nodes: readonly NodeRecord[];
  readonly pdbs: readonly PdbRecord[];
  readonly workloads: readonly WorkloadRecord[];
  pod(namespace: string, name: string): PodRecord | undefined;
  node(name: string): NodeRecord | undefined;
  podsInNamespace(namespace: string): readonly PodRecord[];
  /** Pods of the namespace that the selector matches, in the order of `pods`. An empty selector matches all: callers for whom it must not look first. */
  podsMatching(namespace: string, selector: Selector): readonly PodRecord[];
  /** Pods whose controlling owner has this uid. */
  podsOwnedBy(uid: string): readonly PodRecord[];
  podsOnNode(name: string): readonly PodRecord[];
  /** Budgets of the namespace whose selector matches the labels. */
  pdbsFor(namespace: string, labels: Labels): readonly PdbRecord[];
}

/** What a view is built of; nothing in it may change afterwards. */
export interface ClusterContent {
  readonly at: number;
  readonly pods: Iterable<PodRecord>;
  readonly nodes?: Iterable<NodeRecord>;
  readonly pdbs?: Iterable<PdbRecord>;
  readonly workloads?: Iterable<WorkloadRecord>;
}

const none: readonly never[] = Object.freeze([]);

interface NamespaceIndex {
  readonly pods: PodRecord[];
  /** By label key, then by its value. */
  readonly byLabel: Map<string, Map<string, Bucket>>;
  byName: Map<string, PodRecord> | undefined;
}

/** Takes a snapshot. One pass over the pods; every other index costs one pass when it is first used. */
export function buildClusterView(content: ClusterContent): ClusterView {
  const pods = [...content.pods];
  const nodes = [...(content.nodes ?? none)];
  const pdbs = [...(content.pdbs ?? none)];
  const namespaces = new Map<string, NamespaceIndex>();
  for (const pod of pods) {
    const index = namespaces.get(pod.namespace);
    if (index === undefined) namespaces.set(pod.namespace, { pods: [pod], byLabel: new Map(), byName: undefined });
    else index.pods.push(pod);
  }
  const byOwner = once(() => group(pods, (pod) => pod.owner?.uid));
  const byNode = once(() => group(pods, (pod) => pod.nodeName));
  const nodeByName = once(() => new Map(nodes.map((node) => [node.name, node])));
  const pdbsByNamespace = once(() => group(pdbs, (pdb) => pdb.namespace));
  return {
    at: content.at,
    pods,
    nodes,
    pdbs,
    workloads: [...(content.workloads ?? none)],
    pod: (namespace, name) => {
      const index = namespaces.get(namespace);
      if (index === undefined) return undefined;
      index.byName ??= new Map(index.pods.map((pod) => [pod.name, pod]));
      return index.byName.get(name);
    },
    node: (name) => nodeByName().get(name),
    podsInNamespace: (namespace) => namespaces.get(namespace)?.pods ?? none,
    podsMatching: (namespace, selector) => {
      const index = namespaces.get(namespace);
      return index === undefined || selector.matchesNothing ? none : select(index, selector);
    },
    podsOwnedBy: (uid) => byOwner().get(uid) ?? none,
    podsOnNode: (name) => byNode().get(name) ?? none,
    pdbsFor: (namespace, labels) => (pdbsByNamespace().get(namespace) ?? none).filter((pdb) => matchesSelector(pdb.selector, labels)),
  };
}

/** Pods that share one label pair, and the label sets among them. */
interface Bucket {
  readonly pods: PodRecord[];
  readonly labelSets: Set<Labels>;
}

/** Fewer candidates than this are filtered at once rather than looking for a smaller set. */
const smallEnough = 256;
/** More label sets than this are not worth being looked at before their pods. */
const fewLabelSets = 16;

function select(index: NamespaceIndex, selector: Selector): readonly PodRecord[] {
  let best: Bucket | undefined;
  for (const [key, value] of equalities(selector)) {
    const bucket = labelIndex(index, key).get(value);
    if (bucket === undefined) return none;
    if (best === undefined || bucket.pods.length < best.pods.length) best = bucket;
    if (best.pods.length <= smallEnough) break;
  }
  if (best === undefined) return filterPods(index.pods, selector);
  if (best.labelSets.size > fewLabelSets) return filterPods(best.pods, selector);
  // Mostly the bucket is one workload and every set matches: the answer is the bucket itself, and no pod has to be touched.
  let matching = 0;
  for (const labels of best.labelSets) if (matchesSelector(selector, labels)) matching += 1;
  if (matching === 0) return none;
  return matching === best.labelSets.size ? best.pods : filterPods(best.pods, selector);
}

function filterPods(pods: readonly PodRecord[], selector: Selector): readonly PodRecord[] {
  // Pods of one template share their label object, and mostly stand side by side: one look serves them all.
  let labels: Labels | undefined;
  let matches = false;
  return pods.filter((pod) => {
    if (pod.labels !== labels) {
      labels = pod.labels;
      matches = matchesSelector(selector, labels);
    }
    return matches;
  });
}

function labelIndex(index: NamespaceIndex, key: string): ReadonlyMap<string, Bucket> {
  const held = index.byLabel.get(key);
  if (held !== undefined) return held;
  const byValue = new Map<string, Bucket>();
  for (const pod of index.pods) {
    const value = Object.hasOwn(pod.labels, key) ? pod.labels[key] : undefined;
    if (value === undefined) continue;
    const bucket = byValue.get(value);
    if (bucket === undefined) byValue.set(value, { pods: [pod], labelSets: new Set([pod.labels]) });
    else {
      bucket.pods.push(pod);
      // Pods with labels of their own (StatefulSets) would only fill the set.
      if (bucket.labelSets.size <= fewLabelSets) bucket.labelSets.add(pod.labels);
    }
  }
  index.byLabel.set(key, byValue);
  return byValue;
}

function group<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [item]);
    else members.push(item);
  }
  return groups;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
