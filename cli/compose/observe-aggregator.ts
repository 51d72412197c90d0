import type { Registry } from 'prom-client';
import type { Clock } from '../../core/model/clock.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import { createAggregatorMetrics, newestSample, type PollReport } from '../../metrics-aggregator/index.ts';

/** Turns what the aggregator tells into its Prometheus metrics. */
export interface AggregatorObserver {
  poll(report: PollReport): void;
  request(source: string, outcome: 'ok' | UnknownReason, durationMs: number): void;
  view(view: MetricsView): void;
  decision(decision: Decision, view: MetricsView): void;
}

export function observeAggregator(
  registry: Registry,
  { clock, usageSource }: { readonly clock: Clock; readonly usageSource: string },
): AggregatorObserver {
  const metrics = createAggregatorMetrics(registry, clock);
  let gaps: Pick<PollReport, 'expected' | 'measured' | 'unscrapedNodes'> = { expected: 0, measured: 0, unscrapedNodes: [] };
  let newest: number | undefined;
  let known = new Set<string>();
  return {
    poll: (report) => {
      gaps = report;
    },
    request: (source, outcome, durationMs) => metrics.observeAnswer({ source, outcome, seconds: durationMs / 1000 }),
    view: (view) => {
      newest = newestSample(view);
      const { expected, measured, unscrapedNodes } = gaps;
      metrics.observeUsage({ source: usageSource, newest, expected, measured, unscrapedNodes: unscrapedNodes.length });
      const reports = view.sources();
      for (const { name, queries, doubt, circuit } of reports) {
        metrics.setQueries(name, queries);
        metrics.setDoubt(name, doubt !== undefined);
        metrics.setBreaker(name, circuit);
      }
      const names = new Set(reports.map(({ name }) => name));
      for (const name of known) if (!names.has(name)) metrics.forgetSource(name);
      known = names;
    },
    // By the newest sample of all: a decision has many, and what matters is how far behind the freshest data it comes.
    decision: ({ at }) => {
      if (newest !== undefined && at >= newest) metrics.observeDecisionLag((at - newest) / 1000);
    },
  };
}
