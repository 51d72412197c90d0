/** The embedded cluster: a Kubernetes API server, controllers, scheduler, kubelets and metrics API in process. */
export { createApiServer, type ApiServer } from './api-server/index.ts';
export { startEmbeddedCluster, type EmbeddedCluster, type EmbeddedClusterOptions } from './embedded-cluster.ts';
export { createKubeletFleet, serveKubelets, type FleetOptions, type KubeletFleet, type NodeSpec } from './kubelet/index.ts';
export { createMetricsApi, fleetScrapes, registryObjects, type MetricsApi } from './metrics-api/index.ts';
export {
  createClusterExpositions,
  createPrometheusServer,
  serveExpositions,
  startClusterPrometheus,
  type PrometheusServer,
} from './prometheus/index.ts';
