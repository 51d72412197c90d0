/** Cooldowns of one subject. 0 turns one off. House rule: 3 minutes between scale-ups, 5 minutes from any scaling to a scale-down. */
export interface CooldownPolicy {
  /** Milliseconds between two scale-ups. */
  readonly scaleUpMs: number;
  /** Milliseconds from any scaling, up or down, to a scale-down. */
  readonly scaleDownMs: number;
}

export const defaultCooldown: CooldownPolicy = { scaleUpMs: 180_000, scaleDownMs: 300_000 };

/** When the subject was last scaled, epoch milliseconds; kept in status so that it outlives a restart. */
export interface ScalingHistory {
  readonly lastScaleUp?: number | undefined;
  readonly lastScaleDown?: number | undefined;
}

export type ScalingDirection = 'up' | 'down';

export type CooldownVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly rule: 'scale-up-cooldown' | 'scale-down-cooldown';
      /** The scaling that the cooldown counts from, epoch milliseconds. */
      readonly since: number;
      /** First instant at which the scaling is allowed, epoch milliseconds. */
      readonly until: number;
    };

/**
 * Whether a scaling in this direction may happen now. A scaling is allowed at exactly `until`. A history that lies in the future
 * (a clock that stepped back, a status edited by hand) holds for at most one full cooldown from now, never for ever.
 */
export function checkCooldown(policy: CooldownPolicy, history: ScalingHistory, direction: ScalingDirection, now: number): CooldownVerdict {
  const length = direction === 'up' ? policy.scaleUpMs : policy.scaleDownMs;
  const last = direction === 'up' ? history.lastScaleUp : latest(history.lastScaleUp, history.lastScaleDown);
  if (last === undefined || length <= 0) return { allowed: true };
  const since = Math.min(last, now);
  const until = since + length;
  if (now >= until) return { allowed: true };
  return { allowed: false, rule: direction === 'up' ? 'scale-up-cooldown' : 'scale-down-cooldown', since, until };
}

/** The history after a scaling that happened at `now`. */
export function recordScaling(history: ScalingHistory, direction: ScalingDirection, now: number): ScalingHistory {
  return direction === 'up' ? { ...history, lastScaleUp: now } : { ...history, lastScaleDown: now };
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.max(a, b);
}
