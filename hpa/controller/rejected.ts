import { setCondition, type Condition } from '../../core/model/condition.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import { unableDecision, type Conclusion } from '../engine/index.ts';
import { previousStatus, type PolicyResult } from '../policy.ts';
import { isNative, nameOfKey } from './adopted.ts';
import { statusBefore, type ReconcileContext, type ReconcileTask, type Result } from './reconcile-task.ts';
import { withAccepted } from './status.ts';

/** A policy that cannot be used: said in Accepted, nothing else is touched. */
export function rejected(
  { options, selectors }: ReconcileContext,
  task: ReconcileTask,
  { reason, problems }: Extract<PolicyResult, { ok: false }>,
): Result {
  const { raw, memory, key } = task;
  const now = options.clock.now();
  selectors.delete(key);
  const { namespace, name } = nameOfKey(key);
  const kind = isNative(raw) ? 'HorizontalPodAutoscaler' : 'HorizontalPolicy';
  const message = `${kind} ${namespace}/${name}: ${problemsText(problems)}`;
  const status = previousStatus({ ...raw, status: statusBefore(task) });
  const update = { status: 'False' as const, reason, message };
  const conditions = isNative(raw)
    ? setCondition(status.conditions, { type: 'ScalingActive', ...update }, now)
    : accepted(status.conditions, update, { now, generation: raw.metadata.generation });
  const { scaleTargetRef } = (raw.spec ?? {}) as { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } };
  const subject = { apiVersion: raw.apiVersion ?? 'concertina.dev/v1alpha1', kind, namespace, name };
  const target = {
    apiVersion: scaleTargetRef?.apiVersion ?? '',
    kind: scaleTargetRef?.kind ?? '',
    namespace,
    name: scaleTargetRef?.name ?? '',
  };
  const conclusion: Conclusion = {
    state: memory.state,
    history: memory.history,
    conditions,
    currentReplicas: status.currentReplicas,
    desiredReplicas: status.desiredReplicas,
    currentMetrics: [],
    lastScaleTime: undefined,
    events: [{ type: 'Warning', reason, message }],
    action: 'none',
    error: message,
  };
  const decision = unableDecision({ subject, target, now, status }, { by: 'invalid-policy', reason, message });
  return { decision, conclusion, evaluated: false, proposed: undefined, targets: undefined, fenced: false };
}

export function accepted(
  conditions: readonly Condition[],
  update: Pick<Condition, 'status' | 'reason' | 'message'>,
  { now, generation }: { readonly now: number; readonly generation: number | undefined },
): Condition[] {
  const next = setCondition(
    conditions,
    { type: 'Accepted', ...update, ...(generation === undefined ? {} : { observedGeneration: generation }) },
    now,
  );
  const condition = next.find(({ type }) => type === 'Accepted');
  return condition === undefined ? next : withAccepted(conditions, condition);
}
