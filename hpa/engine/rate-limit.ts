import { ceilInt32, maxInt32, minInt32, toInt32 } from './arithmetic.ts';
import type { ScaleEvent, ScalingBehavior, ScalingRule, ScalingRules } from './model.ts';

export type LimitReason = 'DesiredWithinRange' | 'ScaleUpLimit' | 'ScaleDownLimit' | 'TooManyReplicas' | 'TooFewReplicas';

export interface Limited {
  readonly replicas: number;
  readonly reason: LimitReason;
  /** The bound that applied (or would have). */
  readonly limit: number;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Without behavior (§7.1.3): at most `factor` times the size, but at least to `minimum`, in one evaluation. */
export function limitPerSync(
  { current, desired }: { readonly current: number; readonly desired: number },
  { min, max }: Bounds,
  growth: { readonly factor: number; readonly minimum: number },
): Limited {
  const growLimit = toInt32(Math.max(growth.factor * current, growth.minimum));
  const [top, reason]: [number, LimitReason] = max > growLimit ? [growLimit, 'ScaleUpLimit'] : [max, 'TooManyReplicas'];
  if (desired < min) return { replicas: min, reason: 'TooFewReplicas', limit: min };
  if (desired > top) return { replicas: top, reason, limit: top };
  return { replicas: desired, reason: 'DesiredWithinRange', limit: top };
}

export interface ScaleEvents {
  readonly up: readonly ScaleEvent[];
  readonly down: readonly ScaleEvent[];
}

/** With behavior (§7.2.3): relative to the size at the start of each policy's period. */
export function limitByRules(
  { current, desired }: { readonly current: number; readonly desired: number },
  { min, max }: Bounds,
  options: { readonly behavior: ScalingBehavior; readonly events: ScaleEvents; readonly now: number },
): Limited {
  const { behavior, events, now } = options;
  if (desired > current) {
    const limit = Math.max(scaleUpLimit(current, events, { rules: behavior.scaleUp, now }), current);
    const [top, reason]: [number, LimitReason] = max > limit ? [limit, 'ScaleUpLimit'] : [max, 'TooManyReplicas'];
    if (desired > top) return { replicas: top, reason, limit: top };
    return { replicas: desired, reason: 'DesiredWithinRange', limit: top };
  }
  if (desired < current) {
    const limit = Math.min(scaleDownLimit(current, events, { rules: behavior.scaleDown, now }), current);
    const [bottom, reason]: [number, LimitReason] = min < limit ? [limit, 'ScaleDownLimit'] : [min, 'TooFewReplicas'];
    if (desired < bottom) return { replicas: bottom, reason, limit: bottom };
    return { replicas: desired, reason: 'DesiredWithinRange', limit: bottom };
  }
  // Neither bound is enforced here when nothing moves: the forced branches do that.
  return { replicas: desired, reason: 'DesiredWithinRange', limit: current };
}

interface LimitOptions {
  readonly rules: ScalingRules;
  readonly now: number;
}

/** The highest size that the growth rules permit now, before the comparison with the current one. */
export function scaleUpLimit(current: number, events: ScaleEvents, { rules, now }: LimitOptions): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const permitted = rules.policies.map((policy) => {
    const start = periodStart(current, events, policy, now);
    return policy.type === 'Pods' ? toInt32(start + policy.value) : ceilInt32(start * (1 + policy.value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.min(maxInt32, ...permitted) : Math.max(minInt32, ...permitted);
}

/** The lowest size that the shrink rules permit now, before the comparison with the current one. */
export function scaleDownLimit(current: number, events: ScaleEvents, { rules, now }: LimitOptions): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const permitted = rules.policies.map((policy) => {
    const start = periodStart(current, events, policy, now);
    return policy.type === 'Pods' ? toInt32(start - policy.value) : toInt32(start * (1 - policy.value / 100));
  });
  // `Max` is the greatest change, which is the smallest size.
  return rules.selectPolicy === 'Min' ? Math.max(minInt32, ...permitted) : Math.min(maxInt32, ...permitted);
}

/** Size when the policy's period began: both directions enter both limits. */
function periodStart(current: number, events: ScaleEvents, policy: ScalingRule, now: number): number {
  const periodMs = policy.periodSeconds * 1000;
  return current - changeWithin(events.up, periodMs, now) + changeWithin(events.down, periodMs, now);
}

/** Sum of the changes that are strictly younger than the period. */
export function changeWithin(events: readonly ScaleEvent[], periodMs: number, now: number): number {
  const cutoff = now - periodMs;
  return events.reduce((total, event) => (event.at > cutoff ? total + event.change : total), 0);
}

/** The list after a scaling in the direction of `rules`; without behavior nothing is kept. */
export function storeScaleEvent(
  events: readonly ScaleEvent[],
  change: number,
  { rules, now }: { readonly rules: ScalingRules | undefined; readonly now: number },
): readonly ScaleEvent[] {
  if (rules === undefined) return events;
  const longestMs = Math.max(0, ...rules.policies.map((policy) => policy.periodSeconds)) * 1000;
  const entry: ScaleEvent = { change, at: now, outdated: false };
  let reusable: number | undefined;
  const marked = events.map((event, index) => {
    const outdated = event.outdated || event.at < now - longestMs;
    if (outdated) reusable = index;
    return outdated === event.outdated ? event : { ...event, outdated };
  });
  if (reusable === undefined) return [...marked, entry];
  marked[reusable] = entry;
  return marked;
}

/** When the next event leaves a period that counts it: the earliest moment at which a limit of this direction can move. */
export function nextBudgetAt(rules: ScalingRules, events: ScaleEvents, now: number): number | undefined {
  const ends = rules.policies.flatMap((policy) =>
    [...events.up, ...events.down].map((event) => event.at + policy.periodSeconds * 1000).filter((end) => end > now),
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
