/** The source of custom metrics: one value per pod, or one of an object. */
export { createCustomMetricsSource, type CustomMetricsOptions } from './custom-metrics-source.ts';
