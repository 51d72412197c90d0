import { setCondition, type ConditionUpdate } from '../../core/model/condition.ts';
import type { Decision, Hold } from '../../core/model/decision.ts';
import type { Conclusion } from './conclude.ts';
import type { EvaluationInput } from './model.ts';
import { capitalized } from './text.ts';

type UnavailableInput = Pick<EvaluationInput, 'state' | 'status' | 'history' | 'now' | 'generation'>;

/** The end of an evaluation that could not read the scale (§4.1): the status stays, AbleToScale says why. */
export function concludeUnavailable(input: UnavailableInput, reason: 'FailedGetScale', message: string): Conclusion {
  const update: ConditionUpdate = { type: 'AbleToScale', status: 'False', reason, message };
  const generation = input.generation === undefined ? {} : { observedGeneration: input.generation };
  return {
    state: input.state,
    history: input.history,
    conditions: setCondition(input.status.conditions, { ...update, ...generation }, input.now),
    currentReplicas: input.status.currentReplicas,
    desiredReplicas: input.status.desiredReplicas,
    currentMetrics: [],
    lastScaleTime: undefined,
    events: [{ type: 'Warning', reason, message }],
    action: 'none',
    error: message,
  };
}

/** The decision for a policy that could not be evaluated at all: nothing changes, and why. */
export function unableDecision(
  input: Pick<EvaluationInput, 'subject' | 'target' | 'now' | 'status'>,
  hold: Hold & { readonly reason: string },
): Decision {
  const { by, message, reason } = hold;
  const from = input.status.currentReplicas;
  return {
    controller: 'hpa',
    subject: input.subject,
    target: input.target,
    at: input.now,
    from,
    to: from,
    wanted: null,
    reason,
    message: `not evaluated: ${message}`,
    holds: [{ by, message: capitalized(message) }],
    trace: [{ step: by, message: capitalized(message), values: { reason, held: true } }],
  };
}
