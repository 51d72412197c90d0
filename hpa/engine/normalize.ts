import type { Hold, TraceStep } from '../../core/model/decision.ts';
import type { EngineConfig, HpaState, ScalingBehavior, ScalingRules } from './model.ts';
import { limitByRules, limitPerSync, nextBudgetAt, type Bounds, type Limited, type LimitReason } from './rate-limit.ts';
import { stabilize, stabilizeWithBehavior, type Stabilized } from './stabilization.ts';
import { capitalized, clockText, durationText, replicasText } from './text.ts';

/** Bounds with the names of the schedules that they come from. */
export interface NamedBounds extends Bounds {
  readonly minFrom?: string | undefined;
  readonly maxFrom?: string | undefined;
}

export interface NormalizeInput {
  readonly current: number;
  /** What the metrics ask for. */
  readonly wish: number;
  readonly bounds: NamedBounds;
  readonly behavior: ScalingBehavior | undefined;
  /** With a list of recommendations. */
  readonly state: HpaState;
  readonly now: number;
  readonly config: EngineConfig;
}

/** A reason and sentence for a condition. */
export interface Note {
  readonly reason: string;
  readonly message: string;
}

export interface Normalized {
  readonly replicas: number;
  readonly state: HpaState;
  /** For AbleToScale (always True here). */
  readonly able: Note;
  /** For ScalingLimited; True when the result was limited. */
  readonly limited: Note & { readonly active: boolean };
  readonly holds: readonly Hold[];
  readonly trace: readonly TraceStep[];
}

/** Stabilisation, then limits: §7.1 without behavior, §7.2 with it. */
export function normalize(input: NormalizeInput): Normalized {
  const stabilized = runStabilization(input);
  const limited = runLimit(input, stabilized.replicas);
  const able = ableNote(input, stabilized);
  const limitNote = limitedNote(input, stabilized.replicas, limited);
  const holds: Hold[] = [];
  if (stabilized.replicas !== input.wish) holds.push(stabilizationHold(stabilized, able.message));
  if (limitNote.active) holds.push(limitHold(input, limited.reason, limitNote.message));
  return {
    replicas: limited.replicas,
    state: { ...input.state, recommendations: stabilized.recommendations },
    able,
    limited: limitNote,
    holds,
    trace: traceOf(input, { stabilized, limited, able, limitNote }),
  };
}

function runStabilization({ current, wish, behavior, state, now, config }: NormalizeInput): Stabilized {
  const recommendations = state.recommendations ?? [];
  if (behavior === undefined) return stabilize(recommendations, wish, { windowMs: config.downscaleStabilizationMs, now });
  return stabilizeWithBehavior(
    recommendations,
    { current, wish },
    { upMs: windowMs(behavior.scaleUp, 0), downMs: windowMs(behavior.scaleDown, config.downscaleStabilizationMs), now },
  );
}

function windowMs(rules: ScalingRules, fallbackMs: number): number {
  return rules.stabilizationWindowSeconds === undefined ? fallbackMs : rules.stabilizationWindowSeconds * 1000;
}

function runLimit({ current, bounds, behavior, state, now, config }: NormalizeInput, desired: number): Limited {
  if (behavior === undefined) {
    return limitPerSync({ current, desired }, bounds, { factor: config.scaleUpLimitFactor, minimum: config.scaleUpLimitMinimum });
  }
  return limitByRules({ current, desired }, bounds, { behavior, events: { up: state.scaleUpEvents, down: state.scaleDownEvents }, now });
}

function ableNote({ current, wish, behavior }: NormalizeInput, stabilized: Stabilized): Note {
  if (stabilized.replicas === wish)
    return { reason: 'ReadyForNewScale', message: `the wish of ${replicasText(wish)} agrees with the recent ones` };
  const up = behavior !== undefined && wish >= current;
  const { winner } = stabilized;
  const since = winner === undefined ? '' : ` of ${clockText(winner.at)}`;
  const window = durationText(stabilized.windowMs);
  return {
    reason: up ? 'ScaleUpStabilized' : 'ScaleDownStabilized',
    message: `${replicasText(wish)} wanted, but the ${up ? 'lowest' : 'highest'} wish of the last ${window} applies: ${replicasText(stabilized.replicas)}${since}`,
  };
}

function limitedNote(
  { current, bounds, behavior }: NormalizeInput,
  desired: number,
  limited: Limited,
): Note & { readonly active: boolean } {
  const active = limited.replicas !== desired;
  const { reason, limit } = limited;
  const asked = `${replicasText(desired)} asked for`;
  switch (reason) {
    case 'DesiredWithinRange':
      return { active, reason, message: `${replicasText(desired)} is within minReplicas ${bounds.min} and maxReplicas ${bounds.max}` };
    case 'TooManyReplicas':
      return { active, reason, message: `${asked}, but maxReplicas is ${bounds.max}${scheduleText(bounds.maxFrom)}` };
    case 'TooFewReplicas':
      return { active, reason, message: `${asked}, but minReplicas is ${bounds.min}${scheduleText(bounds.minFrom)}` };
    case 'ScaleUpLimit':
      return {
        active,
        reason,
        message: `${asked}, but growth from ${current} is limited to ${limit} ${behavior === undefined ? 'in one step' : 'by behavior.scaleUp'} now`,
      };
    case 'ScaleDownLimit':
      return { active, reason, message: `${asked}, but shrinking from ${current} is limited to ${limit} by behavior.scaleDown now` };
  }
}

function scheduleText(name: string | undefined): string {
  return name === undefined ? '' : ` (schedule ${name})`;
}

function stabilizationHold({ winner, windowMs: window }: Stabilized, message: string): Hold {
  return { by: 'stabilization', ...(winner === undefined ? {} : { until: winner.at + window }), message: capitalized(message) };
}

function limitHold({ behavior, state, now }: NormalizeInput, reason: LimitReason, text: string): Hold {
  const message = capitalized(text);
  if (reason === 'TooManyReplicas' || reason === 'TooFewReplicas') return { by: 'bounds', message };
  if (behavior === undefined) return { by: 'rate-limit', message };
  const rules = reason === 'ScaleUpLimit' ? behavior.scaleUp : behavior.scaleDown;
  const until = nextBudgetAt(rules, { up: state.scaleUpEvents, down: state.scaleDownEvents }, now);
  return { by: 'rate-limit', ...(until === undefined ? {} : { until }), message };
}

function traceOf(
  { current, wish, bounds }: NormalizeInput,
  parts: { readonly stabilized: Stabilized; readonly limited: Limited; readonly able: Note; readonly limitNote: Note },
): TraceStep[] {
  const { stabilized, limited, able, limitNote } = parts;
  return [
    {
      step: 'stabilization',
      message: able.message,
      values: {
        wish,
        replicas: stabilized.replicas,
        reason: able.reason,
        windowSeconds: stabilized.windowMs / 1000,
        winnerReplicas: stabilized.winner?.replicas ?? null,
        winnerAt: stabilized.winner?.at ?? null,
        recommendations: stabilized.recommendations.length,
      },
    },
    {
      step: limited.reason === 'ScaleUpLimit' || limited.reason === 'ScaleDownLimit' ? 'rate-limit' : 'bounds',
      message: limitNote.message,
      values: {
        current,
        asked: stabilized.replicas,
        replicas: limited.replicas,
        limit: limited.limit,
        minReplicas: bounds.min,
        maxReplicas: bounds.max,
        reason: limited.reason,
      },
    },
  ];
}
