import { parseTime, type Condition } from '../core/model/condition.ts';
import type { ScalingHistory } from '../core/model/cooldown.ts';
import type { KubeObject } from '../core/model/object.ts';
import type { NodePoolPolicyStatus } from './policy-status-schema.ts';

/** `status` as its schema names it; `{}` when there is none. */
export function statusOf(raw: KubeObject): Partial<NodePoolPolicyStatus> {
  return typeof raw.status === 'object' && raw.status !== null ? (raw.status as Partial<NodePoolPolicyStatus>) : {};
}

/** Stored conditions; anything malformed reads as absent. */
export function storedConditions({ conditions }: Partial<NodePoolPolicyStatus>): readonly Condition[] {
  const stored: unknown = conditions;
  return Array.isArray(stored) ? stored.filter((each): each is Condition => typeof each === 'object' && each !== null) : [];
}

/** When the groups of a policy were last scaled, by group, so that cooldowns outlive a restart; anything malformed reads as absent. */
export function historiesOf(raw: KubeObject): ReadonlyMap<string, ScalingHistory> {
  const stored: unknown = statusOf(raw).groups;
  const histories = new Map<string, ScalingHistory>();
  if (!Array.isArray(stored)) return histories;
  for (const group of stored as readonly unknown[]) {
    if (typeof group !== 'object' || group === null) continue;
    const { name, lastScaleUpTime, lastScaleDownTime } = group as Readonly<Record<string, unknown>>;
    if (typeof name === 'string') histories.set(name, { lastScaleUp: timeOf(lastScaleUpTime), lastScaleDown: timeOf(lastScaleDownTime) });
  }
  return histories;
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseTime(value) : undefined;
}
