import { formatTime, parseTime, type Condition } from '../core/model/condition.ts';
import type { ScalingHistory } from '../core/model/cooldown.ts';
import type { KubeObject } from '../core/model/object.ts';
import type { FailureCount, HpaState, PreviousStatus } from './engine/index.ts';
import type { HorizontalPolicyStatus } from './policy-schema.ts';

/** The stored status as far as the next evaluation reads it; anything malformed reads as absent. */
export function previousStatus(raw: KubeObject): PreviousStatus {
  const status = statusOf(raw);
  const stored: readonly unknown[] = Array.isArray(status.conditions) ? status.conditions : [];
  const conditions = stored.filter((each): each is Condition => typeof each === 'object' && each !== null);
  return { conditions, currentReplicas: status.currentReplicas ?? 0, desiredReplicas: status.desiredReplicas ?? 0 };
}

/** When the target was last scaled, from status, so that cooldowns outlive a restart. */
export function historyOf(raw: KubeObject): ScalingHistory {
  const status = statusOf(raw);
  return { lastScaleUp: parseTime(status.lastScaleUpTime), lastScaleDown: parseTime(status.lastScaleDownTime) };
}

/** A scaling as status notes it before it is made. */
export interface PendingScaling {
  readonly from: number;
  readonly to: number;
  /** Epoch milliseconds, whole seconds. */
  readonly at: number;
}

/** `status.pendingScaling`; anything malformed reads as absent. */
export function pendingScalingOf({ pendingScaling: stored }: Partial<HorizontalPolicyStatus>): PendingScaling | undefined {
  const { from, to, at } = (stored ?? {}) as Partial<NonNullable<HorizontalPolicyStatus['pendingScaling']>>;
  const time = typeof at === 'string' ? parseTime(at) : undefined;
  return isCount(from) && isCount(to) && from !== to && time !== undefined ? { from, to, at: time } : undefined;
}

/** `status` as its schema names it; `{}` when there is none. */
export function statusOf(raw: KubeObject): Partial<HorizontalPolicyStatus> {
  return typeof raw.status === 'object' && raw.status !== null ? (raw.status as Partial<HorizontalPolicyStatus>) : {};
}

/** `status.failingMetrics` as it is to be written; `undefined` when every metric works, which takes the field away. */
export function failingMetrics({ failures = [] }: Pick<HpaState, 'failures'>): HorizontalPolicyStatus['failingMetrics'] {
  if (failures.length === 0) return undefined;
  return failures.map(({ index, metric, failures: count, since }) => ({
    index,
    metric: metric.slice(0, 1024),
    failures: count,
    since: formatTime(since),
  }));
}

/** What is remembered of a policy when nothing is in memory: the failures of its metrics, from status. Anything malformed reads as absent. */
export function restoredState(raw: KubeObject): HpaState {
  const { failingMetrics: stored } = statusOf(raw);
  const failures = Array.isArray(stored) ? stored.map(failureOf).filter((each) => each !== undefined) : [];
  return { recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [], ...(failures.length === 0 ? {} : { failures }) };
}

function failureOf(stored: Partial<NonNullable<HorizontalPolicyStatus['failingMetrics']>[number]> | null): FailureCount | undefined {
  const { index, metric, failures, since } = stored ?? {};
  const at = parseTime(since);
  if (typeof metric !== 'string' || at === undefined || !isCount(index) || !isCount(failures) || failures < 1) return undefined;
  return { index, metric, failures, since: at, countedAt: undefined };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}
