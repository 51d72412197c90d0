import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { isConflict } from '../../core/kube/status-error.ts';
import type { BatchFacts } from '../batch/index.ts';
import { conclude, type Conclusion, type Evaluation, type EvaluationInput } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import { isSuperseded, type ReconcileContext, type ReconcileTask, type Result } from './reconcile-task.ts';
import { fenced, finished, writeFailed } from './results.ts';
import type { ScaleRead } from './scale-access.ts';
import { outcomeUnknown } from './unrecorded.ts';
import { withoutRecord, writeAhead } from './write-ahead.ts';

/** An evaluation with what it came from. */
export interface Evaluated {
  readonly policy: ScalingPolicy;
  readonly read: Extract<ScaleRead, { readonly ok: true }>;
  readonly input: EvaluationInput;
  readonly evaluation: Evaluation;
}

/**
 * Sets the size that an evaluation asks for, if it asks for another one: it is noted in status, then set. `conflict`: somebody else has written the scale since it was
 * read (never said of the last try); `superseded`: the policy was changed or deleted since.
 */
export async function carryOut(
  context: ReconcileContext,
  task: ReconcileTask,
  evaluated: Evaluated & { readonly isLast: boolean },
): Promise<Result | 'superseded' | 'conflict'> {
  const { input, evaluation } = evaluated;
  const { write } = evaluation;
  if (write === undefined) return concluded(context, task, { ...evaluated, conclusion: conclude(input, evaluation, { kind: 'none' }) });
  try {
    await writeAhead(context, task, { input, evaluation, to: write });
  } catch (error) {
    if (isConcertinaError(error, 'FENCED')) return fenced(input, evaluation, error);
    const allowed = withoutRecord(context, task, { evaluation, to: write, error });
    if (!allowed.ok) return writeFailed(input, evaluation, { message: allowed.message, unknown: false });
    return setSize(context, task, { ...evaluated, evaluation: allowed.evaluation, to: write });
  }
  return setSize(context, task, { ...evaluated, to: write });
}

async function setSize(
  context: ReconcileContext,
  task: ReconcileTask,
  evaluated: Evaluated & { readonly to: number; readonly isLast: boolean },
): Promise<Result | 'superseded' | 'conflict'> {
  const { policy, read, input, evaluation, to } = evaluated;
  const { options, signal } = context;
  if (isSuperseded(context, task)) return 'superseded';
  try {
    const key = { name: policy.target.name, ...(read.type.namespaced ? { namespace: policy.target.namespace } : {}) };
    await options.client.setScale(read.type, key, to, { resourceVersion: read.scale.resourceVersion, signal });
  } catch (error) {
    if (isConcertinaError(error, 'FENCED')) return fenced(input, evaluation, error);
    const unknown = outcomeUnknown(error);
    if (unknown) {
      task.memory.unsure = { from: input.scale.specReplicas, to, at: options.clock.now() };
      task.memory.ownZero = to === 0;
    }
    if (isConflict(error) && !evaluated.isLast) return 'conflict';
    return writeFailed(input, evaluation, { message: messageOf(error), unknown });
  }
  task.memory.ownZero = to === 0;
  // Cooldowns count from when the answer came: a slow server may have scaled at any moment up to then.
  const conclusion = conclude({ ...input, now: options.clock.now() }, evaluation, { kind: 'written' });
  return concluded(context, task, { ...evaluated, conclusion });
}

function concluded(
  { options }: ReconcileContext,
  task: ReconcileTask,
  { policy, read, input, evaluation, conclusion }: Evaluated & { readonly conclusion: Conclusion },
): Result {
  const { write } = evaluation;
  const facts = {
    ...factsOf(task, { policy, read, input }),
    ...(write === undefined ? {} : { scale: { ...read.scale, specReplicas: write }, sizedAt: options.clock.now() }),
    history: conclusion.history,
  };
  return { ...finished(evaluation, conclusion), noted: { input, evaluation, conclusion, facts } };
}

/** What the policy goes by apart from pods and metrics. */
function factsOf({ memory }: ReconcileTask, { policy, read, input }: Omit<Evaluated, 'evaluation'>): BatchFacts {
  const { history, conflict } = input;
  return { policy, scale: read.scale, history, sizedAt: memory.size?.since, conflict, rebased: input.requestReference !== undefined };
}
