import type { PodRecord } from '../../core/model/index.ts';
import type { ActuationConfig } from '../config.ts';

/** Pods of a node that are evicted together. */
export interface DrainBucket {
  /** Longest that each of them gets to end, milliseconds; 0: as long as it says itself. */
  readonly graceMs: number;
  /** Waited for; one that cannot be evicted ends the drain. */
  readonly pods: readonly PodRecord[];
  /** Evicted without waiting for them. */
  readonly daemons: readonly PodRecord[];
}

type BucketConfig = Pick<ActuationConfig, 'drainPriorities' | 'maxGracefulTerminationMs'>;

/**
 * Who is evicted together, in order (§15.4): all at once, or, with `--drain-priority-config`, by priority. A pod belongs to the greatest priority that is not
 * above its own, and to the smallest one if all are. Buckets without pods are left out.
 */
export function drainBuckets(pods: readonly PodRecord[], daemons: readonly PodRecord[], config: BucketConfig): readonly DrainBucket[] {
  const { drainPriorities, maxGracefulTerminationMs } = config;
  if (drainPriorities.length === 0) return [{ graceMs: maxGracefulTerminationMs, pods, daemons }];
  const buckets = drainPriorities
    .toSorted((a, b) => a.priority - b.priority)
    .map(({ priority, graceMs }) => ({ priority, graceMs, pods: [] as PodRecord[], daemons: [] as PodRecord[] }));
  const bucketOf = ({ shape }: PodRecord) => buckets.findLast(({ priority }) => priority <= shape.priority) ?? buckets[0];
  for (const pod of pods) bucketOf(pod)?.pods.push(pod);
  for (const pod of daemons) bucketOf(pod)?.daemons.push(pod);
  return buckets.filter((bucket) => bucket.pods.length + bucket.daemons.length > 0);
}
