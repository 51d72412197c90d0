import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { EventNote } from '../engine/index.ts';
import { isNative } from './adopted.ts';
import type { HpaControllerOptions } from './ports.ts';
import type { HorizontalPolicyStatus } from '../policy-schema.ts';
import { statusBefore, statusStored, type ReconcileContext, type ReconcileTask, type Result } from './reconcile-task.ts';
import { mergePatch, nextStatus, upstreamStatus } from './status.ts';

/** Says the Events of an evaluation; a warning that stands is not said again. */
export function emitEvents({ options }: ReconcileContext, { raw, memory, key }: ReconcileTask, events: readonly EventNote[]): void {
  if (options.config.dryRun) return;
  const namespace = raw.metadata.namespace;
  const regarding = {
    apiVersion: raw.apiVersion ?? 'concertina.dev/v1alpha1',
    kind: raw.kind ?? 'HorizontalPolicy',
    name: raw.metadata.name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(raw.metadata.uid === undefined ? {} : { uid: raw.metadata.uid }),
  };
  const warned = new Set<string>();
  for (const event of events) {
    if (event.type === 'Warning') {
      warned.add(event.reason);
      if (memory.warned.has(event.reason)) continue;
    }
    try {
      options.events.emit(regarding, event);
    } catch (error) {
      options.logger.warn('an Event could not be handed over', { policy: key, error: messageOf(error) });
    }
  }
  memory.warned = warned;
}

/** Stores the status where it has changed. */
export async function writeStatus(context: ReconcileContext, task: ReconcileTask, result: Result): Promise<void> {
  const { options } = context;
  if (options.config.dryRun) return;
  const { raw, memory, key } = task;
  const previous = statusBefore(task);
  const { decision, conclusion, evaluated, targets } = result;
  const { generation } = raw.metadata;
  // While it is not known whether a scaling was made, its record stays for whoever comes next.
  const settled = evaluated && memory.unsure === undefined;
  const whole = nextStatus({ previous, spec: raw.spec, conclusion, decision, targets, generation, evaluated, settled });
  try {
    await storeStatus(context, task, isNative(raw) ? upstreamStatus(whole) : whole);
  } catch (error) {
    const message = messageOf(error);
    options.logger.warn('the status of a policy could not be written; it is written again at the next evaluation', {
      policy: key,
      error: message,
    });
    if (isConcertinaError(error, 'FENCED')) return;
    emitStatusFailure(options, task, message);
  }
}

/** Stores a status where it differs from the stored one. Throws what the client throws; the object must still be the same. */
export async function storeStatus(
  { options, signal }: ReconcileContext,
  task: ReconcileTask,
  next: Partial<HorizontalPolicyStatus>,
  timeoutMs?: number,
): Promise<void> {
  const patch = mergePatch(statusBefore(task), next);
  if (patch === undefined) return;
  // As a whole: a part of it would be refused where the mirror shows one that is gone already.
  const pending = next.pendingScaling === undefined || patch['pendingScaling'] === undefined ? {} : { pendingScaling: next.pendingScaling };
  const { raw } = task;
  const { name, namespace, uid } = raw.metadata;
  const body = { ...(uid === undefined ? {} : { metadata: { uid } }), status: { ...patch, ...pending } };
  const stored = await options.client.patch(
    isNative(raw) ? resourceTypes.horizontalPodAutoscalers : resourceTypes.horizontalPolicies,
    { name, namespace },
    { type: 'merge', body },
    { subresource: 'status', signal, timeoutMs },
  );
  statusStored(task, { status: next, version: stored.metadata.resourceVersion });
}

export function emitStatusFailure(options: HpaControllerOptions, { raw }: ReconcileTask, message: string): void {
  const { name, namespace = '' } = raw.metadata;
  options.events.emit(
    { apiVersion: raw.apiVersion ?? 'concertina.dev/v1alpha1', kind: raw.kind ?? 'HorizontalPolicy', namespace, name },
    { type: 'Warning', reason: 'FailedUpdateStatus', message },
  );
}
