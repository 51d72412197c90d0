import type { PrometheusServer, PrometheusServerOptions } from './types.ts';

/** Makes a Prometheus without targets. */
export function createPrometheusServer(_options: PrometheusServerOptions): PrometheusServer {
  throw new Error('not yet built');
}
