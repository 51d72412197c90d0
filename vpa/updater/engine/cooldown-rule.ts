import { checkCooldown, type CooldownPolicy, type ScalingDirection, type ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Hold, TraceStep } from '../../../core/model/decision.ts';
import { clockText, durationText } from './sentence.ts';

/** What one rule says of a pod: a step of the trace, and a hold when it stops the update. */
export interface RuleResult {
  readonly step: TraceStep;
  readonly hold?: Hold | undefined;
}

export interface CooldownInput {
  readonly policy: CooldownPolicy;
  readonly history: ScalingHistory;
  readonly direction: ScalingDirection;
  /** The pod runs out of memory soon after each start: what grows does not wait. */
  readonly quickOom: boolean;
  readonly now: number;
}

/** Whether the last update of the workload is long enough ago; `undefined`: there is no such rule. */
export function cooldownRule({ policy, history, direction, quickOom, now }: CooldownInput): RuleResult | undefined {
  const length = direction === 'up' ? policy.scaleUpMs : policy.scaleDownMs;
  if (length <= 0) return undefined;
  const verdict = checkCooldown(policy, history, direction, now);
  const grow = direction === 'up' ? 'an update that grows' : 'an update that only shrinks';
  if (verdict.allowed) {
    const message = `${grow} is allowed: the last one that counts is at least ${durationText(length)} ago`;
    return { step: { step: 'cooldown', message, values: { direction, cooldownSeconds: length / 1000, held: false, until: null } } };
  }
  const values = { direction, cooldownSeconds: length / 1000, until: verdict.until };
  if (direction === 'up' && quickOom) {
    const message = `updated at ${clockText(verdict.since)}, but a pod that runs out of memory soon after its start does not wait for the cooldown`;
    return { step: { step: 'cooldown', message, values: { ...values, held: false } } };
  }
  const message = `${grow} waits until ${clockText(verdict.until)}: last ${direction === 'up' ? 'growth' : 'update'} at ${clockText(verdict.since)}, cooldown ${durationText(length)}`;
  return {
    step: { step: 'cooldown', message, values: { ...values, held: true } },
    hold: { by: 'cooldown', until: verdict.until, message },
  };
}
