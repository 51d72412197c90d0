import type { Hold, TraceStep } from '../../core/model/decision.ts';
import { withCondition } from './condition-update.ts';
import { outcome, type Draft, type Evaluation } from './evaluation.ts';
import { fallbackEvents, fallbackSteps } from './fallback.ts';
import { forced } from './forced.ts';
import { applyHouseRules } from './house.ts';
import { metricContext } from './metric-context.ts';
import { metricConditions, noReplicaCount } from './metric-conditions.ts';
import { combinedStep, failureEvent, metricStep } from './metric-steps.ts';
import { combineMetrics, type Combined } from './metrics.ts';
import type { EventNote } from './model.ts';
import { normalize } from './normalize.ts';
import { decisionReason } from './sentence.ts';
import { capitalized } from './text.ts';
import { unknownHold } from './unknown-data.ts';
import { isAsleep, sleepSteps } from './zero.ts';

/** Reads the metrics, combines what they ask for and brings it into bounds (§5–§8). */
export function byMetrics(draft: Draft): Evaluation {
  const { input, bounds } = draft;
  if (!input.selector.ok) {
    const { reason, event, message } = input.selector;
    const by = reason === 'AmbiguousSelector' ? 'conflict' : 'target-unavailable';
    return failure(draft, {
      reason,
      message,
      hold: { by, message: capitalized(message) },
      sentenceHolds: [],
      events: [{ type: 'Warning', reason: event, message }],
    });
  }
  const combined = combineMetrics(input.spec.metrics, input.results, {
    context: metricContext(input),
    previousReplicas: input.status.currentReplicas,
    spec: input.spec,
    counts: draft.state.failures ?? [],
  });
  const measured = measuredDraft(draft, combined);
  const events = [...combined.failures.map(failureEvent), ...(combined.fallback === undefined ? [] : fallbackEvents(combined.fallback))];
  const shown = {
    currentMetrics: combined.outcomes.map((each) => (each.ok ? each.status : {})),
    targets: combined.outcomes.map((each) => (each.ok ? each.short : `${each.subject} unknown`)).join(', '),
    metricLabels: combined.labels,
    fallback: combined.fallback,
  };
  const { best } = combined;
  if (best !== undefined) return { ...scaled(measured, { combined, best, events }), ...shown };
  // The floor was raised while the target slept: it needs no metric. Upstream stays at zero here.
  if (input.scale.specReplicas === 0 && bounds.min > 0 && !input.spec.native) {
    return { ...forced(measured), ...shown, events, error: combined.error };
  }
  const { reason, message } = noReplicaCount(combined);
  const { hold, since } = unknownHold(input, combined);
  const asleep = input.scale.specReplicas === 0;
  return { ...failure(measured, { reason, message, hold, since, sentenceHolds: [hold], events, asleep }), ...shown };
}

/** With what was read in the trace, and the failures counted. */
function measuredDraft(draft: Draft, { outcomes, counts, fallback }: Combined): Draft {
  const { input, state, trace } = draft;
  const current = input.scale.specReplicas;
  return {
    ...draft,
    state: counts.length === 0 && (state.failures ?? []).length === 0 ? state : { ...state, failures: counts },
    trace: [
      ...trace,
      ...sleepSteps(input),
      ...outcomes.map(metricStep),
      ...(fallback === undefined ? [] : fallbackSteps(fallback, current)),
    ],
  };
}

/** Metrics that cannot be used: the size stays, the previous wish stays in status. */
function failure(
  draft: Draft,
  facts: {
    readonly reason: string;
    readonly message: string;
    readonly hold: Hold;
    readonly since?: number | undefined;
    readonly sentenceHolds: readonly Hold[];
    readonly events: readonly EventNote[];
    readonly asleep?: boolean;
  },
): Evaluation {
  const { input } = draft;
  const from = input.scale.specReplicas;
  const { reason, message, hold, since, sentenceHolds, asleep } = facts;
  const step: TraceStep = { step: hold.by, message: capitalized(message), values: { reason, held: true, since: since ?? null } };
  return {
    ...outcome(
      { ...draft, trace: [...draft.trace, step] },
      { to: from, wanted: null, reason, cause: message, holds: [hold], sentenceHolds, asleep },
    ),
    branch: 'failed',
    conditions: withCondition(input, draft.conditions, { type: 'ScalingActive', status: 'False', reason, message }),
    proposed: from,
    events: [...facts.events, { type: 'Warning', reason: 'FailedComputeMetricsReplicas', message }],
    error: message,
  };
}

function scaled(
  draft: Draft,
  { combined, best, events }: { readonly combined: Combined; readonly best: number; readonly events: readonly EventNote[] },
): Evaluation {
  const { input, bounds } = draft;
  const { spec, config, now, history, conflict } = input;
  const from = input.scale.specReplicas;
  const { winner } = combined;
  const normalized = normalize({ current: from, wish: best, bounds, behavior: spec.behavior, state: draft.state, now, config });
  // minReplicas was raised while the target slept: it wakes to it whatever the metric says.
  const wakes = from === 0 && bounds.min !== 0 && isAsleep(input) && normalized.replicas < bounds.min;
  const proposed = wakes ? bounds.min : normalized.replicas;
  const correction = wakes ? 'minReplicas' : undefined;
  const house = applyHouseRules({
    spec,
    from,
    to: proposed,
    correction,
    winner,
    outcomes: combined.outcomes,
    history,
    conflict,
    now,
    config,
  });
  const trace = [...draft.trace, combinedStep(combined, best), ...normalized.trace, ...house.trace];
  return {
    ...outcome(
      { ...draft, trace },
      {
        to: house.to,
        wanted: best,
        reason: decisionReason({
          from,
          to: house.to,
          wanted: best,
          houseHolds: house.holds,
          stabilizedReason: normalized.able.reason === 'ReadyForNewScale' ? undefined : normalized.able.reason,
          limitReason: normalized.limited.active ? normalized.limited.reason : undefined,
        }),
        cause: winner?.observed ?? '',
        formula: winner?.formula,
        holds: [...normalized.holds, ...house.holds],
        failures: combined.error,
        asleep: from === 0,
        startsCooldown: !wakes || bounds.minFrom === undefined,
      },
    ),
    branch: 'metrics',
    state: normalized.state,
    conditions: metricConditions(draft, { combined, normalized }),
    proposed,
    rescaleReason: rescaleReason(best - from, winner),
    events,
    error: combined.error,
  };
}

/** In upstream's words; a fallback has no target that it could be above. */
function rescaleReason(change: number, winner: Combined['winner']): string {
  if (winner?.fallback === true && change !== 0) return winner.name;
  if (change > 0) return `${winner?.name ?? ''} above target`;
  return change < 0 ? 'All metrics below target' : '';
}
