import type { MetricSourceSpec } from '../../metric-source-schema.ts';

/** What answers under a MetricSource. */
export type SourceType = MetricSourceSpec['type'];

/** `spec.options` of a MetricSource. */
export type SourceOptions = NonNullable<MetricSourceSpec['options']>;
