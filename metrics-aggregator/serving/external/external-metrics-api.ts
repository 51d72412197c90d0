import { messageOf } from '../../../core/errors.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { formatTime } from '../../../core/model/condition.ts';
import type { SeriesSample } from '../../../core/model/metric-query.ts';
import type { QueryResult } from '../../../core/model/metrics-view.ts';
import { formatSelector, parseSelector } from '../../../core/model/selector.ts';
import type { RouteResponse } from '../../../core/runtime/http-server.ts';
import { Quantity } from '../../../core/units/quantity.ts';
import { discoveryAnswer, groupVersion } from './discovery.ts';
import { kubeAnswer, statusFailure } from './status.ts';

/** A metric that is offered: its name in the API, and which query of which source it stands for. */
export interface ExternalMetric {
  readonly name: string;
  /** Name of a MetricSource. */
  readonly source: string;
  /** PromQL, before namespace and label selector are put in. */
  readonly query: string;
}

export interface ExternalMetricsApiOptions {
  /** What is offered now. */
  readonly metrics: () => readonly ExternalMetric[];
  /** The value of a metric for a namespace; the selector is canonical, empty for none. */
  readonly evaluate: (namespace: string, name: string, labelSelector: string) => Promise<QueryResult>;
  readonly clock: Clock;
  /** An evaluation that takes longer is unknown; default 8 s: the HPA controller waits for each metric, one after the other. */
  readonly timeoutMs?: number | undefined;
  /**
   * What to do with a value that is good for growth only. This API has no way to say so, and who reads it would shrink on it: by default it is
   * answered as unknown.
   */
  readonly doubtful?: 'refuse' | 'serve' | undefined;
  /** Told when an evaluation threw. */
  readonly onProblem?: ((problem: string) => void) | undefined;
}

/** A request that has been authorized. */
export type ExternalRequest =
  | { readonly kind: 'metric'; readonly namespace: string; readonly metric: string; readonly labelSelector: string | null }
  | { readonly kind: 'other'; readonly path: string };

/** `external.metrics.k8s.io/v1beta1` as the API server's aggregator and its clients expect it (specification §A.4). */
export interface ExternalMetricsApi {
  handle(request: ExternalRequest): Promise<RouteResponse>;
}

export function createExternalMetricsApi(options: ExternalMetricsApiOptions): ExternalMetricsApi {
  const names = (): readonly string[] => options.metrics().map(({ name }) => name);
  return {
    handle: async (request) => {
      if (request.kind === 'metric') return metricAnswer(options, request);
      const answer = discoveryAnswer(request.path, names);
      return answer === undefined ? statusFailure(404, 'the server could not find the requested resource') : kubeAnswer(answer);
    },
  };
}

async function metricAnswer(
  options: ExternalMetricsApiOptions,
  request: Extract<ExternalRequest, { kind: 'metric' }>,
): Promise<RouteResponse> {
  const { namespace, metric } = request;
  const selector = canonicalSelector(request.labelSelector ?? '');
  if (!selector.ok) return statusFailure(400, `labelSelector: ${selector.problem}`);
  if (!options.metrics().some(({ name }) => name === metric)) {
    return statusFailure(404, `the server could not find the metric ${metric}: no MetricSource offers it in externalMetrics`);
  }
  let result: QueryResult;
  try {
    result = await evaluated(options, { namespace, metric, selector: selector.text });
  } catch (error) {
    options.onProblem?.(`external metric ${metric} of namespace ${namespace} could not be evaluated: ${messageOf(error)}`);
    return statusFailure(500, `external metric ${metric} could not be evaluated: see the log of the metrics aggregator`);
  }
  const unknown = unknownSentence(result, options.doubtful ?? 'refuse');
  // Never an empty list: whoever reads it sums it up to zero.
  if (unknown !== undefined) return statusFailure(503, `external metric ${metric} of namespace ${namespace} is unknown: ${unknown}`);
  const series = result.known ? result.series : [];
  return kubeAnswer({
    kind: 'ExternalMetricValueList',
    apiVersion: groupVersion,
    metadata: {},
    items: series.map((each) => itemOf(metric, each)),
  });
}

function unknownSentence(result: QueryResult, doubtful: 'refuse' | 'serve'): string | undefined {
  if (!result.known) return `${result.reason}: ${result.detail}`;
  if (result.series.length === 0) return 'missing: the answer has no value';
  const { doubt } = result;
  return doubt === undefined || doubtful === 'serve' ? undefined : `${doubt.reason}: ${doubt.detail}; it is good for growth only`;
}

function canonicalSelector(text: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string } {
  try {
    const canonical = formatSelector(parseSelector(text));
    return canonical === undefined ? { ok: false, problem: 'it matches nothing' } : { ok: true, text: canonical };
  } catch (error) {
    return { ok: false, problem: messageOf(error) };
  }
}

/** Fields in the order of the API's type. */
function itemOf(metricName: string, { labels, timestamp, windowMs, milli }: SeriesSample): object {
  const window = windowMs === undefined ? {} : { window: Math.round(windowMs / 1000) };
  return { metricName, metricLabels: labels, timestamp: formatTime(timestamp), ...window, value: Quantity.ofMilli(milli).toString() };
}

interface Wanted {
  readonly namespace: string;
  readonly metric: string;
  readonly selector: string;
}

async function evaluated(
  { evaluate, clock, timeoutMs = 8_000 }: ExternalMetricsApiOptions,
  { namespace, metric, selector }: Wanted,
): Promise<QueryResult> {
  let expire: (() => void) | undefined;
  const late = new Promise<QueryResult>((resolve) => {
    const detail = `there was no answer within ${timeoutMs / 1000} s`;
    expire = () => resolve({ known: false, reason: 'source-unavailable', detail, since: clock.now(), source: '' });
  });
  const timer = clock.setTimeout(() => expire?.(), timeoutMs);
  try {
    return await Promise.race([evaluate(namespace, metric, selector), late]);
  } finally {
    timer.cancel();
  }
}
