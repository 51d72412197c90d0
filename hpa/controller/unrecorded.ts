import { isConcertinaError } from '../../core/errors.ts';
import { recordScaling, type ScalingHistory } from '../../core/model/cooldown.ts';
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
  /** This process has not evaluated the policy before. */
  readonly first: boolean;
  readonly status: Partial<HorizontalPolicyStatus>;
  readonly specReplicas: number;
  readonly now: number;
}

/**
 * The history with a scaling that happened but was never written down, so that no cooldown is lost:
 *
 * - a write whose answer was lost counts from when it was sent, once the scale shows its number;
 * - at the first look after a start, a scale that is not the one that status names may be the last act of a copy that died between the
 *   scale and its status: it counts from now. (If a person changed it meanwhile, one cooldown is waited for too much.)
 */
export function withUnrecorded(facts: UnrecordedFacts): ScalingHistory {
  const { history, unsure, first, status, specReplicas, now } = facts;
  if (unsure !== undefined && unsure.to === specReplicas) {
    return recordScaling(history, unsure.to > unsure.from ? 'up' : 'down', unsure.at);
  }
  const { desiredReplicas } = status;
  const decidedBefore = status.lastDecision !== undefined && desiredReplicas !== undefined;
  if (first && decidedBefore && desiredReplicas !== specReplicas) {
    return recordScaling(history, specReplicas > desiredReplicas ? 'up' : 'down', now);
  }
  return history;
}
