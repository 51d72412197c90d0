import type { TraceStep } from '../../../core/model/decision.ts';
import type { BoundsStep, RateStep, RulesPart, StabilizationStep } from './explanation.ts';
import { numberOf } from './explain-metrics.ts';
import type { Evaluated } from './explain-sources.ts';
import { isoTime } from './time-text.ts';

function traced({ evaluation }: Evaluated, step: string): TraceStep | undefined {
  return evaluation.decision.trace.find((each) => each.step === step);
}

/** Which recent wish holds; null when no wish came about. */
export function explainStabilization(evaluated: Evaluated, stored: StabilizationStep['stored']): StabilizationStep | null {
  const step = traced(evaluated, 'stabilization');
  if (step === undefined) return null;
  const { wish, replicas, windowSeconds, winnerReplicas, winnerAt } = step.values;
  const length = numberOf(windowSeconds) ?? 0;
  const at = numberOf(winnerAt);
  const held = numberOf(winnerReplicas);
  return {
    message: step.message,
    windowSeconds: length,
    wish: numberOf(wish) ?? 0,
    replicas: numberOf(replicas) ?? 0,
    holds: at === null || held === null ? null : { replicas: held, at: isoTime(at) ?? '', until: isoTime(at + length * 1000) ?? '' },
    stored,
  };
}

/** How far one evaluation may go; null when no wish came about. */
export function explainRate(evaluated: Evaluated): RateStep | null {
  if (traced(evaluated, 'stabilization') === undefined) return null;
  const { behavior } = evaluated.input.spec;
  const limiting = traced(evaluated, 'rate-limit');
  const { scaleUpLimitFactor: factor, scaleUpLimitMinimum: minimum } = evaluated.input.config;
  return {
    limited: limiting !== undefined,
    message: limiting?.message ?? 'Not limited',
    builtIn: behavior === undefined ? { factor, minimum } : null,
    behavior: behavior === undefined ? null : { scaleUp: rulesPart(behavior.scaleUp), scaleDown: rulesPart(behavior.scaleDown) },
  };
}

type Rules = NonNullable<Evaluated['input']['spec']['behavior']>['scaleUp'];

function rulesPart({ selectPolicy, stabilizationWindowSeconds, tolerance, policies }: Rules): RulesPart {
  return {
    selectPolicy,
    stabilizationWindowSeconds: stabilizationWindowSeconds ?? null,
    tolerance: tolerance ?? null,
    policies: policies.map(({ type, value, periodSeconds }) => ({ type, value, periodSeconds })),
  };
}

/** What minReplicas and maxReplicas are now, and when schedules change them. */
export function explainBounds(evaluated: Evaluated): BoundsStep {
  const { evaluation, input } = evaluated;
  const { min, max, minFrom = null, maxFrom = null, schedules } = evaluation.bounds;
  const step = traced(evaluated, 'bounds');
  return {
    message: step?.message ?? 'Not limited',
    limited:
      evaluation.decision.holds.some(({ by }) => by === 'bounds') || evaluation.branch === 'above-max' || evaluation.branch === 'below-min',
    min,
    max,
    policyMin: input.spec.minReplicas,
    policyMax: input.spec.maxReplicas,
    minFrom,
    maxFrom,
    schedules: (schedules?.active ?? []).map(({ schedule, phase, step: ramp, until }) => ({
      name: schedule.name,
      phase,
      step: ramp,
      until: isoTime(until),
      minReplicas: schedule.minReplicas ?? null,
      maxReplicas: schedule.maxReplicas ?? null,
    })),
    next: schedules?.next === undefined ? null : { name: schedules.next.name, opensAt: isoTime(schedules.next.opensAt) ?? '' },
    nextChangeAt: isoTime(schedules?.nextChangeAt),
  };
}
