/** Settings of the metrics aggregator; all times in milliseconds. */
export interface AggregatorConfig {
  /** Between two ticks, in which every source is asked. Default 15 s, the resolution that Metrics Server's manifests set. */
  readonly pollIntervalMs: number;
  /**
   * A sample older than this counts as missing. Default 180 s: Metrics Server at its slowest default (60 s resolution, a kubelet
   * refresh of 15 s, one scrape missed) stays inside, a source that stands still does not.
   */
  readonly maxAgeMs: number;
  /** A request that takes longer is given up and counts as unavailable. Default 10 s. */
  readonly timeoutMs: number;
  /** Queries of one source at the same time, for sources that do not say. Default 20. */
  readonly concurrency: number;
  /** Answers to queries that come within so long are published together. Default 25 ms. */
  readonly gatherMs: number;
}

export const defaultAggregatorConfig: AggregatorConfig = {
  pollIntervalMs: 15_000,
  maxAgeMs: 180_000,
  timeoutMs: 10_000,
  concurrency: 20,
  gatherMs: 25,
};
