/** A Prometheus in process, and the expositions that it (or a real one) scrapes of a simulated cluster. */
export { startClusterPrometheus } from './cluster-prometheus.ts';
export type { ClusterPrometheusOptions, MeasuredCluster, ObjectLister } from './cluster-prometheus.ts';
export { clearFaults } from './faults.ts';
export type { AnswerFault, PrometheusFaults } from './faults.ts';
export { createPrometheusServer } from './prometheus-server.ts';
export type { PrometheusListener, PrometheusServer, PrometheusServerOptions, ScrapeHandle, ScrapeTarget } from './types.ts';
