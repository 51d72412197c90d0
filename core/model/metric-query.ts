/**
 * What a policy wants to know that `metrics.k8s.io` does not tell. Every text is canonical (selectors as `formatSelector` writes them), so that equal
 * questions are equal values: two policies that ask the same share one request a tick (see {@link queryKey}).
 */
export type MetricQuery = PodsQuery | ObjectQuery | ExternalQuery | PrometheusQuery;

/** One value for each pod that the selector matches: `custom.metrics.k8s.io`. */
export interface PodsQuery {
  readonly kind: 'pods';
  readonly namespace: string;
  /** Label selector text of the pods. */
  readonly selector: string;
  readonly metric: string;
  /** Label selector text that picks series; empty: none. */
  readonly metricSelector: string;
}

/** One value of one object: `custom.metrics.k8s.io`. Kind Namespace asks about the namespace of that name. */
export interface ObjectQuery {
  readonly kind: 'object';
  readonly namespace: string;
  readonly object: { readonly apiVersion?: string | undefined; readonly kind: string; readonly name: string };
  readonly metric: string;
  readonly metricSelector: string;
}

/** Any number of series, which are summed: `external.metrics.k8s.io`. */
export interface ExternalQuery {
  readonly kind: 'external';
  readonly namespace: string;
  readonly metric: string;
  readonly metricSelector: string;
}

/** One number out of a Prometheus that an administrator has declared as a MetricSource. */
export interface PrometheusQuery {
  readonly kind: 'prometheus';
  /** The asking policy's: every selector of the query is confined to it. */
  readonly namespace: string;
  /** Name of the MetricSource. */
  readonly source: string;
  /** PromQL as the policy has it, before the namespace is put in. */
  readonly query: string;
  /** What an empty answer means; a policy must say so for it to be zero. */
  readonly emptyMeans: 'unknown' | 'zero';
}

export const customMetricsSource = 'custom.metrics.k8s.io';
export const externalMetricsSource = 'external.metrics.k8s.io';
export const resourceMetricsSource = 'metrics.k8s.io';

/** Name of the source that answers a query: the API group, or `prometheus/<MetricSource>`. */
export function sourceOfQuery(query: MetricQuery): string {
  switch (query.kind) {
    case 'pods':
    case 'object':
      return customMetricsSource;
    case 'external':
      return externalMetricsSource;
    case 'prometheus':
      return prometheusSourceName(query.source);
  }
}

export function prometheusSourceName(metricSource: string): string {
  return `prometheus/${metricSource}`;
}

/** Equal for equal questions, different for different ones; for maps, not for people. */
export function queryKey(query: MetricQuery): string {
  switch (query.kind) {
    case 'pods':
      return JSON.stringify([query.kind, query.namespace, query.selector, query.metric, query.metricSelector]);
    case 'object': {
      const { apiVersion = '', kind, name } = query.object;
      return JSON.stringify([query.kind, query.namespace, apiVersion, kind, name, query.metric, query.metricSelector]);
    }
    case 'external':
      return JSON.stringify([query.kind, query.namespace, query.metric, query.metricSelector]);
    case 'prometheus':
      return JSON.stringify([query.kind, query.namespace, query.source, query.query, query.emptyMeans]);
  }
}

/** One value of an answer. */
export interface SeriesSample {
  /** Name of the object that it describes: the pod for `pods`, the object for `object`; empty otherwise. */
  readonly object: string;
  /** Labels of the series; `{}` where the API has none. */
  readonly labels: Readonly<Record<string, string>>;
  /**
   * The value in thousandths. A quantity is rounded up, as upstream's `Quantity.MilliValue()`; a float of Prometheus to the nearest, so that the noise of
   * its last bits does not become a thousandth.
   */
  readonly milli: bigint;
  /** End of the measured window, epoch milliseconds. */
  readonly timestamp: number;
  /** Length of the measured window in milliseconds; `undefined` when the source does not say. */
  readonly windowMs: number | undefined;
}
