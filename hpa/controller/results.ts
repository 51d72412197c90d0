import type { Decision, Hold } from '../../core/model/decision.ts';
import { conclude, concludeUnavailable, unableDecision, type Conclusion, type Evaluation, type EvaluationInput } from '../engine/index.ts';
import type { Result } from './reconcile-task.ts';

/** An evaluation whose end is known. */
export function finished(evaluation: Evaluation, conclusion: Conclusion): Result {
  const { decision, proposed, targets, bounds } = evaluation;
  return { decision, conclusion, evaluated: true, proposed, targets, boundsChangeAt: bounds.schedules?.nextChangeAt, fenced: false };
}

/** The new size was not set: nothing has changed, and the decision must not say otherwise. */
export function writeFailed(
  input: EvaluationInput,
  evaluation: Evaluation,
  { message, unknown }: { readonly message: string; readonly unknown: boolean },
): Result {
  const conclusion = conclude(input, evaluation, { kind: 'failed', message, unknown });
  const decision = undone(evaluation.decision, { by: 'target-unavailable', reason: 'FailedUpdateScale', message });
  return { ...finished(evaluation, conclusion), decision };
}

function undone(decision: Decision, { by, reason, message }: Pick<Hold, 'by' | 'message'> & { readonly reason: string }): Decision {
  return {
    ...decision,
    to: decision.from,
    reason,
    message: `stays at ${decision.from}, because ${decision.to} could not be set: ${message}`,
    holds: [...decision.holds, { by, message }],
    trace: [...decision.trace, { step: 'write', message, values: { reason, asked: decision.to, held: true } }],
  };
}

/** The scale could not be read. */
export function unavailable(input: EvaluationInput, text: string): Result {
  const conclusion = concludeUnavailable(input, 'FailedGetScale', text);
  const decision = unableDecision(input, { by: 'target-unavailable', reason: 'FailedGetScale', message: text });
  return { decision, conclusion, evaluated: false, proposed: undefined, targets: undefined, fenced: false };
}

/** This process may not write: it has decided, another one acts. */
export function fenced(input: EvaluationInput, evaluation: Evaluation, error: Error): Result {
  const decision = undone(evaluation.decision, { by: 'not-leader', reason: 'NotLeader', message: error.message });
  const conclusion = conclude(input, { ...evaluation, decision }, { kind: 'none' });
  return { ...finished({ ...evaluation, decision }, conclusion), fenced: true };
}
