import { queryKey, type MetricQuery } from '../../../core/model/metric-query.ts';
import type { QueryResult } from '../../../core/model/metrics-view.ts';
import type { Doubt } from '../../../core/model/sample.ts';
import type { ClusterSnapshot, SentRequest } from '../../../core/model/snapshot.ts';
import { Quantity } from '../../../core/units/index.ts';
import type { Recommendation, SnapshotReading } from '../recommend-from.ts';
import type { DoubtPart, SourceStep } from './explanation.ts';
import { isoTime, seconds } from './time-text.ts';

export type Evaluated = NonNullable<Recommendation['evaluated']>;
export type MetricReading = Evaluated['metrics'][number];

/** What everything is told from. */
export interface Facts {
  readonly snapshot: Omit<ClusterSnapshot, 'complete'>;
  readonly reading: SnapshotReading;
}

export function doubtPart(doubt: Doubt | undefined): DoubtPart | null {
  if (doubt === undefined) return null;
  const { reason, detail, since, until } = doubt;
  return { reason, detail, since: isoTime(since), until: isoTime(until) };
}

/** Whether a metric is read out of the usage of pods. */
export function isUsage({ spec }: MetricReading): boolean {
  return (spec.type === 'Resource' || spec.type === 'ContainerResource') && (spec.resource === 'cpu' || spec.resource === 'memory');
}

/** When what a metric goes by was measured, epoch milliseconds; `[]` when it is unknown. */
export function sampleTimes({ result, query }: MetricReading, { view }: SnapshotReading): readonly number[] {
  switch (result.kind) {
    case 'usage':
      return result.samples.map(({ timestamp }) => timestamp);
    case 'pod-values':
      return result.values.map(({ timestamp }) => timestamp);
    case 'values': {
      const answer = query === undefined ? undefined : view.query(query);
      return answer?.known === true ? answer.series.map(({ timestamp }) => timestamp) : [];
    }
    case 'failure':
      return [];
  }
}

/** Every source that the policy's metrics ask, once for each question, in the order of the metrics. */
export function explainSources({ metrics, input }: Evaluated, facts: Facts): SourceStep[] {
  const steps: SourceStep[] = [];
  const usage = metrics.filter(isUsage);
  const seen = new Set<string>();
  for (const metric of metrics) {
    const { query } = metric;
    const key = query === undefined ? (isUsage(metric) ? 'usage' : undefined) : queryKey(query);
    if (key === undefined || seen.has(key)) continue;
    seen.add(key);
    if (query === undefined) steps.push(usageStep(usage, input.pods.length, facts));
    else {
      const names = metrics.filter((each) => each.query !== undefined && queryKey(each.query) === key).map(({ name }) => name);
      steps.push(queryStep(names, query, facts));
    }
  }
  return steps;
}

function ages(times: readonly number[], now: number): Pick<SourceStep, 'newestAgeSeconds' | 'oldestAgeSeconds'> {
  if (times.length === 0) return { newestAgeSeconds: null, oldestAgeSeconds: null };
  const oldest = times.reduce((a, b) => Math.min(a, b));
  const newest = times.reduce((a, b) => Math.max(a, b));
  return { newestAgeSeconds: seconds(now - newest), oldestAgeSeconds: seconds(now - oldest) };
}

function usageStep(metrics: readonly MetricReading[], pods: number, { snapshot, reading }: Facts): SourceStep {
  const { view } = reading;
  const { resourceSource: state } = view;
  const times = metrics.flatMap((metric) => sampleTimes(metric, reading));
  const samples = Math.max(0, ...metrics.map(({ result }) => (result.kind === 'usage' ? result.samples.length : 0)));
  const { usageSource = 'metrics.k8s.io', usageRequest } = snapshot.metrics;
  return {
    metrics: metrics.map(({ name }) => name),
    source: usageSource,
    expression: null,
    ...sentPart(usageRequest),
    known: samples > 0,
    value: null,
    valueMilli: null,
    samples,
    pods,
    answeredAt: isoTime(state.lastSuccess),
    ...ages(times, snapshot.takenAt),
    coverage: null,
    doubt: doubtPart(view.usageDoubt),
    unknown: state.healthy ? null : { reason: state.reason, detail: state.detail, since: isoTime(state.since) },
  };
}

function sentPart(sent: SentRequest | undefined): Pick<SourceStep, 'request' | 'latencyMs'> {
  return { request: sent?.text ?? null, latencyMs: sent?.latencyMs ?? null };
}

function queryStep(metrics: readonly string[], query: MetricQuery, { snapshot, reading }: Facts): SourceStep {
  const result = reading.view.query(query);
  const key = queryKey(query);
  const sent = snapshot.metrics.queries?.find((each) => queryKey(each.query) === key)?.sent;
  return {
    metrics,
    source: result.source,
    expression: query.kind === 'prometheus' ? query.query : null,
    ...sentPart(sent),
    ...(result.known ? knownPart(result, snapshot.takenAt) : unknownPart(result)),
  };
}

type Answer = Omit<SourceStep, 'metrics' | 'source' | 'expression' | 'request' | 'latencyMs'>;

function knownPart({ series, at, coverage, doubt }: Extract<QueryResult, { known: true }>, now: number): Answer {
  const total = series.reduce((sum, { milli }) => sum + milli, 0n);
  return {
    known: true,
    value: Quantity.ofMilli(total).toString(),
    valueMilli: String(total),
    samples: series.length,
    pods: null,
    answeredAt: isoTime(at),
    ...ages(
      series.map(({ timestamp }) => timestamp),
      now,
    ),
    coverage,
    doubt: doubtPart(doubt),
    unknown: null,
  };
}

function unknownPart({ reason, detail, since }: Extract<QueryResult, { known: false }>): Answer {
  return {
    known: false,
    value: null,
    valueMilli: null,
    samples: 0,
    pods: null,
    answeredAt: null,
    newestAgeSeconds: null,
    oldestAgeSeconds: null,
    coverage: null,
    doubt: null,
    unknown: { reason, detail, since: isoTime(since) },
  };
}
