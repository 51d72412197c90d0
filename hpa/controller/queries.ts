import type { MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricSpec } from '../engine/index.ts';

/** What a metric asks of a source other than the usage of pods; `undefined` for metrics that are read out of usage. */
export function metricQuery(
  spec: MetricSpec,
  { namespace, selector }: { readonly namespace: string; /** Of the scale. */ readonly selector: string },
): MetricQuery | undefined {
  switch (spec.type) {
    case 'Pods':
      return { kind: 'pods', namespace, selector, metric: spec.metric, metricSelector: spec.selector ?? '' };
    case 'Object':
      // As upstream: a metric of a namespace is always one of the policy's own.
      return {
        kind: 'object',
        namespace,
        object: ownNamespace(spec.describedObject, namespace),
        metric: spec.metric,
        metricSelector: spec.selector ?? '',
      };
    case 'External':
      return { kind: 'external', namespace, metric: spec.metric, metricSelector: spec.selector ?? '' };
    case 'Prometheus':
      return { kind: 'prometheus', namespace, source: spec.source, query: spec.query, emptyMeans: spec.emptyMeans };
    case 'Resource':
    case 'ContainerResource':
    case 'Unknown':
      return undefined;
  }
}

type DescribedObject = Extract<MetricSpec, { type: 'Object' }>['describedObject'];

function ownNamespace(object: DescribedObject, namespace: string): DescribedObject {
  return object.kind === 'Namespace' ? { ...object, name: namespace } : object;
}

/** The queries of all metrics of a policy. */
export function metricQueries(metrics: readonly MetricSpec[], context: Parameters<typeof metricQuery>[1]): MetricQuery[] {
  return metrics.flatMap((spec) => metricQuery(spec, context) ?? []);
}

/** Whether any metric is read out of the usage of pods. */
export function usesUsage(metrics: readonly MetricSpec[]): boolean {
  return metrics.some(({ type }) => type === 'Resource' || type === 'ContainerResource');
}
