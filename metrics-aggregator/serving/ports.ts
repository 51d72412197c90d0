import type { MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView, ViewChange } from '../../core/model/metrics-view.ts';
import type { MetricsViewInput } from '../engine/metrics-view.ts';

/** What serving needs of an aggregator, and what a remote one is. */
export interface MetricsAggregator {
  /** The newest view; never changes once handed out. */
  view(): MetricsView;
  /** Called with every new view; answers the function that ends it. */
  onView(listener: (view: MetricsView, change: ViewChange) => void): () => void;
  /** What a subject (a policy's key) wants asked every tick, instead of what it wanted before; `[]` forgets it. What is new is asked at once. */
  demand(subject: string, queries: readonly MetricQuery[]): void;
  /** Asks everything once, now. */
  refresh(): Promise<MetricsView>;
  start(): void;
  stop(): void;
}

/** What a view was made of and does not tell by itself: without it nobody else can say why a pod has no sample. */
export type ViewFacts = Pick<MetricsViewInput, 'usageSource' | 'unscrapedNodes' | 'startGraceMs' | 'queries'>;
