import { answer, discovery, metricsApiVersion } from './answers.ts';
import { Scraper } from './scraper.ts';
import { TwoPointStore } from './two-point-store.ts';
import type { MetricsApi, MetricsApiOptions, MetricsFaults } from './types.ts';

/** A metrics-server in process: scrapes kubelets and answers `metrics.k8s.io/v1beta1` by the two-point rule. Mount its handler in an API server. */
export function createMetricsApi(options: MetricsApiOptions): MetricsApi {
  const { clock, random, objects, source } = options;
  const resolutionMs = options.resolutionMs ?? 15_000;
  const store = new TwoPointStore(resolutionMs);
  const faults: MetricsFaults = {
    unavailable: false,
    emptyList: false,
    missingNodes: new Set(),
    missingContainer: new Set(),
    zeroForAll: false,
    staleTimestamps: false,
    clockSkewMs: 0,
    partial: 1,
  };
  const scraper = new Scraper({
    clock,
    random,
    source,
    resolutionMs,
    timeoutMs: Math.min(options.scrapeTimeoutMs ?? 10_000, 0.9 * resolutionMs),
    nodes: () =>
      objects
        .nodes()
        .map(({ metadata }) => metadata.name)
        .filter((name) => !faults.missingNodes.has(name)),
    onRound: (round) => {
      if (!faults.staleTimestamps) store.store(round);
    },
  });
  return {
    groupVersion: metricsApiVersion,
    discovery,
    faults,
    handler: async (request) => answer({ clock, store, objects, faults }, request),
    start: () => scraper.start(),
    stop: () => scraper.stop(),
    ready: () => store.filled && scraper.lastRoundAt !== undefined && clock.now() - scraper.lastRoundAt <= 1.5 * resolutionMs,
  };
}
