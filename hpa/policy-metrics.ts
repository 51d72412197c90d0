import { formatSelector, selectorOf } from '../core/model/selector.ts';
import { Quantity } from '../core/units/index.ts';
import type { MetricSpec, MetricTarget, Milli } from './engine/index.ts';
import type { MetricInput, TargetInput } from './policy-schema.ts';

/** A metric of a policy as the engine reads it. */
export function metricOf(metric: MetricInput): MetricSpec {
  const { resource, containerResource, pods, object, external, prometheus } = metric;
  if (resource !== undefined) return { type: 'Resource', resource: resource.name, target: metricTarget(resource.target) };
  if (containerResource !== undefined) {
    const { name, container, target } = containerResource;
    return { type: 'ContainerResource', resource: name, container, target: metricTarget(target) };
  }
  if (pods !== undefined) return { type: 'Pods', ...identifier(pods.metric), target: metricTarget(pods.target) };
  if (object !== undefined) {
    return { type: 'Object', ...identifier(object.metric), describedObject: object.describedObject, target: metricTarget(object.target) };
  }
  if (external !== undefined) return { type: 'External', ...identifier(external.metric), target: metricTarget(external.target) };
  if (prometheus !== undefined) {
    const { source, query, name, emptyMeans, target } = prometheus;
    return {
      type: 'Prometheus',
      metric: name ?? shortQuery(query),
      source,
      query,
      emptyMeans: emptyMeans === 'Zero' ? 'zero' : 'unknown',
      target: metricTarget(target),
    };
  }
  return { type: 'Unknown', name: metric.type };
}

/** So much of a query that a person recognises it in a table. */
function shortQuery(query: string): string {
  const text = query.replaceAll(/\s+/g, ' ').trim();
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function identifier({ name, selector }: NonNullable<MetricInput['pods']>['metric']): {
  readonly metric: string;
  readonly selector?: string;
} {
  return { metric: name, ...(selector === undefined ? {} : { selector: selectorText(selector) }) };
}

/** A selector that cannot be read fails its own metric when it is asked for, not the policy (as upstream): it passes on as its JSON. */
function selectorText({ matchLabels, matchExpressions }: NonNullable<NonNullable<MetricInput['pods']>['metric']['selector']>): string {
  try {
    const expressions = matchExpressions?.map(({ key, operator, values }) => ({ key, operator, values: values ?? null }));
    return formatSelector(selectorOf({ matchLabels, matchExpressions: expressions })) ?? '';
  } catch {
    return JSON.stringify({ matchLabels, matchExpressions });
  }
}

function metricTarget({ type, value, averageValue, averageUtilization }: TargetInput): MetricTarget {
  return { type, value: milli(value), averageValue: milli(averageValue), averageUtilization };
}

/** Thousandths, rounded up as upstream's MilliValue. */
function milli(quantity: string | number | undefined): Milli | undefined {
  return quantity === undefined ? undefined : Quantity.parse(quantity).toMilli('up');
}
