import type { Condition } from '../../core/model/condition.ts';
import type { Decision, Hold, TraceStep } from '../../core/model/decision.ts';
import type { EffectiveBounds } from './effective-bounds.ts';
import type { FallbackState } from './fallback.ts';
import type { EvaluationInput, EventNote, HpaState, MetricLabels, MetricStatus } from './model.ts';
import { decisionSentence, type DecisionFacts } from './sentence.ts';
import { capitalized } from './text.ts';

/** Which of the controller's branches an evaluation took. `parked`: an annotation says how many replicas there shall be. */
export type EvaluationBranch = 'disabled' | 'parked' | 'above-max' | 'below-min' | 'metrics' | 'failed';

/** An evaluation before anything is written. */
export interface Evaluation {
  readonly branch: EvaluationBranch;
  readonly decision: Decision;
  /** Replicas to set; `undefined`: leave the scale alone. */
  readonly write: number | undefined;
  /** What upstream's rules decide, before cooldowns and mode. */
  readonly proposed: number;
  /** In upstream's rescale event. */
  readonly rescaleReason: string;
  readonly state: HpaState;
  readonly conditions: readonly Condition[];
  readonly currentMetrics: readonly MetricStatus[];
  /** `cpu 186%/80%` for kubectl get; `undefined` when metrics were not read. */
  readonly targets: string | undefined;
  readonly events: readonly EventNote[];
  readonly metricLabels: readonly MetricLabels[];
  /** Why the evaluation ends with an error, although it may scale. */
  readonly error: string | undefined;
  /** What minReplicas and maxReplicas were taken to be. */
  readonly bounds: EffectiveBounds;
  /** What stands in for failed metrics; `undefined`: metrics were not read, or the policy has no fallback. */
  readonly fallback: FallbackState | undefined;
  /** False for a floor that a schedule raises: it is no answer to a load, so the next growth need not wait for it. */
  readonly startsCooldown: boolean;
}

/** What every branch begins with. */
export interface Draft {
  readonly input: EvaluationInput;
  readonly bounds: EffectiveBounds;
  readonly state: HpaState;
  readonly conditions: readonly Condition[];
  readonly trace: readonly TraceStep[];
}

/** `Deployment/web` */
export function targetName({ target }: Pick<EvaluationInput, 'target'>): string {
  return `${target.kind}/${target.name}`;
}

export interface OutcomeFacts extends Pick<DecisionFacts, 'cause' | 'formula' | 'failures' | 'asleep'> {
  readonly to: number;
  readonly wanted: number | null;
  readonly reason: string;
  readonly holds: readonly Hold[];
  /** When the cause says already what the holds say. */
  readonly sentenceHolds?: readonly Hold[];
  /** Default true. */
  readonly startsCooldown?: boolean;
}

/** The parts that every branch fills alike. */
export function outcome({ input, bounds, state, conditions, trace }: Draft, facts: OutcomeFacts): Omit<Evaluation, 'branch'> {
  const from = input.scale.specReplicas;
  const { to, wanted, reason, holds, startsCooldown = true } = facts;
  const { cause, formula, failures, asleep } = facts;
  const message = decisionSentence({
    from,
    to,
    cause,
    formula,
    failures,
    asleep,
    holds: facts.sentenceHolds ?? holds,
    cooldown: startsCooldown ? input.spec.cooldown : undefined,
    now: input.now,
  });
  const decision: Decision = {
    controller: 'hpa',
    subject: input.subject,
    target: input.target,
    at: input.now,
    from,
    to,
    wanted,
    reason,
    message,
    holds,
    trace: [...trace, { step: 'decision', message: capitalized(message), values: { from, to, wanted, reason } }],
  };
  return {
    decision,
    write: to === from ? undefined : to,
    proposed: to,
    rescaleReason: '',
    state,
    conditions,
    currentMetrics: [],
    targets: undefined,
    events: [],
    metricLabels: [],
    error: undefined,
    bounds,
    fallback: undefined,
    startsCooldown,
  };
}
