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

/** What of a constraint depends on nodes and the pod's spec alone. */
interface Ground {
  /** 1 where a node's pods are counted, by node index. */
  readonly eligible: Uint8Array;
  /** The values of all eligible nodes, each at 0. */
  readonly domains: ReadonlyMap<string, number>;
}

interface Grounds {
  readonly version: number;
  readonly byShape: WeakMap<PodShape, readonly Ground[]>;
}

/** Kept until nodes come, go or change: a thousand pods of one template look at the nodes once. */
const grounds = new WeakMap<NodeTable, WeakMap<readonly SpreadConstraint[], Grounds>>();

function groundsOf(pod: PodInfo, table: NodeTable): readonly Ground[] {
  const { hardSpread } = pod.group;
  let ofTable = grounds.get(table);
  if (ofTable === undefined) grounds.set(table, (ofTable = new WeakMap()));
  let known = ofTable.get(hardSpread);
  if (known?.version !== table.topologyVersion) {
    known = { version: table.topologyVersion, byShape: new WeakMap() };
    ofTable.set(hardSpread, known);
  }
  let found = known.byShape.get(pod.shape);
  if (found === undefined) {
    found = hardSpread.map((constraint) => surveyNodes(constraint, pod, table));
    known.byShape.set(pod.shape, found);
  }
  return found;
}

function surveyNodes(constraint: SpreadConstraint, pod: PodInfo, table: NodeTable): Ground {
  const eligible = new Uint8Array(table.nodes.length);
  const domains = new Map<string, number>();
  for (const node of table.nodes) {
    if (node === undefined || !hasAllKeys(pod.group.hardSpread, node) || !isEligible(constraint, pod.shape, node)) continue;
    eligible[node.index] = 1;
    domains.set(node.labels[constraint.topologyKey] ?? '', 0);
  }
  return { eligible, domains };
}

/** The state for one incoming pod; `undefined` without hard constraints. */
export function spreadState(pod: PodInfo, table: NodeTable): SpreadState | undefined {
  const { hardSpread } = pod.group;
  if (hardSpread.length === 0) return undefined;
  const ground = groundsOf(pod, table);
  const constraints = hardSpread.map((constraint, at): ConstraintState => {
    const { eligible, domains } = ground[at] ?? { eligible: new Uint8Array(0), domains: new Map<string, number>() };
    const counts = countMatching(constraint, pod, table, { eligible, domains });
    return { constraint, self: constraint.matches(pod.group.labels) ? 1 : 0, counts, least: undefined };
  });
  return { incoming: pod, constraints };
}

function countMatching(constraint: SpreadConstraint, pod: PodInfo, table: NodeTable, { eligible, domains }: Ground): Map<string, number> {
  const counts = new Map(domains);
  if (constraint.countsNothing) return counts;
  for (const { group, nodes } of table.groupsOf(pod.namespace)) {
    if (!constraint.matches(group.labels)) continue;
    for (const [index, { live }] of nodes) {
      if (eligible[index] !== 1) continue;
      const value = table.nodes[index]?.labels[constraint.topologyKey] ?? '';
      counts.set(value, (counts.get(value) ?? 0) + live);
    }
  }
  return counts;
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
