import type { NodeUsage } from '../../core/model/metrics-view.ts';

/** A timestamp further ahead of our clock than this is a clock problem, not a moment's difference between two machines. */
const maxAheadMs = 30_000;

/** True for a sample of the future. It is used and flagged, and gives way to the next answer. */
export function isAhead(timestamp: number, now: number): boolean {
  return timestamp > now + maxAheadMs;
}

/**
 * What a sample is to the one before of the same pod or node:
 * - `newer`: an observation; it replaces the one before.
 * - `same`: the source's own timestamp did not move, so nothing was measured; the values of before stand.
 * - `backwards`: two replicas of the server answer in turn, or a clock was set back; the later sample is kept, and flagged.
 * - `overdue`: it goes backwards, but the one before is of the future: kept for its late timestamp, that would hide all that is measured until then.
 */
export type SampleOrder = 'newer' | 'same' | 'backwards' | 'overdue';

export function sampleOrder(before: number, timestamp: number, now: number): SampleOrder {
  if (timestamp > before) return 'newer';
  if (timestamp === before) return 'same';
  return isAhead(before, now) ? 'overdue' : 'backwards';
}

/**
 * The newest sample of each node that the latest answer lists. A node that is not listed is gone from the result: its absence is
 * information (its kubelet was not scraped) and must not be hidden by an old value.
 */
export function mergeNodes(
  previous: ReadonlyMap<string, NodeUsage>,
  answer: readonly NodeUsage[],
  now: number,
): ReadonlyMap<string, NodeUsage> {
  const entries = new Map<string, NodeUsage>();
  for (const entry of answer) {
    const before = entries.get(entry.name) ?? previous.get(entry.name);
    const order = before === undefined ? 'newer' : sampleOrder(before.timestamp, entry.timestamp, now);
    entries.set(entry.name, before === undefined || order === 'newer' || order === 'overdue' ? entry : before);
  }
  return entries;
}
