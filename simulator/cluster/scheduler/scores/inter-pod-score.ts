import { type NamespaceLabels, termMatches } from '../filters/inter-pod-affinity.ts';
import type { NodeInfo } from '../node-info.ts';
import type { GroupPlaces, NodeTable } from '../node-table.ts';
import type { AffinityTerm, PodInfo } from '../pod-info.ts';

const weight = 2;
/** What a required affinity of an existing pod counts when the incoming pod is what it wants. */
const hardAffinityWeight = 1;

/** Adds the score of preferred inter-pod (anti-)affinity, of the incoming pod and of the existing ones, normalized over the feasible nodes. */
export function addInterPodScores(
  pod: PodInfo,
  table: NodeTable,
  feasible: readonly NodeInfo[],
  options: { readonly namespaceLabels: NamespaceLabels; readonly totals: Float64Array },
): void {
  const { namespaceLabels, totals } = options;
  const own = pod.group.preferred.length > 0;
  if (!own && table.affine.size === 0) return;
  const scores = new Map<string, Map<string, number>>();
  for (const places of own ? table.groups() : table.affine) {
    for (const [term, amount] of contributions(pod, places, namespaceLabels))
      spreadOut(scores, places, term.topologyKey, { amount, table });
  }
  if (scores.size === 0) return;
  const raw = feasible.map((node) => {
    let sum = 0;
    for (const [key, values] of scores) sum += values.get(node.labels[key] ?? '') ?? 0;
    return sum;
  });
  const least = raw.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = raw.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (most <= least) return;
  for (const [at, score] of raw.entries()) {
    totals[at] = (totals[at] ?? 0) + weight * Math.trunc((100 * (score - least)) / (most - least));
  }
}

function contributions(pod: PodInfo, { group }: GroupPlaces, namespaceLabels: NamespaceLabels): [AffinityTerm, number][] {
  const theirs = namespaceLabels(group.namespace);
  const ours = namespaceLabels(pod.namespace) ?? {};
  const found: [AffinityTerm, number][] = [];
  for (const { term, weight: amount } of pod.group.preferred) {
    if (termMatches(term, group.namespace, group.labels, theirs)) found.push([term, amount]);
  }
  for (const { term, weight: amount } of group.preferred) {
    if (termMatches(term, pod.namespace, pod.group.labels, ours)) found.push([term, amount]);
  }
  for (const term of group.affinity) {
    if (termMatches(term, pod.namespace, pod.group.labels, ours)) found.push([term, hardAffinityWeight]);
  }
  return found;
}

function spreadOut(
  scores: Map<string, Map<string, number>>,
  { nodes }: GroupPlaces,
  key: string,
  { amount, table }: { readonly amount: number; readonly table: NodeTable },
): void {
  const values = scores.get(key) ?? new Map<string, number>();
  scores.set(key, values);
  for (const [index, { total }] of nodes) {
    const value = table.nodes[index]?.labels[key];
    if (value !== undefined) values.set(value, (values.get(value) ?? 0) + amount * total);
  }
}
