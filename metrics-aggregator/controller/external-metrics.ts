import type { Clock } from '../../core/model/clock.ts';
import { prometheusSourceName, type PrometheusQuery } from '../../core/model/metric-query.ts';
import type { QueryResult } from '../../core/model/metrics-view.ts';
import { judgeQuery } from '../engine/query-result.ts';
import { externalMetricQuery } from '../sources/prometheus/index.ts';
import type { QueryAnswer } from '../sources/source.ts';
import type { MetricSources } from './metric-sources.ts';

export interface OfferedMetric {
  readonly name: string;
  /** Name of the MetricSource. */
  readonly source: string;
  readonly query: string;
}

/** What MetricSources offer in `externalMetrics`, for serving `external.metrics.k8s.io`. */
export interface ExternalMetrics {
  /** The first MetricSource by name has a metric that several offer. */
  metrics(): readonly OfferedMetric[];
  /** The value for a namespace; the selector is canonical, empty for none. */
  evaluate(namespace: string, name: string, selector: string): Promise<QueryResult>;
}

export interface ExternalMetricsOptions {
  readonly sources: Pick<MetricSources, 'specs' | 'get'>;
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
}

export function createExternalMetrics({ sources, clock, maxAgeMs, timeoutMs }: ExternalMetricsOptions): ExternalMetrics {
  const offered = (): ReadonlyMap<string, OfferedMetric> => {
    const found = new Map<string, OfferedMetric>();
    for (const [source, spec] of [...sources.specs()].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      for (const { name, query } of spec.externalMetrics ?? []) if (!found.has(name)) found.set(name, { name, source, query });
    }
    return found;
  };

  const ask = async (query: PrometheusQuery): Promise<QueryAnswer> => {
    const entry = sources.get(prometheusSourceName(query.source));
    if (!entry.ok) return entry;
    const refusal = entry.admit?.(query);
    if (refusal !== undefined) return refusal;
    const limit = new AbortController();
    const timer = clock.setTimeout(() => limit.abort(), timeoutMs);
    try {
      return (
        (await entry.source.ask?.(query, limit.signal)) ?? {
          ok: false,
          reason: 'refused',
          detail: `${entry.source.name} answers no queries`,
        }
      );
    } finally {
      timer.cancel();
    }
  };

  return {
    metrics: () => [...offered().values()],
    evaluate: async (namespace, name, selector) => {
      const metric = offered().get(name);
      const spec = [...sources.specs()].find(([source]) => source === metric?.source)?.[1];
      const query = (text: string): PrometheusQuery => ({
        kind: 'prometheus',
        namespace,
        source: metric?.source ?? '',
        query: text,
        emptyMeans: 'unknown',
      });
      const final = spec === undefined ? undefined : externalMetricQuery(spec, { metric: name, namespace, selector });
      if (final === undefined || !final.ok) {
        const detail = final?.problem ?? `no MetricSource offers the metric ${name}`;
        return { known: false, reason: 'refused', detail, since: clock.now(), source: prometheusSourceName(metric?.source ?? '') };
      }
      const asked = query(final.query);
      const answer = await ask(asked);
      return judgeQuery(answer, { query: asked, previous: undefined, now: clock.now(), maxAgeMs });
    },
  };
}
