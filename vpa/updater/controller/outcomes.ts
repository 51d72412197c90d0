import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { Status } from '../../../core/kube/api.ts';
import { isForbidden, isNotFound, isTooManyRequests } from '../../../core/kube/status-error.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { ActionOutcome } from '../engine/index.ts';

export interface OutcomeFacts {
  readonly pod: PodRecord;
  /** What was tried: `eviction`, `resize`, `roll`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** Names of the budgets that the pod is under, where they are known. */
  readonly budgets: readonly string[];
}

/** What a failure of the API comes to. */
export function outcomeOf(error: unknown, facts: OutcomeFacts): ActionOutcome {
  const { pod, what, signal } = facts;
  if (isConcertinaError(error, 'FENCED')) return fenced(error, what);
  if (isNotFound(error)) return { result: 'gone', message: `pod ${pod.name} is not there any more` };
  if (isTooManyRequests(error)) return tooMany(error, facts);
  const message = `the ${what} of pod ${pod.name} failed: ${messageOf(error)}`;
  if (isUnknown(error) || signal.aborted) return { result: 'unknown', message };
  return { result: 'failed', message, infeasible: isForbidden(error) && lacksCapacity(error) };
}

function fenced(error: { readonly message: string; readonly details: Readonly<Record<string, unknown>> }, what: string): ActionOutcome {
  const why = typeof error.details['why'] === 'string' ? error.details['why'] : error.message;
  const by = /dry.?run|runs dry/iu.test(why) ? 'dry-run' : 'not-leader';
  return { result: 'held', endsPass: true, hold: { by, message: `no ${what} was sent: ${why}` } };
}

function tooMany(error: unknown, { pod, what, budgets }: OutcomeFacts): ActionOutcome {
  const cause = statusOf(error)?.details?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
  if (what !== 'eviction' || (cause === undefined && budgets.length === 0)) {
    const message = `the API server is too busy for the ${what} of pod ${pod.name}; it is tried again at the next pass`;
    return { result: 'held', endsPass: false, hold: { by: 'rate-limit', message } };
  }
  const named = /disruption budget (\S+)/u.exec(cause?.message ?? '')?.[1];
  const names = named ?? budgets.join(', ');
  const message = `PodDisruptionBudget ${names} does not let pod ${pod.name} go now; it is tried again at the next pass, see kubectl describe pdb`;
  return { result: 'held', endsPass: false, hold: { by: 'disruption-budget', message } };
}

/** The server may have done what it was asked although the call failed: no answer, or a failure after the fact. */
function isUnknown(error: unknown): boolean {
  if (isConcertinaError(error, 'API_UNREACHABLE') || isConcertinaError(error, 'API_ANSWER_INVALID')) return true;
  return (statusOf(error)?.code ?? 0) >= 500;
}

/** The node is too small for it, and will stay so (upstream's cause NodeCapacity; admission plugin PodResize). */
function lacksCapacity(error: unknown): boolean {
  const status = statusOf(error);
  return (
    status?.details?.causes?.some(({ reason }) => reason === 'NodeCapacity') === true ||
    /node didn't have enough allocatable/u.test(status?.message ?? '')
  );
}

function statusOf(error: unknown): Status | undefined {
  return isConcertinaError(error, 'API_STATUS') ? (error as { readonly status?: Status }).status : undefined;
}
