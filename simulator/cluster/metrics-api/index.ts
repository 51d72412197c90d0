export { createMetricsApi } from './metrics-api.ts';
export { fleetScrapes } from './scraper.ts';
export type { ScrapeSource } from './scraper.ts';
export { registryObjects } from './types.ts';
export type { MetricsApi, MetricsApiOptions, MetricsDiscoveryResource, MetricsFaults, MetricsObjects } from './types.ts';
