import { erlangC } from './latency.ts';
import type { WorkloadDefinition, WorkloadResults } from './types.ts';

/** Upper bounds in seconds: those that Prometheus' client libraries have by default. */
export const latencyBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How response times are spread at one instant. */
export interface LatencySpread {
  /** Mean in seconds; infinite while nothing serves. */
  readonly mean: number;
  /** Share of requests that took at most so many seconds. */
  shareWithin(seconds: number): number;
}

/**
 * The spread that the model's mean and 95th percentile come from (latency.ts): a fixed time for service and what stands in the queue, and for `mmc` an
 * exponential wait for those that must wait at all.
 */
export function latencySpread(definition: WorkloadDefinition, results: WorkloadResults): LatencySpread {
  const mean = results.latencyMs / 1000;
  const { kind } = definition.latency ?? { kind: 'mmc' as const };
  const spare = results.capacity - results.demand;
  if (kind !== 'mmc' || !(spare > 0) || !Number.isFinite(results.capacity))
    return { mean, shareWithin: (seconds) => (seconds >= mean ? 1 : 0) };
  const servers = Math.max(1, Math.round(results.replicas * (definition.concurrency ?? 1)));
  const waits = erlangC(servers, results.demand / (results.capacity / servers));
  const fixed = mean - waits / spare;
  return { mean, shareWithin: (seconds) => (seconds < fixed ? 0 : 1 - waits * Math.exp(-spare * (seconds - fixed))) };
}
