import type { NodeRecord } from '../../../core/model/index.ts';
import type { NodeGroup } from '../model.ts';
import type { NodeId } from '../scheduling/index.ts';
import type { Occupation } from './drain.ts';

/** A node whose removal is worth a simulation. */
export interface Candidate {
  /** In the list of nodes handed in. */
  readonly index: number;
  readonly id: NodeId;
  readonly node: NodeRecord;
  readonly group: NodeGroup;
  readonly occupation: Occupation;
  /** Since when it has been unneeded, as of the loop before, epoch milliseconds; `undefined`: it was needed then. */
  readonly unneededSince: number | undefined;
  /** Pods on it, all of them: daemons and mirrors are much the same on all nodes. */
  readonly pods: number;
  readonly share: number;
}

/**
 * In which order removals are simulated: nodes without pods to move first, then those that were removable before, then the rest (§13.1). Among equals
 * upstream takes the order of its lists and we that of names; the house's way, groups that may be changed come first, of those that were removable before the
 * ones that have been so for longest (their pods' places are kept for them), and among equals what disturbs least: fewest pods, then lowest utilization,
 * then name.
 */
export function inSimulationOrder(candidates: readonly Candidate[], compat: 'none' | 'cluster-autoscaler'): readonly Candidate[] {
  const house = compat === 'none';
  return candidates.toSorted(
    (a, b) =>
      (house ? Number(b.group.options.actionable) - Number(a.group.options.actionable) : 0) ||
      a.occupation - b.occupation ||
      Number(b.unneededSince !== undefined) - Number(a.unneededSince !== undefined) ||
      (house ? (a.unneededSince ?? 0) - (b.unneededSince ?? 0) || a.pods - b.pods || compareShares(a.share, b.share) : 0) ||
      compareNames(a.node, b.node),
  );
}

/** Ascending; what is not a number (a node all of whose room is ignored) first, as 0. */
export function compareShares(a: number, b: number): number {
  const [left, right] = [Number.isNaN(a) ? 0 : a, Number.isNaN(b) ? 0 : b];
  return left < right ? -1 : Number(left > right);
}

/** By code units. */
export function compareNames(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
