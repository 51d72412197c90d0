import { Histogram, type Registry } from 'prom-client';
import type { ProviderCall } from '../providers/provider.ts';

/** Feeds the histogram of the requests to a cloud, under upstream's name for AWS: `cluster_autoscaler_aws_request_duration_seconds`. */
export function createProviderMetrics(registry: Registry, provider: string): (call: ProviderCall) => void {
  const name = `cluster_autoscaler_${provider}_request_duration_seconds`;
  registry.removeSingleMetric(name);
  const durations = new Histogram({
    name,
    help: `Time taken by requests to ${provider}, by call and outcome.`,
    labelNames: ['endpoint', 'status'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  return ({ call, ms, outcome }) => durations.observe({ endpoint: call, status: outcome }, ms / 1000);
}
