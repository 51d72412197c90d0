import type { RealCluster } from '../real-cluster.ts';
import { startAggregatedServer, type AggregatedServer } from './aggregated-server.ts';

export interface MetricsServerOptions {
  readonly file: string;
  /** How often it scrapes; at least 10, which is the default. */
  readonly resolutionSeconds?: number;
}

/**
 * A real Metrics Server that scrapes the nodes of the cluster where their objects say (simulated kubelets with `serveKubelets` and a certificate), and serves
 * `metrics.k8s.io`. Its first values come two scrapes after its start: `untilReady`, about 11 s.
 */
export async function startMetricsServer(real: RealCluster, options: MetricsServerOptions): Promise<AggregatedServer> {
  const resolution = options.resolutionSeconds ?? 10;
  return startAggregatedServer(real, {
    name: 'metrics-server',
    file: options.file,
    flags: [
      '--kubelet-insecure-tls',
      '--kubelet-preferred-address-types=InternalIP',
      '--kubelet-use-node-status-port',
      `--metric-resolution=${resolution}s`,
      // At most nine tenths of the resolution, and the default is 10 s.
      `--kubelet-request-timeout=${Math.floor(resolution / 2)}s`,
    ],
    rules: [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ],
    apis: [{ group: 'metrics.k8s.io', version: 'v1beta1' }],
    // `/readyz` waits for values, `/livez` for a scrape.
    listensPath: '/healthz',
  });
}
