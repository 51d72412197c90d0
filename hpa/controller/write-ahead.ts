import { messageOf } from '../../core/errors.ts';
import { isConflict, isNotFound } from '../../core/kube/status-error.ts';
import { formatTime } from '../../core/model/condition.ts';
import type { Evaluation, EvaluationInput } from '../engine/index.ts';
import { pendingScalingOf } from '../policy.ts';
import { emitStatusFailure, storeStatus } from './report.ts';
import { statusBefore, type ReconcileContext, type ReconcileTask } from './reconcile-task.ts';
import { historyStatus } from './status.ts';

/** How long a scaling waits for its record: a status that hangs must not hold back growth for long. Milliseconds. */
const recordTimeoutMs = 5_000;
/** A record that is older is made anew, so that it tells within what time its scaling was made. Milliseconds. */
const recordAgeMs = 10_000;

export interface ScalingToCome {
  readonly input: EvaluationInput;
  readonly evaluation: Evaluation;
  /** Replicas. */
  readonly to: number;
}

/**
 * Notes a scaling in status before it is made (`status.pendingScaling`), with the times of the scalings before it, so that a process that dies between the
 * two writes loses no cooldown and takes no zero of its own for a pause. Nothing is written for a scaling that leaves nothing to remember: native objects have no
 * room for it, and a floor that a schedule raises begins no cooldown. Throws what the client throws.
 */
export async function writeAhead(context: ReconcileContext, task: ReconcileTask, { input, evaluation, to }: ScalingToCome): Promise<void> {
  const { clock, config } = context.options;
  if (input.spec.native || config.dryRun || !(evaluation.startsCooldown || to === 0)) return;
  const from = input.scale.specReplicas;
  const now = clock.now();
  const previous = statusBefore(task);
  const noted = pendingScalingOf(previous);
  if (noted?.from === from && noted.to === to && now >= noted.at && now - noted.at < recordAgeMs) return;
  const next = { ...previous, ...historyStatus(input.history), pendingScaling: { from, to, at: formatTime(now) } };
  await storeStatus(context, task, next, recordTimeoutMs);
}

/**
 * A scaling whose record was refused. Growth goes ahead (the evaluation with a word about it), and so does what somebody has ordered by annotation: a status that
 * cannot be written must not keep an overloaded target small. A shrink waits: without a memory it might be repeated too early. Of a policy that is gone or was
 * replaced nothing goes ahead.
 */
export function withoutRecord(
  { options }: ReconcileContext,
  task: ReconcileTask,
  { evaluation, to, error }: Omit<ScalingToCome, 'input'> & { readonly error: unknown },
): { readonly ok: true; readonly evaluation: Evaluation } | { readonly ok: false; readonly message: string } {
  const text = messageOf(error);
  const { decision, branch } = evaluation;
  if (isNotFound(error) || isConflict(error)) return { ok: false, message: `the policy is gone or was replaced: ${text}` };
  if (to < decision.from && branch !== 'parked') {
    return {
      ok: false,
      message: `nothing shrinks before it is noted in status, so that a restart knows of it, and status was refused: ${text}`,
    };
  }
  const why = branch === 'parked' ? 'what an annotation asks for does not wait' : 'growth does not wait';
  const message = `Not noted in status before it is set (${text}): ${why}, but a restart before status can be written may lose its cooldown`;
  options.logger.warn('a scaling is made that could not be noted in status before', {
    policy: task.key,
    from: decision.from,
    to,
    error: text,
  });
  emitStatusFailure(options, task, text);
  const step = { step: 'write-ahead', message, values: { from: decision.from, to, noted: false } };
  return { ok: true, evaluation: { ...evaluation, decision: { ...decision, trace: [...decision.trace, step] } } };
}
