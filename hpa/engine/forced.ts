import type { TraceStep } from '../../core/model/decision.ts';
import { withCondition } from './condition-update.ts';
import { maxText, minText } from './effective-bounds.ts';
import { outcome, targetName, type Draft, type Evaluation } from './evaluation.ts';
import { applyHouseRules, applyParkingRules } from './house.ts';
import { holdReasonName } from './sentence.ts';
import { capitalized, replicasText } from './text.ts';
import { markZero } from './zero.ts';

/** Out of bounds: corrected at once, without metrics, windows and policies. */
export function forced(draft: Draft): Evaluation {
  const { input, bounds } = draft;
  const { spec, scale, history, conflict, now, config } = input;
  const from = scale.specReplicas;
  const above = from > bounds.max;
  const proposed = above ? bounds.max : bounds.min;
  const cause = above ? `${from} is above ${maxText(bounds)}` : `${from} is below ${minText(bounds)}`;
  const correction = above ? undefined : boundName('minReplicas', bounds.minFrom);
  const house = applyHouseRules({ spec, from, to: proposed, correction, outcomes: [], history, conflict, now, config });
  const step: TraceStep = {
    step: 'bounds',
    message: `${capitalized(cause)}: corrected without reading metrics`,
    values: { current: from, replicas: proposed, minReplicas: bounds.min, maxReplicas: bounds.max },
  };
  const last = house.holds.at(-1);
  const reason = last === undefined ? (above ? 'TooManyReplicas' : 'TooFewReplicas') : holdReasonName(last.by);
  return {
    ...outcome(
      { ...draft, trace: [...draft.trace, step, ...house.trace] },
      { to: house.to, wanted: null, reason, cause, holds: house.holds, startsCooldown: above || bounds.minFrom === undefined },
    ),
    branch: above ? 'above-max' : 'below-min',
    proposed,
    rescaleReason: above ? 'Current number of replicas above Spec.MaxReplicas' : 'Current number of replicas below Spec.MinReplicas',
  };
}

/** `minReplicas`, or `minReplicas of schedule office-hours`. */
function boundName(bound: string, schedule: string | undefined): string {
  return schedule === undefined ? bound : `${bound} of schedule ${schedule}`;
}

/** An annotation says how many replicas there shall be, whatever metrics, bounds and cooldowns say. */
export function parked(draft: Draft, replicas: number): Evaluation {
  const { input } = draft;
  const { spec, scale, conflict } = input;
  const from = scale.specReplicas;
  const annotation = spec.pause?.annotation ?? '';
  const message = `scaling is paused: ${annotation} keeps ${targetName(input)} at ${replicasText(replicas)}; remove the annotation to resume`;
  const house = applyParkingRules({ spec, from, to: replicas, conflict });
  const step: TraceStep = { step: 'paused', message: capitalized(message), values: { annotation, current: from, replicas } };
  const noted = withCondition(input, draft.conditions, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message });
  const holds = from === replicas ? [{ by: 'paused' as const, message: capitalized(message) }] : house.holds;
  return {
    ...outcome(
      { ...draft, trace: [...draft.trace, step, ...house.trace] },
      {
        to: house.to,
        wanted: null,
        reason: holdReasonName(holds.at(-1)?.by ?? 'paused'),
        cause: message,
        holds,
        sentenceHolds: house.holds,
      },
    ),
    branch: 'parked',
    conditions: from === 0 && replicas === 0 ? markZero(input, noted, 'parked') : noted,
    proposed: replicas,
    rescaleReason: `paused by ${annotation}`,
  };
}
