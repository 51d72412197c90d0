import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RealCluster } from '../real-cluster.ts';
import { startAggregatedServer, type AggregatedServer } from './aggregated-server.ts';

/** One metric with a query of its own; see test/e2e/metrics-adapter/config.go. */
export interface AdapterRule {
  readonly name: string;
  readonly resource?: string;
  /** PromQL; a Go template over Metric, Namespace, Resource, Name, Selector. */
  readonly query: string;
  readonly windowSeconds?: number;
}

export interface MetricsAdapterOptions {
  readonly file: string;
  /** Base URL of the Prometheus that it asks. */
  readonly prometheusUrl: string;
  /** Metrics without a rule are the series of their names. */
  readonly rules?: { readonly custom?: readonly AdapterRule[]; readonly external?: readonly AdapterRule[] };
}

/** A real adapter for `custom.metrics.k8s.io` (v1beta1, v1beta2) and `external.metrics.k8s.io` (v1beta1), answered from a Prometheus. */
export async function startMetricsAdapter(real: RealCluster, options: MetricsAdapterOptions): Promise<AggregatedServer> {
  const name = 'metrics-adapter';
  const dir = join(real.dir, name);
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'config.json');
  await writeFile(config, JSON.stringify(options.rules ?? {}));
  return startAggregatedServer(real, {
    name,
    file: options.file,
    // With client-go's default of 5 requests a second its lists of pods are throttled.
    flags: [`--prometheus-url=${options.prometheusUrl}`, `--config=${config}`, '--client-qps=200', '--client-burst=400'],
    kubeconfigFlag: '--lister-kubeconfig',
    rules: [
      { apiGroups: [''], resources: ['namespaces', 'pods', 'services', 'nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['get', 'list', 'watch'] },
    ],
    apis: [
      { group: 'custom.metrics.k8s.io', version: 'v1beta1' },
      // The greater priority is the preferred version.
      { group: 'custom.metrics.k8s.io', version: 'v1beta2', versionPriority: 200 },
      { group: 'external.metrics.k8s.io', version: 'v1beta1' },
    ],
    listensPath: '/readyz',
  });
}
