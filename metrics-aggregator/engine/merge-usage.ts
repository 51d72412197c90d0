import type { NodeUsage, PodUsage } from '../../core/model/metrics-view.ts';

/** The part of an entry that ordering needs. */
interface Timed {
  readonly timestamp: number;
}

/** What one answer changed against the one before. */
export interface MergeResult<T> {
  readonly entries: ReadonlyMap<string, T>;
  /** Entries whose timestamp moved forward or that are new: real observations. An identical timestamp is no new data. */
  readonly fresh: number;
  /** Entries whose timestamp went backwards: two replicas of the server answer in turn; the later sample is kept. */
  readonly backwards: number;
}

/**
 * The newest sample of each pod that the latest answer lists. A pod that is not listed is gone from the result: its absence is
 * information (starting, restarting, node not scraped) and must not be hidden by an old value.
 */
export function mergePods(previous: ReadonlyMap<string, PodUsage>, answer: readonly PodUsage[]): MergeResult<PodUsage> {
  return merge(previous, answer, podKey, (kept) => (kept.clockSkew === true ? kept : { ...kept, clockSkew: true }));
}

export function mergeNodes(previous: ReadonlyMap<string, NodeUsage>, answer: readonly NodeUsage[]): MergeResult<NodeUsage> {
  return merge(
    previous,
    answer,
    (node) => node.name,
    (kept) => kept,
  );
}

export function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

function merge<T extends Timed>(
  previous: ReadonlyMap<string, T>,
  answer: readonly T[],
  keyOf: (entry: T) => string,
  flag: (kept: T) => T,
): MergeResult<T> {
  const entries = new Map<string, T>();
  let fresh = 0;
  let backwards = 0;
  for (const entry of answer) {
    const key = keyOf(entry);
    const before = entries.get(key) ?? previous.get(key);
    if (before === undefined || entry.timestamp > before.timestamp) {
      entries.set(key, entry);
      fresh++;
    } else if (entry.timestamp === before.timestamp) {
      entries.set(key, before);
    } else {
      entries.set(key, flag(before));
      backwards++;
    }
  }
  return { entries, fresh, backwards };
}
