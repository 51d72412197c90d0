/** A Prometheus in process, and the expositions that it (or a real one) scrapes of a simulated cluster. */
export { startClusterPrometheus } from './cluster-prometheus.ts';
export type { ClusterPrometheusOptions } from './cluster-prometheus.ts';
export { cadvisorExposition } from './exposition/cadvisor.ts';
export type { CadvisorContext } from './exposition/cadvisor.ts';
export { createClusterExpositions } from './exposition/cluster-expositions.ts';
export type { ClusterExpositions, MeasuredCluster } from './exposition/cluster-expositions.ts';
export { kubeStateMetricsExposition } from './exposition/kube-state-metrics.ts';
export type { ObjectLister } from './exposition/kube-state-metrics.ts';
export { serveExpositions } from './exposition/serve.ts';
export type { ExpositionListener } from './exposition/serve.ts';
export { clearFaults } from './faults.ts';
export type { AnswerFault, PrometheusFaults } from './faults.ts';
export { createPrometheusServer } from './prometheus-server.ts';
export type { PrometheusListener, PrometheusServer, PrometheusServerOptions, ScrapeHandle, ScrapeTarget } from './types.ts';
