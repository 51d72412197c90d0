import type { MetricContext, MetricFailure } from './metric.ts';
import type { HpaPod, MetricSpec } from './model.ts';
import { isPodMetric } from './zero.ts';

/** A pod that runs for so long has been scraped twice at the slowest usual pace (60 s). */
const firstSampleMs = 120_000;

/**
 * Whether a failure says that a metric cannot be had, and so counts for the fallback. Pods that are not there, not ready or too young for a sample say nothing of the
 * source, nor does a question that nobody has asked yet: otherwise a restart of the pods or of the controller would look like an outage.
 */
export function isOutage(
  { kind, unknown, groups }: MetricFailure,
  metric: MetricSpec | undefined,
  { pods, now }: Pick<MetricContext, 'pods' | 'now'>,
): boolean {
  const isDue = ({ phase, deleting, startTime }: HpaPod): boolean =>
    phase === 'Running' && !deleting && startTime !== undefined && now - startTime >= firstSampleMs;
  switch (kind) {
    case 'NoPods':
      return false;
    case 'FetchFailed':
      return unknown !== 'not-observed' && unknown !== 'starting';
    case 'NoMetricsReturned':
      return metric === undefined || !isPodMetric(metric) || pods.some(isDue);
    case 'NoUsableMetrics': {
      const missing = new Set(groups?.missing);
      return pods.some((pod) => missing.has(pod.name) && isDue(pod));
    }
    case 'NoMetricsForKnownPods':
    case 'MissingRequest':
    case 'ContainerNotFound':
    case 'InvalidValue':
    case 'InvalidTarget':
    case 'UnknownType':
      return true;
  }
}
