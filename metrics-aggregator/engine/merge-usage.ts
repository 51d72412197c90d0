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
  /** Entries whose timestamp went backwards: two replicas of the server answer in turn; the later sample is kept, unless it is of the future. */
  readonly backwards: number;
}

/** A timestamp further ahead of our clock than this is a clock problem, not a moment's difference between two machines. */
const maxAheadMs = 30_000;

/**
 * The newest sample of each pod that the latest answer lists. A pod that is not listed is gone from the result: its absence is
 * information (starting, restarting, node not scraped) and must not be hidden by an old value.
 *
 * A sample of the future is used and flagged, and gives way to the next answer: kept for its late timestamp it would hide all that is measured until then.
 */
export function mergePods(previous: ReadonlyMap<string, PodUsage>, answer: readonly PodUsage[], now: number): MergeResult<PodUsage> {
  const flag = (pod: PodUsage): PodUsage => (pod.clockSkew === true ? pod : { ...pod, clockSkew: true });
  return merge(previous, answer, { keyOf: podKey, flag, now });
}

export function mergeNodes(previous: ReadonlyMap<string, NodeUsage>, answer: readonly NodeUsage[], now: number): MergeResult<NodeUsage> {
  return merge(previous, answer, { keyOf: (node) => node.name, flag: (node) => node, now });
}

export function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

function merge<T extends Timed>(
  previous: ReadonlyMap<string, T>,
  answer: readonly T[],
  { keyOf, flag, now }: { readonly keyOf: (entry: T) => string; readonly flag: (entry: T) => T; readonly now: number },
): MergeResult<T> {
  const isAhead = ({ timestamp }: Timed): boolean => timestamp > now + maxAheadMs;
  const entries = new Map<string, T>();
  let fresh = 0;
  let backwards = 0;
  for (const entry of answer) {
    const key = keyOf(entry);
    const before = entries.get(key) ?? previous.get(key);
    if (before === undefined || entry.timestamp > before.timestamp) {
      entries.set(key, isAhead(entry) ? flag(entry) : entry);
      fresh++;
    } else if (entry.timestamp === before.timestamp) {
      entries.set(key, before);
    } else {
      entries.set(key, flag(isAhead(before) ? entry : before));
      backwards++;
    }
  }
  return { entries, fresh, backwards };
}
