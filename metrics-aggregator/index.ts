export { defaultAggregatorConfig, type AggregatorConfig } from './config.ts';
export { createMetricsAggregator, type AggregatorOptions, type MetricsAggregator, type PollReport } from './controller/aggregator.ts';
export { createMetricsServerSource } from './sources/metrics-server/metrics-server-source.ts';
export { parseNodeMetrics, parsePodMetrics } from './sources/metrics-server/parse.ts';
export type { ResourceMetricsSource, ResourceUsage, SourceAnswer } from './sources/source.ts';
export { createUsageView, emptyUsageView } from './store/usage-view.ts';
