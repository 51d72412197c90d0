import { formatTime, removeCondition, setCondition, type Condition, type ConditionUpdate } from '../../core/model/condition.ts';
import { checkCooldown, recordScaling, type ScalingHistory } from '../../core/model/cooldown.ts';
import { canWake, type Evaluation } from './evaluate.ts';
import type { EvaluationInput, EventNote, HpaState, MetricStatus } from './model.ts';
import { storeScaleEvent } from './rate-limit.ts';
import { holdReasonName } from './sentence.ts';
import { clockText, replicasText } from './text.ts';

/** What became of an evaluation's write. */
export type WriteOutcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'written' }
  /** `message` is the API server's. */
  | { readonly kind: 'failed'; readonly message: string };

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
      return afterFailure(input, evaluation, outcome.message);
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
  const history = recordScaling(input.history, direction, now);
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
    conditions: houseConditions(input, evaluation, { conditions: zeroMark(input, evaluation, noted), history }),
    desiredReplicas: to,
    lastScaleTime: formatTime(now),
    events: [
      ...evaluation.events,
      { type: 'Normal', reason: 'SuccessfulRescale', message: `New size: ${to}; reason: ${evaluation.rescaleReason}` },
    ],
    action: direction === 'up' ? 'scale_up' : 'scale_down',
  };
}

function afterFailure(input: EvaluationInput, evaluation: Evaluation, text: string): Conclusion {
  const { to } = evaluation.decision;
  const message = `${replicasText(to)} could not be set on ${input.target.kind}/${input.target.name}: ${text}`;
  const noted = withCondition(input, evaluation.conditions, { type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message });
  return {
    ...common(input, evaluation),
    conditions: houseConditions(input, evaluation, { conditions: noted, history: input.history }),
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

function withCondition(input: EvaluationInput, conditions: readonly Condition[], update: ConditionUpdate): Condition[] {
  const generation = input.generation === undefined ? {} : { observedGeneration: input.generation };
  return setCondition(conditions, { ...update, ...generation }, input.now);
}

/** Marks a target that the controller itself put to sleep, so that it may wake it (§8). */
function zeroMark(input: EvaluationInput, { decision }: Evaluation, conditions: readonly Condition[]): readonly Condition[] {
  if (!input.config.scaleToZero) return removeCondition(conditions, 'ScaledToZero');
  const asleep = decision.from > 0 && decision.to === 0 && input.spec.minReplicas === 0 && canWake(input.spec);
  return withCondition(input, conditions, {
    type: 'ScaledToZero',
    status: asleep ? 'True' : 'False',
    reason: asleep ? 'ScaledToZero' : 'NotScaledToZero',
    message: asleep ? 'the target sleeps at 0 replicas until a metric asks for more' : `the target has ${replicasText(decision.to)}`,
  });
}

/** CoolingDown and Held are the suite's own: native objects keep to upstream's conditions. */
function houseConditions(
  input: EvaluationInput,
  { decision }: Evaluation,
  { conditions, history }: { readonly conditions: readonly Condition[]; readonly history: ScalingHistory },
): readonly Condition[] {
  if (input.spec.native) return conditions;
  const hold = decision.to === decision.from ? decision.holds.findLast((each) => heldBy.has(each.by)) : undefined;
  return withCondition(input, withCondition(input, conditions, coolingUpdate(input, history)), {
    type: 'Held',
    status: hold === undefined ? 'False' : 'True',
    reason: hold === undefined ? 'NotHeld' : holdReasonName(hold.by),
    message: hold === undefined ? 'nothing holds the target back' : hold.message,
  });
}

/** Holds of the suite's own; upstream's show in AbleToScale, ScalingActive and ScalingLimited. */
const heldBy: ReadonlySet<string> = new Set(['cooldown', 'missing-data', 'conflict', 'dry-run', 'paused', 'not-leader']);

function coolingUpdate({ spec, now }: EvaluationInput, history: ScalingHistory): ConditionUpdate {
  const { cooldown } = spec;
  const up = checkCooldown(cooldown, history, 'up', now);
  const down = checkCooldown(cooldown, history, 'down', now);
  const parts = [
    ...(up.allowed ? [] : [`no scale-up before ${clockText(up.until)}`]),
    ...(down.allowed ? [] : [`no scale-down before ${clockText(down.until)}`]),
  ];
  return {
    type: 'CoolingDown',
    status: parts.length === 0 ? 'False' : 'True',
    reason: parts.length === 0 ? 'CooldownOver' : 'RecentlyScaled',
    message: parts.length === 0 ? 'no cooldown is running' : parts.join(', '),
  };
}
