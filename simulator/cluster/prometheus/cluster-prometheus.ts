import type { Clock } from '../../../core/model/clock.ts';
import type { ResourceType, KubeObject } from '../../../core/model/object.ts';
import type { WorkloadModel } from '../../workload/index.ts';
import type { KubeletFleet } from '../kubelet/index.ts';
import { createPrometheusServer } from './prometheus-server.ts';
import type { PrometheusServer, PrometheusServerOptions } from './types.ts';

/** Where API objects are read; the registry of the embedded cluster is one, reflectors of a real cluster can be. */
export interface ObjectLister {
  list(type: ResourceType): readonly KubeObject[];
}

/** What of a cluster there is to measure: an `EmbeddedCluster` is one. */
export interface MeasuredCluster {
  readonly fleet: Pick<KubeletFleet, 'nodeNames' | 'scrape' | 'pods'>;
  readonly workload: WorkloadModel;
  readonly api: { readonly registry: ObjectLister };
}

export interface ClusterPrometheusOptions extends Omit<PrometheusServerOptions, 'clock'> {
  readonly cluster: MeasuredCluster;
  readonly clock: Clock;
  /** Default 15 000. */
  readonly scrapeIntervalMs?: number;
}

/** A Prometheus that scrapes an embedded cluster: one target per node (job `kubelet`, path /metrics/cadvisor), `kube-state-metrics` and `app`. */
export function startClusterPrometheus(options: ClusterPrometheusOptions): PrometheusServer {
  const { clock } = options;
  return createPrometheusServer({ clock });
}
