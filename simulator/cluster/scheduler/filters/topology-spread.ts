import type { NodeInfo } from '../node-info.ts';
import type { NodeTable } from '../node-table.ts';
import type { PodInfo, PodShape, SpreadConstraint } from '../pod-info.ts';
import { type Rejection, rejection } from './rejection.ts';
import { hasUntoleratedTaint } from './taints.ts';

interface ConstraintState {
  readonly constraint: SpreadConstraint;
  /** 1 when the incoming pod counts itself. */
  readonly self: number;
  /** Matching pods by topology value; the values of all eligible nodes are present. */
  readonly counts: Map<string, number>;
  /** The least count; `undefined` after a change. */
  least: number | undefined;
}

/** What one scheduling cycle knows about hard topology spreading; kept right while pods are tried in and out. */
export interface SpreadState {
  readonly incoming: PodInfo;
  readonly constraints: readonly ConstraintState[];
}

const skewed = rejection('PodTopologySpread', ["node(s) didn't match pod topology spread constraints"], false);
const unlabelled = rejection('PodTopologySpread', ["node(s) didn't match pod topology spread constraints (missing required label)"], true);

/** The state for one incoming pod; `undefined` without hard constraints. */
export function spreadState(pod: PodInfo, table: NodeTable): SpreadState | undefined {
  const { hardSpread, labels, namespace } = pod.group;
  if (hardSpread.length === 0) return undefined;
  const constraints = hardSpread.map((constraint): ConstraintState => ({
    constraint,
    self: constraint.matches(labels) ? 1 : 0,
    counts: new Map(),
    least: undefined,
  }));
  const counted = constraints.map(({ constraint }) =>
    constraint.countsNothing ? [] : [...table.groupsOf(namespace)].filter(({ group }) => constraint.matches(group.labels)),
  );
  for (const node of table.nodes) {
    if (node === undefined || !hasAllKeys(hardSpread, node)) continue;
    for (const [at, state] of constraints.entries()) {
      if (!isEligible(state.constraint, pod.shape, node)) continue;
      const value = node.labels[state.constraint.topologyKey] ?? '';
      let sum = state.counts.get(value) ?? 0;
      for (const places of counted[at] ?? []) sum += places.nodes.get(node.index)?.live ?? 0;
      state.counts.set(value, sum);
    }
  }
  return { incoming: pod, constraints };
}

export function hasAllKeys(constraints: readonly SpreadConstraint[], node: NodeInfo): boolean {
  for (const { topologyKey } of constraints) if (node.labels[topologyKey] === undefined) return false;
  return true;
}

/** Whether the pods of a node are counted at all, by the constraint's policies. */
export function isEligible(constraint: SpreadConstraint, shape: PodShape, node: NodeInfo): boolean {
  if (constraint.honorAffinity && shape.nodeRequirements !== undefined && !shape.nodeRequirements(node)) return false;
  return !constraint.honorTaints || !hasUntoleratedTaint(node.taints, shape.tolerations);
}

/** Tries a pod in (1) or out (-1) on a node. */
export function shiftSpread(state: SpreadState, pod: PodInfo, node: NodeInfo, sign: 1 | -1): void {
  const { incoming, constraints } = state;
  if (pod.namespace !== incoming.namespace) return;
  if (!hasAllKeys(incoming.group.hardSpread, node)) return;
  for (const entry of constraints) {
    const { constraint, counts } = entry;
    if (!constraint.matches(pod.group.labels) || !isEligible(constraint, incoming.shape, node)) continue;
    const value = node.labels[constraint.topologyKey] ?? '';
    counts.set(value, (counts.get(value) ?? 0) + sign);
    entry.least = undefined;
  }
}

/** PodTopologySpread. */
export function filterSpread(state: SpreadState | undefined, node: NodeInfo): Rejection | undefined {
  if (state === undefined) return undefined;
  for (const entry of state.constraints) {
    const { constraint, counts, self } = entry;
    const value = node.labels[constraint.topologyKey];
    if (value === undefined) return unlabelled;
    const skew = (counts.get(value) ?? 0) + self - leastOf(entry);
    if (skew > constraint.maxSkew) return skewed;
  }
  return undefined;
}

/** With fewer domains than `minDomains` the least count is taken as 0: new domains must be opened. */
function leastOf(entry: ConstraintState): number {
  if (entry.counts.size < entry.constraint.minDomains) return 0;
  if (entry.least === undefined) {
    let least = Number.POSITIVE_INFINITY;
    for (const count of entry.counts.values()) if (count < least) least = count;
    entry.least = least;
  }
  return entry.least;
}
