import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { externalMetricsSource, type ExternalQuery, type MetricQuery, type SeriesSample } from '../../../core/model/metric-query.ts';
import {
  defaultMaxBytes,
  encodeStrictly,
  getDocument,
  isRecord,
  itemsOf,
  labelsOf,
  measured,
  segmentProblem,
  shown,
  withSelectors,
} from '../metric-list/index.ts';
import type { MetricsSource, QueryAnswer, SourceFailure } from '../source.ts';

export interface ExternalMetricsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Each request, milliseconds. */
  readonly timeoutMs: number;
  /** An answer of more bytes is refused; default 4 MiB. */
  readonly maxBytes?: number | undefined;
}

const root = `/apis/${externalMetricsSource}/v1beta1`;

/** `external.metrics.k8s.io/v1beta1`, whoever serves it: queries of kind `external`, each answered by any number of series. */
export function createExternalMetricsSource(options: ExternalMetricsOptions): MetricsSource {
  return { name: externalMetricsSource, ask: (query, signal) => ask(options, query, signal) };
}

async function ask(options: ExternalMetricsOptions, query: MetricQuery, signal: AbortSignal): Promise<QueryAnswer> {
  if (query.kind !== 'external') return refused(`it serves no queries of kind ${query.kind}`);
  const { namespace, metric, metricSelector } = query;
  const problem = segmentProblem('the namespace', namespace) ?? segmentProblem('the name of the metric', metric);
  if (problem !== undefined) return refused(problem);
  const { client, clock, timeoutMs, maxBytes = defaultMaxBytes } = options;
  const subject = subjectOf(query);
  const answer = await getDocument({
    client,
    path: withSelectors(`${root}/namespaces/${encodeStrictly(namespace)}/${encodeStrictly(metric)}`, { labelSelector: metricSelector }),
    timeoutMs,
    maxBytes,
    signal,
    api: externalMetricsSource,
    subject,
    // A path that ends with the resource is a list for RBAC.
    permission: `the verb list on the resource ${shown(metric)} of API group ${externalMetricsSource} in namespace ${shown(namespace)}`,
  });
  switch (answer.kind) {
    case 'failure':
      return answer.failure;
    case 'not-served':
      return absent();
    case 'not-found':
      return {
        ok: false,
        reason: 'missing',
        detail: `${externalMetricsSource} has no ${subject}: check the adapter's rules and the labels of the series`,
      };
    case 'document':
      return read(answer.document, subject, clock.now());
  }
}

function subjectOf({ namespace, metric, metricSelector }: ExternalQuery): string {
  return `metric ${shown(metric)}${metricSelector === '' ? '' : ` with ${shown(metricSelector)}`} in namespace ${shown(namespace)}`;
}

function refused(why: string): SourceFailure {
  return { ok: false, reason: 'refused', detail: `${externalMetricsSource}: ${why}` };
}

function absent(): SourceFailure {
  const detail = `${externalMetricsSource}: nobody serves it: install an adapter of external metrics, or check its APIService with \`kubectl get apiservices\``;
  return { ok: false, reason: 'source-absent', detail };
}

function read(document: Readonly<Record<string, unknown>>, subject: string, now: number): QueryAnswer {
  const items = itemsOf(document, 'ExternalMetricValueList');
  if (items === undefined) {
    return { ok: false, reason: 'invalid', detail: `${externalMetricsSource} answered no ExternalMetricValueList for ${subject}` };
  }
  const series: SeriesSample[] = [];
  for (const item of items) {
    const value = isRecord(item) ? measured(item, 'window', now) : undefined;
    if (isRecord(item) && value !== undefined) series.push({ object: '', labels: labelsOf(item['metricLabels']), ...value });
  }
  return { ok: true, series, warnings: [], invalid: items.length - series.length };
}
