import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../core/model/clock.ts';
import type { UsageSnapshot } from '../../core/model/metrics-view.ts';
import { unknownReasons, type UnknownReason } from '../../core/model/sample.ts';

/** What one answer of usage came to. */
export interface UsageObservation {
  readonly source: string;
  /** Timestamp of the newest sample, epoch milliseconds; `undefined` when there is none. */
  readonly newest: number | undefined;
  /** Pods that run long enough to have a sample, and those of them that have one. */
  readonly expected: number;
  readonly measured: number;
  /** Nodes none of whose pods has a sample. */
  readonly unscrapedNodes: number;
}

export const breakerStates = ['closed', 'half-open', 'open'] as const;
export type BreakerState = (typeof breakerStates)[number];

/**
 * How the aggregator does, as Prometheus metrics. No label names a pod, a namespace or a query: labels are the sources (at most {@link maxSources}; what comes
 * beyond is one label, `other`) and the fixed reasons of `core/model/sample.ts`.
 */
export interface AggregatorMetrics {
  observeUsage(usage: UsageObservation): void;
  /** The newest value that a source has answered to a query, epoch milliseconds. */
  observeSample(source: string, timestamp: number): void;
  /** One request to a source. */
  observeAnswer(answer: { readonly source: string; readonly outcome: 'ok' | UnknownReason; readonly seconds: number }): void;
  /** Queries that a tick asks of a source. */
  setQueries(source: string, queries: number): void;
  setBreaker(source: string, state: BreakerState): void;
  /** Whether what a source answers is good for growth only. */
  setDoubt(source: string, doubted: boolean): void;
  /** Time from the end of a sample's window to the decision that was made on it. */
  observeDecisionLag(seconds: number): void;
  /** A source that is no more has no metrics. */
  forgetSource(source: string): void;
}

/** Sources that get a label of their own. */
export const maxSources = 64;
const otherSource = 'other';

/** Seconds: an API in the cluster answers in milliseconds, a query may take until its deadline of 10 s. */
const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds: a kubelet refreshes every 10 to 15 s, Metrics Server scrapes every 15 to 60 s, a tick comes every 15 s; 180 s is the end. */
const lagBuckets = [1, 2.5, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300];

/** Registers the metrics. The clock tells the age of samples when they are read, so that an aggregator that stands still shows ages that rise. */
export function createAggregatorMetrics(registry: Registry, clock: Pick<Clock, 'now'>): AggregatorMetrics {
  const registers = [registry];
  const source = ['source'];
  const gauge = (name: string, help: string, labelNames: string[] = source) => new Gauge({ name, help, labelNames, registers });
  const newest = new Map<string, number>();
  const age = new Gauge({
    name: 'concertina_metrics_sample_age_seconds',
    help: 'Age of the newest sample of a source, by its own timestamp.',
    labelNames: source,
    registers,
    collect() {
      for (const [each, timestamp] of newest) this.set({ source: each }, (clock.now() - timestamp) / 1000);
    },
  });
  const coverage = gauge('concertina_metrics_coverage_ratio', 'Share of the pods that should have a sample of usage which have one.');
  const expected = gauge('concertina_metrics_pods_expected', 'Pods that run long enough to have a sample of usage.');
  const unscraped = gauge('concertina_metrics_nodes_unscraped', 'Nodes none of whose pods has a sample of usage.');
  const latency = new Histogram({
    name: 'concertina_metrics_source_duration_seconds',
    help: 'Duration of requests to metric sources.',
    labelNames: source,
    buckets: latencyBuckets,
    registers,
  });
  const outcomeLabels = ['source', 'outcome'];
  const answers = new Counter({
    name: 'concertina_metrics_source_answers_total',
    help: 'Answers of metric sources: ok, or why what was asked is unknown.',
    labelNames: outcomeLabels,
    registers,
  });
  const errors = new Counter({
    name: 'concertina_metrics_source_errors_total',
    help: 'Answers of metric sources that left what was asked unknown, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const queries = gauge('concertina_metrics_source_queries', 'Distinct queries that a tick asks of a source.');
  const breaker = gauge('concertina_metrics_source_breaker', 'State of the circuit breaker of a source: 1 for the one that it is in.', [
    'source',
    'state',
  ]);
  const doubt = gauge('concertina_metrics_source_doubted', 'Whether the answers of a source are used for growth only.');
  const lag = new Histogram({
    name: 'concertina_metrics_decision_lag_seconds',
    help: 'Time from the end of the window of a sample to the decision on it.',
    buckets: lagBuckets,
    registers,
  });
  // An error that has not happened yet must be there as 0, or its rate has no first rise.
  for (const reason of unknownReasons) errors.inc({ reason }, 0);

  const known = new Set<string>();
  const label = (name: string): string => {
    if (known.has(name)) return name;
    if (known.size >= maxSources) return otherSource;
    known.add(name);
    return name;
  };
  // One sample of the future must not hide for how long no other has come.
  const see = (name: string, timestamp: number): void => {
    newest.set(name, Math.max(Math.min(timestamp, clock.now()), newest.get(name) ?? Number.NEGATIVE_INFINITY));
  };

  return {
    observeUsage: (usage) => {
      const name = label(usage.source);
      if (usage.newest !== undefined) see(name, usage.newest);
      expected.set({ source: name }, usage.expected);
      unscraped.set({ source: name }, usage.unscrapedNodes);
      // Of no pods there is no share: neither all nor none.
      if (usage.expected === 0) coverage.remove({ source: name });
      else coverage.set({ source: name }, usage.measured / usage.expected);
    },
    observeSample: (name, timestamp) => see(label(name), timestamp),
    observeAnswer: ({ source: name, outcome, seconds }) => {
      latency.observe({ source: label(name) }, seconds);
      answers.inc({ source: label(name), outcome });
      if (outcome !== 'ok') errors.inc({ reason: outcome });
    },
    setQueries: (name, count) => queries.set({ source: label(name) }, count),
    setBreaker: (name, state) => {
      for (const each of breakerStates) breaker.set({ source: label(name), state: each }, each === state ? 1 : 0);
    },
    setDoubt: (name, doubted) => doubt.set({ source: label(name) }, doubted ? 1 : 0),
    observeDecisionLag: (seconds) => lag.observe(Math.max(0, seconds)),
    forgetSource: (name) => {
      // What many share under one label stays.
      if (!known.delete(name)) return;
      newest.delete(name);
      for (const each of [age, coverage, expected, unscraped, queries, doubt, latency]) each.remove({ source: name });
      for (const state of breakerStates) breaker.remove({ source: name, state });
      for (const outcome of ['ok', ...unknownReasons]) answers.remove({ source: name, outcome });
    },
  };
}

/** Pods that are looked at where there are no nodes: all of them would take too long for one turn of the event loop. */
const fewPods = 1_000;

/** Timestamp of the newest sample of usage for {@link UsageObservation}: nodes are measured together with their pods, and are few. */
export function newestSample(usage: Pick<UsageSnapshot, 'nodes' | 'pods'>): number | undefined {
  let newest: number | undefined;
  for (const { timestamp } of usage.nodes()) newest = Math.max(newest ?? timestamp, timestamp);
  if (newest !== undefined) return newest;
  let looked = 0;
  for (const { timestamp } of usage.pods()) {
    newest = Math.max(newest ?? timestamp, timestamp);
    if (++looked >= fewPods) break;
  }
  return newest;
}
