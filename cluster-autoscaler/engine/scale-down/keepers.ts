import type { NodeId } from '../scheduling/index.ts';
import type { Candidate } from './candidates.ts';
import type { Finding } from './node-report.ts';
import type { PassContext, Survey } from './survey.ts';

/**
 * Destinations that will probably stay: all that are no candidates, and of each group as many of the last candidates as its load would need if its
 * nodes were full. Only a preference; it costs nothing when it is wrong.
 */
export function keepers({ input }: PassContext, { findings, destinations }: Survey, order: readonly Candidate[]): ReadonlySet<NodeId> {
  const needed = new Map<string, number>();
  const add = (group: string | undefined, load: number): void => {
    if (group !== undefined) needed.set(group, (needed.get(group) ?? 0) + load);
  };
  for (const finding of findings) add(finding.group, loadOf(finding));
  const candidates = new Set(order.map(({ id }) => id));
  const kept = new Set<NodeId>();
  for (const { node, group } of findings) {
    const id = input.snapshot.find(node);
    if (id === undefined || !destinations.has(id) || candidates.has(id)) continue;
    kept.add(id);
    add(group, -full);
  }
  for (const { id, group } of order.toReversed()) {
    if ((needed.get(group.id) ?? 0) <= 0) continue;
    kept.add(id);
    add(group.id, -full);
  }
  return kept;
}

/** A full node. Loads are whole numbers, so that the order in which they are added does not matter. */
const full = 1_000_000;

/** A node of which nothing is known counts as full. */
function loadOf({ utilization }: Finding): number {
  return utilization !== undefined && Number.isFinite(utilization.share) ? Math.max(0, Math.ceil(utilization.share * full)) : full;
}
