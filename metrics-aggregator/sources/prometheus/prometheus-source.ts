import { prometheusSourceName, sourceOfQuery } from '../../../core/model/metric-query.ts';
import type { MetricsSource } from '../source.ts';
import type { Catalogue } from './catalogue.ts';
import { createPolicyAsker } from './policy-query.ts';
import type { PrometheusClient } from './prometheus-client.ts';
import { createPrometheusUsageSource } from './usage-source.ts';

export interface PrometheusSourceOptions {
  readonly client: PrometheusClient;
  /** Epoch milliseconds, for queries with `@`. */
  readonly now: () => number;
  /** Label that holds the namespace of a series; default `namespace`. */
  readonly namespaceLabel?: string | undefined;
  /** Absent: the source has no usage of pods and nodes. */
  readonly catalogue?: Catalogue | undefined;
}

/**
 * A Prometheus as a source. Every query is of a policy and confined to the policy's namespace; one without a namespace is refused, so that a forgotten
 * namespace opens nothing. Whether the namespace may ask at all, and how often, is decided before (see the namespace guard).
 */
export function createPrometheusSource(options: PrometheusSourceOptions): MetricsSource {
  const { client, catalogue } = options;
  const name = prometheusSourceName(client.name);
  const ask = createPolicyAsker(options);
  const usage = catalogue && createPrometheusUsageSource({ client, catalogue });
  return {
    name,
    ask: (query, signal) => {
      if (query.kind === 'prometheus' && sourceOfQuery(query) === name) return ask(query, signal);
      return Promise.resolve({ ok: false, reason: 'refused', detail: `${name} does not answer queries of kind ${query.kind}` });
    },
    ...(usage !== undefined && { usage: (signal) => usage.usage(signal) }),
    close: () => client.close(),
  };
}
