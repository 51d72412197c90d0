/** The metrics aggregator: every source of usage and of metrics, one immutable view of them. */
export { defaultAggregatorConfig, type AggregatorConfig } from './config.ts';
export { createMetricsAggregator, type AggregatorOptions, type MetricsAggregator } from './controller/aggregator.ts';
export { createExternalMetrics, type ExternalMetrics } from './controller/external-metrics.ts';
export { createOwnerProbe, type OwnerProbe } from './controller/api-service-owners.ts';
export {
  createMetricSources,
  type BuiltSource,
  type MetricSourceMirror,
  type MetricSources,
  type SourceBuilder,
} from './controller/metric-sources.ts';
export { fixedSources, type DirectoryEntry, type SourceDirectory } from './controller/source-directory.ts';
export { createSecretReader, resolveSecrets, type SecretReader, type SourceSecrets } from './controller/source-secrets.ts';
export type { PollReport } from './controller/usage-keeper.ts';
export { createMetricsView, factsOf, notAskedYet, type MetricsViewInput, type UnscrapedNode } from './engine/metrics-view.ts';
export { findServers, namedService, type FoundServer } from './discovery/index.ts';
export { checkQuery, confineQuery, formatMatcher, parseQuery, type LabelMatcher, type ResultKind } from './promql/index.ts';
export { metricSourceCrd } from './metric-source-crd.ts';
export { parseMetricSource } from './metric-source.ts';
export { metricSourceSpec, metricSourceStatus, type MetricSourceSpec, type MetricSourceStatus } from './metric-source-schema.ts';
export { createRemoteAggregator } from './remote/remote-aggregator.ts';
export { createExternalMetricsServer, type ExternalMetricsServer } from './serving/external/external-metrics-server.ts';
export { createAggregatorMetrics, newestSample, type AggregatorMetrics } from './serving/metrics.ts';
export { addAggregatorRoutes, type AggregatorRoutes } from './serving/routes.ts';
export { createCustomMetricsSource } from './sources/custom-metrics/index.ts';
export { createExternalMetricsSource } from './sources/external-metrics/index.ts';
export { createMetricsServerSource } from './sources/metrics-server/metrics-server-source.ts';
export { tenantFields } from './sources/prometheus/flavour.ts';
export {
  createCatalogue,
  defaultLimits,
  limitsOf,
  parseFloatText,
  prometheusBuilder,
  prometheusSourceFromSpec,
  type CatalogueListing,
  type InstantItem,
  type PrometheusClient,
  type PrometheusFromSpec,
  type RangeItem,
} from './sources/prometheus/index.ts';
export type { MetricsSource, QueryAnswer, QueryValues, SourceFailure, UsageAnswer, UsageResult } from './sources/source.ts';
export { plainUsageSnapshot } from './store/plain-snapshot.ts';
