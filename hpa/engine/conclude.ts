import { formatTime, type Condition } from '../../core/model/condition.ts';
import { recordScaling, type ScalingHistory } from '../../core/model/cooldown.ts';
import { withCondition } from './condition-update.ts';
import type { Evaluation } from './evaluation.ts';
import { houseConditions } from './house-conditions.ts';
import type { EvaluationInput, EventNote, HpaState, MetricStatus } from './model.ts';
import { storeScaleEvent } from './rate-limit.ts';
import { replicasText } from './text.ts';
import { afterLostWrite, afterScaling } from './zero.ts';

/** What became of an evaluation's write. */
export type WriteOutcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'written' }
  /** `message` is the API server's; `unknown`: no answer came, so that the write may have gone through. */
  | { readonly kind: 'failed'; readonly message: string; readonly unknown?: boolean | undefined };

/** What is remembered and shown after an evaluation. */
export interface Conclusion {
  readonly state: HpaState;
  readonly history: ScalingHistory;
  readonly conditions: readonly Condition[];
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly currentMetrics: readonly MetricStatus[];
  /** RFC 3339; `undefined`: unchanged. */
  readonly lastScaleTime: string | undefined;
  readonly events: readonly EventNote[];
  readonly action: 'scale_up' | 'scale_down' | 'none';
  readonly error: string | undefined;
}

/** Ends an evaluation, given what became of its write (§7.2.5, §8, §9). */
export function conclude(input: EvaluationInput, evaluation: Evaluation, outcome: WriteOutcome): Conclusion {
  switch (outcome.kind) {
    case 'none':
      return withoutWrite(input, evaluation);
    case 'written':
      return afterWrite(input, evaluation);
    case 'failed':
      return afterFailure(input, evaluation, outcome);
  }
}

function withoutWrite(input: EvaluationInput, evaluation: Evaluation): Conclusion {
  const failed = evaluation.branch === 'failed';
  return {
    ...common(input, evaluation),
    desiredReplicas: failed ? input.status.desiredReplicas : input.scale.specReplicas,
    conditions: houseConditions(input, evaluation, { conditions: evaluation.conditions, history: input.history }),
  };
}

function afterWrite(input: EvaluationInput, evaluation: Evaluation): Conclusion {
  const { now, spec } = input;
  const { from, to } = evaluation.decision;
  const direction = to > from ? 'up' : 'down';
  const history = evaluation.startsCooldown ? recordScaling(input.history, direction, now) : input.history;
  const change = Math.abs(to - from);
  const { scaleUpEvents, scaleDownEvents } = evaluation.state;
  const message = `${replicasText(to)} set on ${input.target.kind}/${input.target.name}`;
  const noted = withCondition(input, evaluation.conditions, { type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message });
  return {
    ...common(input, evaluation),
    history,
    state: {
      ...evaluation.state,
      scaleUpEvents: direction === 'up' ? storeScaleEvent(scaleUpEvents, change, { rules: spec.behavior?.scaleUp, now }) : scaleUpEvents,
      scaleDownEvents:
        direction === 'down' ? storeScaleEvent(scaleDownEvents, change, { rules: spec.behavior?.scaleDown, now }) : scaleDownEvents,
    },
    conditions: houseConditions(input, evaluation, { conditions: afterScaling(input, evaluation, noted), history }),
    desiredReplicas: to,
    lastScaleTime: formatTime(now),
    events: [
      ...evaluation.events,
      { type: 'Normal', reason: 'SuccessfulRescale', message: `New size: ${to}; reason: ${evaluation.rescaleReason}` },
    ],
    action: direction === 'up' ? 'scale_up' : 'scale_down',
  };
}

function afterFailure(
  input: EvaluationInput,
  evaluation: Evaluation,
  { message: text, unknown }: Extract<WriteOutcome, { kind: 'failed' }>,
): Conclusion {
  const { to } = evaluation.decision;
  const message = `${replicasText(to)} could not be set on ${input.target.kind}/${input.target.name}: ${text}`;
  const noted = withCondition(input, evaluation.conditions, { type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message });
  return {
    ...common(input, evaluation),
    conditions: houseConditions(input, evaluation, {
      conditions: unknown === true ? afterLostWrite(input, evaluation, noted) : noted,
      history: input.history,
    }),
    desiredReplicas: input.status.desiredReplicas,
    events: [
      ...evaluation.events,
      { type: 'Warning', reason: 'FailedRescale', message: `New size: ${to}; reason: ${evaluation.rescaleReason}; error: ${text}` },
    ],
    error: message,
  };
}

function common(input: EvaluationInput, evaluation: Evaluation): Conclusion {
  return {
    state: evaluation.state,
    history: input.history,
    conditions: evaluation.conditions,
    currentReplicas: input.scale.specReplicas,
    desiredReplicas: input.scale.specReplicas,
    currentMetrics: evaluation.currentMetrics,
    lastScaleTime: undefined,
    events: evaluation.events,
    action: 'none',
    error: evaluation.error,
  };
}
