import type { LabelMatcher } from '../../controllers/runtime/label-selector.ts';
import { hasAllKeys, isEligible } from '../filters/topology-spread.ts';
import type { NodeInfo } from '../node-info.ts';
import type { GroupPlaces, NodeTable } from '../node-table.ts';
import type { PodInfo, SpreadConstraint } from '../pod-info.ts';

const hostname = 'kubernetes.io/hostname';
const weight = 2;

/** The spreading that pods of ReplicaSets and StatefulSets get when they name none: upstream's system default. */
export function defaultSpread(matches: LabelMatcher): SpreadConstraint[] {
  const base = { minDomains: 1, honorAffinity: true, honorTaints: false, countsNothing: false, matches };
  return [
    { ...base, topologyKey: hostname, maxSkew: 3 },
    { ...base, topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ];
}

interface Counted {
  readonly constraint: SpreadConstraint;
  readonly groups: readonly GroupPlaces[];
  readonly byValue: Map<string, number>;
  normalizer: number;
}

/**
 * Adds the soft spreading score: pods that match in the node's domain, weighed by how many domains there are, the fewest best.
 * `requireAll`: nodes without all keys get nothing (not for the system default).
 */
export function addSpreadScores(
  pod: PodInfo,
  table: NodeTable,
  feasible: readonly NodeInfo[],
  options: { readonly constraints: readonly SpreadConstraint[]; readonly requireAll: boolean; readonly totals: Float64Array },
): void {
  const { constraints, requireAll, totals } = options;
  const ignored = (node: NodeInfo): boolean => requireAll && !hasAllKeys(constraints, node);
  const counted = constraints.map((constraint) => prepare(constraint, pod, table));
  const scored = feasible.filter((node) => !ignored(node)).length;
  for (const entry of counted) countDomains(entry, pod, table, { feasible, ignored, scored });
  const raw = feasible.map((node) => (ignored(node) ? -1 : rawScore(node, counted)));
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const score of raw) {
    if (score < 0) continue;
    least = Math.min(least, score);
    most = Math.max(most, score);
  }
  for (const [at, score] of raw.entries()) {
    if (score < 0) continue;
    totals[at] = (totals[at] ?? 0) + weight * (most === 0 ? 100 : Math.floor((100 * (most + least - score)) / most));
  }
}

function prepare(constraint: SpreadConstraint, pod: PodInfo, table: NodeTable): Counted {
  const groups = constraint.countsNothing ? [] : [...table.groupsOf(pod.namespace)].filter(({ group }) => constraint.matches(group.labels));
  return { constraint, groups, byValue: new Map(), normalizer: 0 };
}

function countDomains(
  entry: Counted,
  pod: PodInfo,
  table: NodeTable,
  scope: { feasible: readonly NodeInfo[]; ignored: (node: NodeInfo) => boolean; scored: number },
): void {
  const { constraint, groups, byValue } = entry;
  if (constraint.topologyKey === hostname) {
    entry.normalizer = Math.log(scope.scored + 2);
    return;
  }
  for (const node of scope.feasible) if (!scope.ignored(node)) byValue.set(node.labels[constraint.topologyKey] ?? '', 0);
  entry.normalizer = Math.log(byValue.size + 2);
  for (const { nodes } of groups) {
    for (const [index, { live }] of nodes) {
      const node = table.nodes[index];
      if (node === undefined || scope.ignored(node) || !isEligible(constraint, pod.shape, node)) continue;
      const value = node.labels[constraint.topologyKey] ?? '';
      const count = byValue.get(value);
      if (count !== undefined) byValue.set(value, count + live);
    }
  }
}

function rawScore(node: NodeInfo, counted: readonly Counted[]): number {
  let score = 0;
  for (const { constraint, groups, byValue, normalizer } of counted) {
    const value = node.labels[constraint.topologyKey];
    if (value === undefined) continue;
    let count = 0;
    if (constraint.topologyKey === hostname) for (const { nodes } of groups) count += nodes.get(node.index)?.live ?? 0;
    else count = byValue.get(value) ?? 0;
    score += count * normalizer + (constraint.maxSkew - 1);
  }
  return Math.round(score);
}
