import type { Clock, Timer } from '../../../core/model/clock.ts';
import { createClusterExpositions } from './exposition/cluster-expositions.ts';
import type { MeasuredCluster } from './exposition/cluster-expositions.ts';
import { createPrometheusServer } from './prometheus-server.ts';
import type { PrometheusServer, PrometheusServerOptions, ScrapeHandle } from './types.ts';

export interface ClusterPrometheusOptions extends Omit<PrometheusServerOptions, 'clock'> {
  readonly cluster: MeasuredCluster;
  readonly clock: Clock;
  /** Default 15 000. */
  readonly scrapeIntervalMs?: number;
}

const defaultIntervalMs = 15_000;

/**
 * A Prometheus that scrapes a simulated cluster: one target for each node (job `kubelet`, `metrics_path="/metrics/cadvisor"`, label `node`), one
 * `kube-state-metrics` and one `app` with the applications of all workloads. Nodes that come and go are followed; `stop` ends everything.
 */
export function startClusterPrometheus(options: ClusterPrometheusOptions): PrometheusServer {
  const { cluster, clock, scrapeIntervalMs: intervalMs = defaultIntervalMs, ...serverOptions } = options;
  const server = createPrometheusServer({ ...serverOptions, clock });
  const expositions = createClusterExpositions(cluster, clock);
  const nodes = new Map<string, ScrapeHandle>();
  let timer: Timer | undefined;

  const follow = (): void => {
    const present = new Set(expositions.nodes());
    for (const [name, target] of nodes) {
      if (present.has(name)) continue;
      nodes.delete(name);
      target.remove();
    }
    for (const name of present) {
      if (nodes.has(name)) continue;
      const labels = { instance: `${name}:10250`, metrics_path: '/metrics/cadvisor', node: name };
      nodes.set(name, server.addTarget({ job: 'kubelet', labels, intervalMs, scrape: () => expositions.cadvisor(name) }));
    }
    timer = clock.setTimeout(follow, intervalMs);
  };

  // The exposition's own namespace and pod count, as the usual scrape configurations of both have it.
  const once = { honorLabels: true, intervalMs };
  server.addTarget({
    ...once,
    job: 'kube-state-metrics',
    labels: { instance: 'kube-state-metrics:8080' },
    scrape: () => expositions.kubeStateMetrics(),
  });
  server.addTarget({ ...once, job: 'app', labels: { instance: 'app:8080' }, scrape: () => expositions.application() });
  follow();
  return {
    ...server,
    get seriesCount() {
      return server.seriesCount;
    },
    stop: async () => {
      timer?.cancel();
      await server.stop();
    },
  };
}
