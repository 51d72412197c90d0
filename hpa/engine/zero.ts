import { findCondition, removeCondition, type Condition } from '../../core/model/condition.ts';
import type { TraceStep } from '../../core/model/decision.ts';
import { withCondition } from './condition-update.ts';
import { outcome, targetName, type Draft, type Evaluation } from './evaluation.ts';
import type { EvaluationInput, MetricSpec } from './model.ts';
import { replicasText } from './text.ts';

/**
 * Zero means two things. *Asleep*: the controller itself has set 0, because nothing asks for a replica; condition ScaledToZero is True, and a metric that asks for one
 * wakes the target. *Paused*: somebody else has set 0, which stops autoscaling until somebody sets 1 or more (§8).
 */
export function isAsleep({ status, config }: Pick<EvaluationInput, 'status' | 'config'>): boolean {
  return config.scaleToZero && findCondition(status.conditions, 'ScaledToZero')?.status === 'True';
}

/** Only a metric that exists without pods can wake the target. */
export function canWake({ metrics }: Pick<EvaluationInput['spec'], 'metrics'>): boolean {
  return metrics.some(({ type }) => type === 'Object' || type === 'External' || type === 'Prometheus');
}

/** Measured in pods, and so not at zero replicas. */
export function isPodMetric({ type }: Pick<MetricSpec, 'type'>): boolean {
  return type === 'Resource' || type === 'ContainerResource' || type === 'Pods';
}

/** Zero replicas that nobody but a person set: autoscaling is paused. */
export function disabled(draft: Draft): Evaluation {
  const { input } = draft;
  const message = `scaling is disabled: ${targetName(input)} is paused, since its 0 replicas were set by somebody else than this policy; set 1 or more to resume`;
  const noted = withCondition(input, draft.conditions, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message });
  return {
    ...outcome(draft, { to: 0, wanted: null, reason: 'ScalingDisabled', cause: message, holds: [] }),
    branch: 'disabled',
    conditions: input.config.scaleToZero ? noted : removeCondition(noted, 'ScaledToZero'),
    proposed: 0,
  };
}

/** That the target sleeps, and what would wake it; `[]` when it has replicas. */
export function sleepSteps({ scale, status, spec, config }: EvaluationInput): TraceStep[] {
  if (scale.specReplicas !== 0) return [];
  const since = findCondition(status.conditions, 'ScaledToZero')?.lastTransitionTime;
  const first =
    spec.behavior === undefined ? `to ${config.scaleUpLimitMinimum} at most in the first step` : 'to as many as behavior.scaleUp permits';
  return [
    {
      step: 'asleep',
      message: `Asleep at 0 replicas${since === undefined ? '' : ` since ${since}`}: wakes, without waiting for a cooldown, when a metric asks for 1 or more, ${first}`,
      values: { since: since ?? null },
    },
  ];
}

/** What the mark says that tells both zeros apart. `unsure`: nobody knows whether the write of a zero went through. */
type ZeroMark = 'asleep' | 'parked' | 'unsure' | 'awake';

const markReasons: Readonly<Record<ZeroMark, string>> = {
  asleep: 'ScaledToZero',
  parked: 'PausedAtZero',
  unsure: 'ScaleToZeroUnconfirmed',
  awake: 'NotScaledToZero',
};

/** After a write: marks a target that the controller itself put to sleep, so that it may wake it (§8). */
export function afterScaling(
  input: EvaluationInput,
  { decision, bounds, branch }: Pick<Evaluation, 'decision' | 'bounds' | 'branch'>,
  conditions: readonly Condition[],
): readonly Condition[] {
  const { from, to } = decision;
  if (branch === 'parked' && to === 0) return markZero(input, conditions, 'parked');
  const asleep = from > 0 && to === 0 && bounds.min === 0 && canWake(input.spec);
  return markZero(input, conditions, asleep ? 'asleep' : 'awake', replicasText(to));
}

/**
 * After a write of which the answer was lost: a zero that is found later is ours, and no pause by hand. Upstream does not mark it, so that its
 * target sleeps until somebody wakes it.
 */
export function afterLostWrite(
  input: EvaluationInput,
  evaluation: Pick<Evaluation, 'decision' | 'bounds' | 'branch'>,
  conditions: readonly Condition[],
): readonly Condition[] {
  const { from, to } = evaluation.decision;
  return input.spec.native || from === 0 || to !== 0 ? conditions : markZero(input, conditions, 'unsure');
}

/**
 * The input of a target whose 0 replicas the controller is known to have set itself although status does not say so, since it could not be written: it sleeps
 * like any other. Native objects stay as they are, as upstream.
 */
export function withOwnZero(input: EvaluationInput): EvaluationInput {
  const { spec, scale, status } = input;
  if (spec.native || scale.specReplicas !== 0 || isAsleep(input)) return input;
  return { ...input, status: { ...status, conditions: markZero(input, status.conditions, 'asleep') } };
}

/** A target with replicas is awake, whoever woke it: a zero that somebody sets later is a pause. Upstream goes by its own writes only. */
export function seenAwake(input: EvaluationInput, conditions: readonly Condition[]): readonly Condition[] {
  const { spec, scale } = input;
  if (spec.native || scale.specReplicas === 0 || !isAsleep(input)) return conditions;
  return markZero(input, conditions, 'awake', replicasText(scale.specReplicas));
}

/** A target that an annotation keeps at 0 wakes by itself when the annotation goes. */
export function markZero(input: EvaluationInput, conditions: readonly Condition[], mark: ZeroMark, size = ''): readonly Condition[] {
  if (!input.config.scaleToZero) return removeCondition(conditions, 'ScaledToZero');
  const messages: Readonly<Record<ZeroMark, string>> = {
    asleep: 'the target sleeps at 0 replicas until a metric asks for more',
    parked: `the target is kept at 0 replicas by ${input.spec.pause?.annotation ?? 'an annotation'}; remove it to resume`,
    unsure: 'the target may sleep at 0 replicas: the answer to the last write is missing',
    awake: `the target has ${size}`,
  };
  return withCondition(input, conditions, {
    type: 'ScaledToZero',
    status: mark === 'awake' ? 'False' : 'True',
    reason: markReasons[mark],
    message: messages[mark],
  });
}
