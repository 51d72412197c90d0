import type { LabelMatcher } from '../../controllers/runtime/label-selector.ts';
import { hasAllKeys, isEligible } from '../filters/topology-spread.ts';
import type { NodeInfo } from '../node-info.ts';
import type { NodeTable } from '../node-table.ts';
import type { PodInfo, PodShape, SpreadConstraint } from '../pod-info.ts';

const hostname = 'kubernetes.io/hostname';
const weight = 2;

/** The spreading that pods of ReplicaSets and StatefulSets get when they name none: upstream's system default. */
export function defaultSpread(matches: LabelMatcher): readonly SpreadConstraint[] {
  const base = { minDomains: 1, honorAffinity: true, honorTaints: false, countsNothing: false, matches };
  return [
    { ...base, topologyKey: hostname, maxSkew: 3 },
    { ...base, topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ];
}

export interface SpreadScoreOptions {
  readonly constraints: readonly SpreadConstraint[];
  /** Nodes without all keys get nothing; not so for the system default. */
  readonly requireAll: boolean;
  /** Added to, by position in the feasible nodes. */
  readonly totals: Float64Array;
}

/** Numbers for the values of a topology key. */
interface Domains {
  /** By node index; -1 without the label. */
  readonly ofNode: Int32Array;
  readonly count: number;
}

/**
 * Adds the soft spreading score: pods that match in the node's domain, weighed by how many domains there are, the fewest best.
 * It runs for every pod of a ReplicaSet over all feasible nodes, so domains are numbered once per change of the nodes.
 */
export function createSpreadScorer(table: NodeTable): (pod: PodInfo, feasible: readonly NodeInfo[], options: SpreadScoreOptions) => void {
  let version = -1;
  const domains = new Map<string, Domains>();
  let raw = new Float64Array(0);
  let perNode = new Int32Array(0);

  const domainsOf = (key: string): Domains => {
    if (version !== table.topologyVersion) {
      domains.clear();
      version = table.topologyVersion;
    }
    let found = domains.get(key);
    if (found === undefined) {
      found = numberDomains(table, key);
      domains.set(key, found);
    }
    return found;
  };

  /** Matching pods by node index. */
  const countPerNode = (constraint: SpreadConstraint, pod: PodInfo): Int32Array => {
    if (perNode.length < table.nodes.length) perNode = new Int32Array(table.nodes.length * 2);
    perNode.fill(0);
    if (constraint.countsNothing) return perNode;
    for (const { group, nodes } of table.groupsOf(pod.namespace)) {
      if (!constraint.matches(group.labels)) continue;
      for (const [index, { live }] of nodes) perNode[index] = (perNode[index] ?? 0) + live;
    }
    return perNode;
  };

  const addConstraint = (constraint: SpreadConstraint, pod: PodInfo, feasible: readonly NodeInfo[], ignored: Uint8Array): void => {
    const counts = countPerNode(constraint, pod);
    const known = domainsOf(constraint.topologyKey);
    const perHost = constraint.topologyKey === hostname;
    const byDomain = perHost ? counts : countPerDomain(counts, known, constraint, { shape: pod.shape, table });
    const size = perHost ? feasible.length - ignoredCount(ignored) : countDomains(feasible, ignored, known);
    const normalizer = Math.log(size + 2);
    for (let at = 0; at < feasible.length; at++) {
      const index = feasible[at]?.index ?? 0;
      const domain = known.ofNode[index] ?? -1;
      if (domain < 0) continue;
      const count = byDomain[perHost ? index : domain] ?? 0;
      raw[at] = (raw[at] ?? 0) + count * normalizer + (constraint.maxSkew - 1);
    }
  };

  return (pod, feasible, { constraints, requireAll, totals }) => {
    if (raw.length < feasible.length) raw = new Float64Array(feasible.length * 2);
    raw.fill(0);
    const ignored = new Uint8Array(feasible.length);
    if (requireAll) for (const [at, node] of feasible.entries()) if (!hasAllKeys(constraints, node)) ignored[at] = 1;
    for (const constraint of constraints) addConstraint(constraint, pod, feasible, ignored);
    normalize(raw, ignored, totals);
  };
}

/** Fewest pods get 100 × weight; ignored nodes nothing. */
function normalize(raw: Float64Array, ignored: Uint8Array, totals: Float64Array): void {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let at = 0; at < ignored.length; at++) {
    if (ignored[at] === 1) continue;
    const score = Math.round(raw[at] ?? 0);
    if (score < least) least = score;
    if (score > most) most = score;
  }
  for (let at = 0; at < ignored.length; at++) {
    if (ignored[at] === 1) continue;
    const share = most === 0 ? 100 : Math.floor((100 * (most + least - Math.round(raw[at] ?? 0))) / most);
    totals[at] = (totals[at] ?? 0) + weight * share;
  }
}

function numberDomains(table: NodeTable, key: string): Domains {
  const ofNode = new Int32Array(table.nodes.length).fill(-1);
  const numbers = new Map<string, number>();
  for (const node of table.nodes) {
    const value = node?.labels[key];
    if (node === undefined || value === undefined) continue;
    let number = numbers.get(value);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(value, number);
    }
    ofNode[node.index] = number;
  }
  return { ofNode, count: numbers.size };
}

function countPerDomain(
  perNode: Int32Array,
  { ofNode, count }: Domains,
  constraint: SpreadConstraint,
  { shape, table }: { readonly shape: PodShape; readonly table: NodeTable },
): Int32Array {
  const sums = new Int32Array(count);
  const all = !constraint.honorTaints && (!constraint.honorAffinity || shape.nodeRequirements === undefined);
  for (let index = 0; index < ofNode.length; index++) {
    const domain = ofNode[index] ?? -1;
    const pods = perNode[index] ?? 0;
    if (domain < 0 || pods === 0) continue;
    const node = table.nodes[index];
    if (all || (node !== undefined && isEligible(constraint, shape, node))) sums[domain] = (sums[domain] ?? 0) + pods;
  }
  return sums;
}

/** Domains among the feasible nodes; those without the label are one more, as upstream's empty value. */
function countDomains(feasible: readonly NodeInfo[], ignored: Uint8Array, { ofNode, count }: Domains): number {
  const seen = new Uint8Array(count + 1);
  let total = 0;
  for (let at = 0; at < feasible.length; at++) {
    if (ignored[at] === 1) continue;
    const domain = ofNode[feasible[at]?.index ?? 0] ?? -1;
    const slot = domain < 0 ? count : domain;
    if (seen[slot] === 1) continue;
    seen[slot] = 1;
    total += 1;
  }
  return total;
}

function ignoredCount(ignored: Uint8Array): number {
  let total = 0;
  for (const flag of ignored) total += flag;
  return total;
}
