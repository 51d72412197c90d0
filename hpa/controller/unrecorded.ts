import { isConcertinaError } from '../../core/errors.ts';
import { recordScaling, type ScalingHistory } from '../../core/model/cooldown.ts';
import type { PendingScaling } from '../policy.ts';
import type { HorizontalPolicyStatus } from '../policy-schema.ts';

/** A write of which it is not known whether it was carried out: the answer was lost. */
export interface UnsureWrite {
  readonly from: number;
  readonly to: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** True when the server may have done what it was asked although the call failed (no answer, or a 5xx after the fact). */
export function outcomeUnknown(error: unknown): boolean {
  if (isConcertinaError(error, 'API_STATUS')) {
    const { code } = (error as { status?: { code?: number } }).status ?? {};
    return code !== undefined && code >= 500;
  }
  return isConcertinaError(error, 'API_UNREACHABLE') || isConcertinaError(error, 'API_ANSWER_INVALID');
}

export interface UnrecordedFacts {
  readonly history: ScalingHistory;
  readonly unsure: UnsureWrite | undefined;
  /** What an earlier process was about to do; looked at only at the first look. */
  readonly pending: PendingScaling | undefined;
  /** This process has not evaluated the policy before. */
  readonly first: boolean;
  readonly status: Partial<HorizontalPolicyStatus>;
  readonly specReplicas: number;
  readonly now: number;
}

/** Within what time after its record a scaling was made: the record may be ten seconds old when the write begins, which takes half a minute at most. */
const latestMs = 40_000;

/**
 * The history with a scaling that happened but was never written down, so that no cooldown is lost:
 *
 * - a write whose answer was lost counts from when it was sent, unless the scale shows the size from before. It counts also where the scale shows a third size:
 *   somebody may have changed it since;
 * - at the first look after a start, the scaling that an earlier process noted in status before it made it counts in the same way, from when it was made at the latest;
 * - at the first look, too, a scale that is neither what was noted nor what status names may be the last act of a copy that could write no status: it counts
 *   from now. (If a person changed it meanwhile, one cooldown is waited for too much.)
 */
export function withUnrecorded(facts: UnrecordedFacts): ScalingHistory {
  const { history, unsure, pending, first, status, specReplicas, now } = facts;
  if (unsure !== undefined && unsure.from !== specReplicas) {
    return recordScaling(history, unsure.to > unsure.from ? 'up' : 'down', unsure.at);
  }
  if (!first) return history;
  const known = pending === undefined || pending.from === specReplicas ? history : withPending(history, pending, now);
  if (pending?.to === specReplicas) return known;
  const { desiredReplicas } = status;
  const decidedBefore = status.lastDecision !== undefined && desiredReplicas !== undefined;
  if (decidedBefore && desiredReplicas !== specReplicas) {
    return recordScaling(known, specReplicas > desiredReplicas ? 'up' : 'down', now);
  }
  return known;
}

function withPending(history: ScalingHistory, { from, to, at }: PendingScaling, now: number): ScalingHistory {
  const direction = to > from ? 'up' : 'down';
  const before = direction === 'up' ? history.lastScaleUp : history.lastScaleDown;
  return recordScaling(history, direction, Math.max(before ?? 0, Math.min(now, at + latestMs)));
}
