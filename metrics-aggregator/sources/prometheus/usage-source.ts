import { prometheusSourceName } from '../../../core/model/metric-query.ts';
import type { LabelMatcher } from '../../promql/index.ts';
import type { MetricsSource, UsageAnswer } from '../source.ts';
import type { Catalogue } from './catalogue.ts';
import { mergeWarnings } from './envelope.ts';
import type { InstantStreamAnswer } from './instant-query.ts';
import type { PrometheusClient } from './prometheus-client.ts';
import type { InstantItem } from './series-item.ts';
import { createUsageDraft } from './usage-draft.ts';

export interface PrometheusUsageOptions {
  readonly client: PrometheusClient;
  readonly catalogue: Catalogue;
  /** CPU is averaged over it; default 2 min: four scrapes of kube-prometheus, and the least that two scrapes a minute apart need. */
  readonly rateRangeMs?: number | undefined;
  /** Put into each selector: fewer namespaces, one of several clusters in one Prometheus. */
  readonly matchers?: readonly LabelMatcher[] | undefined;
  /** Default one million: the limit of the MetricSource is for queries of policies. */
  readonly maxSeries?: number | undefined;
  /** Default 512 MiB for each of the answers, which are read as they arrive and never held as a whole. */
  readonly maxBytes?: number | undefined;
}

const RATE_RANGE_MS = 120_000;
const MAX_SERIES = 1_000_000;
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * Usage of all containers and nodes out of cAdvisor's series in a Prometheus, so that a cluster without Metrics Server can be scaled.
 *
 * The timestamp of a pod is that of its samples (`timestamp()`), not the moment of the question: cAdvisor's series carry timestamps of their own, so Prometheus
 * shows the last sample of a dead pod, or of a node that is no longer scraped, for 5 minutes as if it were of now. With the true time it grows stale instead.
 * Several containers of a pod may have different times; the oldest counts, as in Metrics Server. The window is the range of the rate, which CPU is averaged
 * over; memory is the newest sample.
 */
export function createPrometheusUsageSource(options: PrometheusUsageOptions): Required<Pick<MetricsSource, 'usage'>> & MetricsSource {
  return { name: prometheusSourceName(options.client.name), usage: (signal) => usage(options, signal) };
}

async function usage(options: PrometheusUsageOptions, signal: AbortSignal): Promise<UsageAnswer> {
  const range = options.rateRangeMs ?? RATE_RANGE_MS;
  const draft = createUsageDraft(range);
  const ask = (name: string, visit: (item: InstantItem) => void): Promise<InstantStreamAnswer> =>
    askEntry(options, name, { range, signal, visit });
  const [pods, nodes] = await Promise.all([
    Promise.all([ask('cpuUsage', draft.cpu), ask('memoryUsage', draft.memory), ask('usageTimestamps', draft.timestamp)]),
    Promise.all([ask('nodeCpuUsage', draft.nodeCpu), ask('nodeMemoryUsage', draft.nodeMemory), ask('nodeTimestamps', draft.nodeTimestamp)]),
  ]);
  const failure = pods.find((answer) => !answer.ok);
  if (failure !== undefined) return failure;
  // Node usage is a second product: without it pods are still worth having.
  for (const answer of nodes) if (!answer.ok) draft.reject(`node usage: ${answer.detail}`);
  const warnings = mergeWarnings(pods.map((answer) => (answer.ok ? answer.warnings : [])));
  const done = await draft.finish();
  return { ok: true, ...done, ...(warnings.length > 0 && { partial: warnings.join('; ') }) };
}

async function askEntry(
  { client, catalogue, matchers, maxSeries, maxBytes }: PrometheusUsageOptions,
  name: string,
  { range, signal, visit }: { range: number; signal: AbortSignal; visit: (item: InstantItem) => void },
): Promise<InstantStreamAnswer> {
  const rendered = catalogue.render(name, { range }, matchers);
  if (!rendered.ok) return { ok: false, reason: 'refused', detail: `MetricSource ${client.name}: ${rendered.problem}` };
  return client.stream(rendered.query, { signal, visit, maxSeries: maxSeries ?? MAX_SERIES, maxBytes: maxBytes ?? MAX_BYTES });
}
