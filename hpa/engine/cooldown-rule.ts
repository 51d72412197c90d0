import { checkCooldown, type CooldownVerdict, type ScalingHistory } from '../../core/model/cooldown.ts';
import type { HouseRule } from './house-rule.ts';
import type { MetricProposal } from './metric.ts';
import type { ScalingSpec } from './model.ts';
import { capitalized, clockText, durationText, ratioText } from './text.ts';

export interface CooldownInput {
  readonly spec: ScalingSpec;
  readonly from: number;
  readonly to: number;
  /** The size was below the floor and is corrected: its name, `minReplicas 3`. */
  readonly correction?: string | undefined;
  /** The metric that asks for most. */
  readonly winner?: MetricProposal | undefined;
  readonly history: ScalingHistory;
  readonly now: number;
}

/** Whether the last scalings are long enough ago, or why it does not matter. */
export function cooldownRule(input: CooldownInput): HouseRule | undefined {
  const { spec, from, to, history, now } = input;
  const direction = to > from ? 'up' : 'down';
  const length = direction === 'up' ? spec.cooldown.scaleUpMs : spec.cooldown.scaleDownMs;
  if (length <= 0) return undefined;
  const verdict = checkCooldown(spec.cooldown, history, direction, now);
  const values = {
    direction,
    cooldownSeconds: length / 1000,
    since: verdict.allowed ? null : verdict.since,
    until: verdict.allowed ? null : verdict.until,
  };
  const passed = passText(input, { verdict, direction, length });
  if (passed !== undefined || verdict.allowed) {
    return { step: { step: 'cooldown', message: passed ?? '', values: { ...values, held: false } } };
  }
  const message = capitalized(
    `scale-${direction} from ${from} to ${to} waits until ${clockText(verdict.until)}: last ${direction === 'up' ? 'scale-up' : 'scaling'} at ${clockText(verdict.since)}, cooldown ${durationText(length)}`,
  );
  return {
    hold: { by: 'cooldown', until: verdict.until, message },
    step: { step: 'cooldown', message, values: { ...values, held: true } },
  };
}

/** Why the scaling need not wait; `undefined`: it must. */
function passText(
  { from, correction, winner, spec }: CooldownInput,
  { verdict, direction, length }: { readonly verdict: CooldownVerdict; readonly direction: 'up' | 'down'; readonly length: number },
): string | undefined {
  if (verdict.allowed) {
    return `No ${direction === 'up' ? 'scale-up' : 'scaling'} in the last ${durationText(length)}: scaling ${direction} is allowed`;
  }
  if (direction === 'down') return undefined;
  const scaled = `Scaled at ${clockText(verdict.since)}, but`;
  // A floor and the first replica stand for availability, which does not wait.
  if (correction !== undefined) return `${scaled} a correction up to ${correction} does not wait for the cooldown`;
  if (from === 0) return `${scaled} waking from 0 replicas does not wait for the cooldown`;
  return panicText(spec.panicRatio, winner, scaled);
}

/**
 * A load far above the target. Not on degraded data: its last answer is held, and would grow the target again at every evaluation.
 */
function panicText(panicRatio: number | undefined, winner: MetricProposal | undefined, scaled: string): string | undefined {
  if (panicRatio === undefined || winner?.ratio === undefined || winner.degraded !== undefined) return undefined;
  if (winner.ratio <= panicRatio) return undefined;
  return `${scaled} ${winner.observed} is ${ratioText(winner.ratio)} times the target, above panicRatio ${panicRatio}: it does not wait for the cooldown`;
}
