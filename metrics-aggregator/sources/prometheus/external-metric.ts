import type { MetricSourceSpec } from '../../metric-source-schema.ts';
import { addMatchers, confineQuery, matchersOfSelector } from '../../promql/index.ts';
import { limitsOf } from './source-limits.ts';

export interface ExternalMetricRequest {
  readonly metric: string;
  /** The namespace that asks. */
  readonly namespace: string;
  /** Label selector in text form; empty: none. */
  readonly selector: string;
}

export type ExternalMetricQuery =
  | { readonly ok: true; readonly query: string }
  /** `unknown`: the MetricSource declares no such metric. */
  | { readonly ok: false; readonly unknown: boolean; readonly problem: string };

/** PromQL of a metric that a MetricSource declares for `external.metrics.k8s.io`: the label selector put into its selectors, confined to the asking namespace. */
export function externalMetricQuery(spec: MetricSourceSpec, request: ExternalMetricRequest): ExternalMetricQuery {
  const { metric, namespace, selector } = request;
  const declared = spec.externalMetrics?.find(({ name }) => name === metric);
  if (declared === undefined) return { ok: false, unknown: true, problem: `there is no external metric ${metric}` };
  const matchers = matchersOfSelector(selector);
  if (!matchers.ok) return { ok: false, unknown: false, problem: matchers.problem };
  const narrowed = addMatchers(declared.query, matchers.matchers);
  if (!narrowed.ok) return { ok: false, unknown: false, problem: `externalMetrics ${metric}: ${narrowed.problem}` };
  const namespaceLabel = spec.tenancy?.namespaceLabel ?? 'namespace';
  // Longer than a query of a policy may be: the selector comes on top.
  const confined = confineQuery(narrowed.query, {
    namespaceLabel,
    namespace,
    maxRangeSeconds: limitsOf(spec).maxRangeSeconds,
    maxLength: 16_384,
  });
  return confined.ok
    ? { ok: true, query: confined.query }
    : { ok: false, unknown: false, problem: `externalMetrics ${metric}: ${confined.problem}` };
}
