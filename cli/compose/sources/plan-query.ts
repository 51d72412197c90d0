import type { MetricSourceSpec } from '../../../metrics-aggregator/index.ts';
import { checkQuery, confineQuery, limitsOf, tenantFields, type ResultKind } from '../../../metrics-aggregator/index.ts';

export interface PlanOptions {
  /** For sentences; `undefined` for a server that no MetricSource declares. */
  readonly source: string | undefined;
  readonly spec: MetricSourceSpec;
  /** Ask as a policy of this namespace would; absent: as it is written. */
  readonly namespace: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

export type QueryPlan =
  | {
      readonly ok: true;
      /** What is sent. */
      readonly query: string;
      readonly kind: ResultKind;
      /** Each once, in order. */
      readonly selectors: readonly string[];
      /** Form fields that go with it. */
      readonly fields: readonly (readonly [name: string, value: string])[];
    }
  | { readonly ok: false; readonly problem: string };

/** What is sent for an expression, or why nothing is. */
export function planQuery(expression: string, { source, spec, namespace, now }: PlanOptions): QueryPlan {
  if (namespace === undefined) {
    const checked = checkQuery(expression);
    return checked.ok ? { ...checked, fields: [] } : checked;
  }
  const { all = false, names = [] } = spec.allowedNamespaces ?? {};
  if (source !== undefined && !all && !names.includes(namespace)) {
    return {
      ok: false,
      problem: `MetricSource ${source} does not allow namespace ${namespace}; an administrator can add it to spec.allowedNamespaces.names`,
    };
  }
  const namespaceLabel = spec.tenancy?.namespaceLabel ?? 'namespace';
  const confined = confineQuery(expression, { namespaceLabel, namespace, maxRangeSeconds: limitsOf(spec).maxRangeSeconds, now });
  if (!confined.ok) return confined;
  const checked = checkQuery(confined.query);
  if (!checked.ok) return checked;
  return {
    ok: true,
    query: confined.query,
    kind: checked.kind,
    selectors: confined.selectors,
    fields: tenantFields(spec.type, namespaceLabel, namespace),
  };
}
