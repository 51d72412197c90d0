import type { MetricsViewInput } from '../engine/metrics-view.ts';

export type { MetricsAggregator } from '../controller/aggregator.ts';

/** What a view was made of and does not tell by itself: without it nobody else can say why a pod has no sample. */
export type ViewFacts = Pick<MetricsViewInput, 'usageSource' | 'unscrapedNodes' | 'startGraceMs' | 'queries'>;
