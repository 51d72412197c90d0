import type { NodeUsage, PodUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';

/** Leaves out what is older than `maxAgeMs` at `at`. */
export interface PlainSnapshotOptions {
  readonly at: number;
  readonly maxAgeMs: number;
}

/** A snapshot of given usage, for files, tests and views of another process: every sample is fresh and is its own history. */
export function plainUsageSnapshot(
  pods: Iterable<PodUsage>,
  nodes: Iterable<NodeUsage>,
  options?: PlainSnapshotOptions,
): UsageSnapshot {
  throw new Error(`not there yet ${String(pods)} ${String(nodes)} ${String(options?.at)}`);
}
