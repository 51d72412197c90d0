export { failureOfAnswer, type ClientFailure, type ServerLimit } from './answer-failure.ts';
export { builtInEntries, type CatalogueEntry } from './catalogue-entries.ts';
export { createCatalogue, type Catalogue, type CatalogueListing, type CatalogueResult } from './catalogue.ts';
export { externalMetricQuery, type ExternalMetricQuery, type ExternalMetricRequest } from './external-metric.ts';
export {
  prometheusBuilder,
  prometheusSourceFromSpec,
  type BuiltPrometheus,
  type FromSpecResult,
  type NetworkOptions,
  type PrometheusFromSpec,
  type ResolvedSecrets,
  type SourceEnvironment,
} from './from-spec.ts';
export type { InstantAnswer, InstantOptions, InstantStreamAnswer } from './instant-query.ts';
export type { BuildInfoAnswer, ListAnswer, MetricMetadata, NamesOptions } from './names-query.ts';
export { createPrometheusClient, type PrometheusClient, type PrometheusClientOptions } from './prometheus-client.ts';
export { createPrometheusSource, type PrometheusSourceOptions } from './prometheus-source.ts';
export type { PlaceholderName, TemplateValues } from './query-template.ts';
export type { RangeAnswer, RangeOptions, RangeRequest } from './range-query.ts';
export { parseFloatText, parseMilliText } from './sample-value.ts';
export type { InstantItem, RangeItem, SeriesLabels } from './series-item.ts';
export { defaultLimits, limitsOf, type PrometheusLimits } from './source-limits.ts';
export { createPrometheusUsageSource, type PrometheusUsageOptions } from './usage-source.ts';
