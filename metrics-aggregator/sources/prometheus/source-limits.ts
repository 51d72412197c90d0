import type { MetricSourceSpec } from '../../metric-source-schema.ts';

/** Limits of a MetricSource with the defaults filled in. */
export interface PrometheusLimits {
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxBytes: number;
  /** Series that a query may match. */
  readonly maxSeries: number;
  /** Points of one series in one range query; more are asked for in pieces. */
  readonly maxPoints: number;
  /** Longest range, subquery or offset of a policy. */
  readonly maxRangeSeconds: number;
  readonly queriesPerMinute: number;
  readonly queriesPerMinutePerNamespace: number;
}

/** The defaults that the schema documents. 11,000 points is a fixed limit of Prometheus; 20 is its default of queries at a time. */
export const defaultLimits: PrometheusLimits = {
  timeoutMs: 10_000,
  maxConcurrent: 20,
  maxBytes: 16 * 1024 * 1024,
  maxSeries: 1000,
  maxPoints: 11_000,
  maxRangeSeconds: 86_400,
  queriesPerMinute: 12_000,
  queriesPerMinutePerNamespace: 600,
};

export function limitsOf({ limits }: Pick<MetricSourceSpec, 'limits'>): PrometheusLimits {
  const { timeoutSeconds, ...given } = limits ?? {};
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...defaultLimits, ...set, ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1000 }) };
}
