/** The source of external metrics: any number of series, which are summed. */
export { createExternalMetricsSource, type ExternalMetricsOptions } from './external-metrics-source.ts';
