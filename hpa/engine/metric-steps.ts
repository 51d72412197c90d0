import type { TraceStep } from '../../core/model/decision.ts';
import type { MetricFailure, MetricOutcome } from './metric.ts';
import type { Combined } from './metrics.ts';
import type { EventNote } from './model.ts';
import { capitalized, namesText, replicasText } from './text.ts';

export function failureEvent(each: MetricFailure): EventNote {
  return { type: 'Warning', reason: each.reason, message: `${each.subject}: ${each.message}` };
}

/** What one metric was, or why it is not known. */
export function metricStep(each: MetricOutcome): TraceStep {
  if (each.ok) return { step: 'metric', message: `${capitalized(each.observed)}: ${each.formula}`, values: each.values };
  const groups = each.groups;
  const missing = groups === undefined || groups.missing.length === 0 ? '' : ` (without a sample: ${namesText(groups.missing)})`;
  return {
    step: 'metric',
    message: `${capitalized(each.subject)} is unknown: ${each.message}${missing}`,
    values: {
      metric: each.subject,
      failed: true,
      kind: each.kind,
      reason: each.reason,
      unknown: each.unknown ?? null,
      since: each.since ?? null,
      ...(groups === undefined
        ? {}
        : {
            readyPods: groups.readyCount,
            unreadyPods: groups.unready.length,
            missingPods: groups.missing.length,
            ignoredPods: groups.ignored.length,
          }),
    },
  };
}

/** Which metric asks for most. */
export function combinedStep({ winner, failures, unresolved, outcomes }: Combined, best: number): TraceStep {
  const failed =
    failures.length === 0
      ? ''
      : `; ${failures.length} of ${outcomes.length} metrics failed${unresolved.length === 0 ? '' : ', so nothing would shrink'}`;
  return {
    step: 'wanted',
    message: `${winner?.name ?? 'No metric'} asks for most: ${replicasText(best)}${failed}`,
    values: { wanted: best, metric: winner?.name ?? null, metrics: outcomes.length, failedMetrics: failures.length },
  };
}
