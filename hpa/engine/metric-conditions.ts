import type { Condition } from '../../core/model/condition.ts';
import { withCondition } from './condition-update.ts';
import type { Draft } from './evaluation.ts';
import type { Combined } from './metrics.ts';
import type { Normalized, Note } from './normalize.ts';
import { clockText, replicasText } from './text.ts';

/** ScalingActive, AbleToScale and ScalingLimited of an evaluation that came to a count (§9). */
export function metricConditions(
  { input, conditions }: Draft,
  { combined, normalized }: { readonly combined: Combined; readonly normalized: Normalized },
): Condition[] {
  const { able, limited } = normalized;
  const known = combined.outcomes.some(({ ok }) => ok);
  const active = withCondition(input, conditions, {
    type: 'ScalingActive',
    // With nothing but a fallback no metric was found: whoever watches this condition for outages shall see one.
    status: known ? 'True' : 'False',
    ...(known ? foundNote(combined) : onlyFallbackNote(combined)),
  });
  const ready = withCondition(input, active, { type: 'AbleToScale', status: 'True', reason: able.reason, message: able.message });
  return withCondition(input, ready, {
    type: 'ScalingLimited',
    status: limited.active ? 'True' : 'False',
    reason: limited.reason,
    message: limited.message,
  });
}

function foundNote(combined: Combined): Note {
  const { winner } = combined;
  const message = `a replica count was computed from ${winner?.name ?? 'a metric'}: ${winner?.observed ?? ''}${outageText(combined)}`;
  return { reason: 'ValidMetricFound', message };
}

function onlyFallbackNote(combined: Combined): Note {
  const { reason, message } = noReplicaCount(combined);
  const asked = combined.winner === undefined ? '' : `; ${combined.winner.name} asks for ${replicasText(combined.winner.replicas)}`;
  return { reason, message: `${message}${asked}` };
}

/** Why the metrics lead to no count, by the first that failed. */
export function noReplicaCount({ failures, error }: Combined): Note {
  return {
    reason: failures[0]?.reason ?? 'FailedGetResourceMetric',
    message: `no replica count can be computed: ${error ?? 'the policy has no metric'}`,
  };
}

/** An outage is said from its first moment, also while the last values are young enough to be used. */
function outageText({ outcomes }: Combined): string {
  const degraded = outcomes.flatMap((each) => (each.ok && each.degraded !== undefined ? [each.degraded] : []))[0];
  if (degraded === undefined) return '';
  const since = degraded.since === undefined ? '' : ` since ${clockText(degraded.since)}`;
  return `; incomplete (${degraded.reason}${since}), so nothing shrinks: ${degraded.detail}`;
}
