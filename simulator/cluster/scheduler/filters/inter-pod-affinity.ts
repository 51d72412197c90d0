import type { Labels } from '../../controllers/runtime/label-selector.ts';
import type { NodeInfo } from '../node-info.ts';
import type { GroupPlaces, NodeTable } from '../node-table.ts';
import type { AffinityTerm, PodGroup, PodInfo } from '../pod-info.ts';
import { type Rejection, rejection } from './rejection.ts';

/** Labels of a namespace; `undefined` when it does not exist. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** How many pods match, by topology key and value. */
export type TopologyCounts = Map<string, Map<string, number>>;

/** What one scheduling cycle knows about inter-pod affinity; kept right while pods are tried in and out. */
export interface InterPodState {
  readonly incoming: PodGroup;
  readonly namespaceLabels: NamespaceLabels;
  /** Existing pods whose required anti-affinity matches the incoming pod. */
  readonly existingAnti: TopologyCounts;
  /** Existing pods that match all of the incoming pod's required affinity terms. */
  readonly affinity: TopologyCounts;
  /** Existing pods that match one of its required anti-affinity terms. */
  readonly anti: TopologyCounts;
}

const affinityMiss = rejection('InterPodAffinity', ["node(s) didn't match pod affinity rules"], true);
const antiMiss = rejection('InterPodAffinity', ["node(s) didn't match pod anti-affinity rules"], false);
const existingMiss = rejection('InterPodAffinity', ["node(s) didn't satisfy existing pods anti-affinity rules"], false);

/** Whether a pod is among those that a term means. `labelsOf` answers for the pod's namespace. */
export function termMatches(term: AffinityTerm, namespace: string, labels: Labels, namespaceLabels: Labels | undefined): boolean {
  const reached =
    term.everyNamespace ||
    term.namespaces.has(namespace) ||
    (term.namespaceMatcher !== undefined && namespaceLabels !== undefined && term.namespaceMatcher(namespaceLabels));
  return reached && term.matches(labels);
}

/** The state for one incoming pod; `undefined` when no rule of it or of an existing pod concerns it. */
export function interPodState(pod: PodInfo, table: NodeTable, namespaceLabels: NamespaceLabels): InterPodState | undefined {
  const { group } = pod;
  const own = group.affinity.length > 0 || group.antiAffinity.length > 0;
  if (!own && table.antiAffine.size === 0) return undefined;
  const state: InterPodState = { incoming: group, namespaceLabels, existingAnti: new Map(), affinity: new Map(), anti: new Map() };
  for (const places of table.antiAffine) countExisting(state, places, table);
  if (own) for (const places of table.groups()) countOwn(state, places, table);
  return !own && state.existingAnti.size === 0 ? undefined : state;
}

function countExisting(state: InterPodState, { group, nodes }: GroupPlaces, table: NodeTable): void {
  const terms = existingTerms(state, group);
  if (terms.length === 0) return;
  for (const [index, { total }] of nodes) {
    const labels = table.nodes[index]?.labels;
    if (labels !== undefined) for (const term of terms) addCount(state.existingAnti, labels, term.topologyKey, total);
  }
}

function existingTerms(state: InterPodState, group: PodGroup): AffinityTerm[] {
  const { incoming } = state;
  // An unknown namespace counts as one without labels here, as upstream's snapshot of them does.
  const labels = state.namespaceLabels(incoming.namespace) ?? {};
  return group.antiAffinity.filter((term) => termMatches(term, incoming.namespace, incoming.labels, labels));
}

function ownTerms(state: InterPodState, group: PodGroup): { readonly affinity: readonly AffinityTerm[]; readonly anti: AffinityTerm[] } {
  const { incoming } = state;
  const labels = state.namespaceLabels(group.namespace);
  const matches = (term: AffinityTerm): boolean => termMatches(term, group.namespace, group.labels, labels);
  const all = incoming.affinity.length > 0 && incoming.affinity.every(matches);
  return { affinity: all ? incoming.affinity : [], anti: incoming.antiAffinity.filter(matches) };
}

function countOwn(state: InterPodState, { group, nodes }: GroupPlaces, table: NodeTable): void {
  const { affinity, anti } = ownTerms(state, group);
  if (affinity.length === 0 && anti.length === 0) return;
  for (const [index, { total }] of nodes) {
    const labels = table.nodes[index]?.labels;
    if (labels === undefined) continue;
    for (const term of affinity) addCount(state.affinity, labels, term.topologyKey, total);
    for (const term of anti) addCount(state.anti, labels, term.topologyKey, total);
  }
}

function addCount(counts: TopologyCounts, labels: Labels, key: string, amount: number): void {
  const value = labels[key];
  if (value === undefined) return;
  let values = counts.get(key);
  if (values === undefined) {
    values = new Map();
    counts.set(key, values);
  }
  const sum = (values.get(value) ?? 0) + amount;
  if (sum === 0) values.delete(value);
  else values.set(value, sum);
  if (values.size === 0) counts.delete(key);
}

/** Tries a pod in (1) or out (-1) on a node. */
export function shiftInterPod(state: InterPodState, pod: PodInfo, node: NodeInfo, sign: 1 | -1): void {
  for (const term of existingTerms(state, pod.group)) addCount(state.existingAnti, node.labels, term.topologyKey, sign);
  const { affinity, anti } = ownTerms(state, pod.group);
  for (const term of affinity) addCount(state.affinity, node.labels, term.topologyKey, sign);
  for (const term of anti) addCount(state.anti, node.labels, term.topologyKey, sign);
}

/** InterPodAffinity. */
export function filterInterPod(state: InterPodState | undefined, node: NodeInfo): Rejection | undefined {
  if (state === undefined) return undefined;
  if (!meetsAffinity(state, node.labels)) return affinityMiss;
  for (const { topologyKey } of state.incoming.antiAffinity) {
    const value = node.labels[topologyKey];
    if (value !== undefined && (state.anti.get(topologyKey)?.get(value) ?? 0) > 0) return antiMiss;
  }
  for (const [key, values] of state.existingAnti) {
    const value = node.labels[key];
    if (value !== undefined && (values.get(value) ?? 0) > 0) return existingMiss;
  }
  return undefined;
}

function meetsAffinity(state: InterPodState, labels: Labels): boolean {
  const { incoming } = state;
  let found = true;
  for (const { topologyKey } of incoming.affinity) {
    const value = labels[topologyKey];
    if (value === undefined) return false;
    if ((state.affinity.get(topologyKey)?.get(value) ?? 0) <= 0) found = false;
  }
  if (found) return true;
  // The first pod of a series that is affine to itself may go anywhere, else none ever could.
  if (state.affinity.size > 0) return false;
  const own = state.namespaceLabels(incoming.namespace);
  return incoming.affinity.every((term) => termMatches(term, incoming.namespace, incoming.labels, own));
}
