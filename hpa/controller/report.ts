import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { EventNote } from '../engine/index.ts';
import { isNative } from './adopted.ts';
import type { HpaControllerOptions } from './ports.ts';
import { statusBefore, type ReconcileContext, type ReconcileTask, type Result } from './reconcile-task.ts';
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
export async function writeStatus({ options, signal }: ReconcileContext, task: ReconcileTask, result: Result): Promise<void> {
  if (options.config.dryRun) return;
  const { raw, memory, key } = task;
  const previous = statusBefore(task);
  const { decision, conclusion, evaluated, targets } = result;
  const native = isNative(raw);
  const whole = nextStatus({ previous, spec: raw.spec, conclusion, decision, targets, generation: raw.metadata.generation, evaluated });
  const next = native ? upstreamStatus(whole) : whole;
  const patch = mergePatch(previous, next);
  if (patch === undefined) return;
  const { name, namespace, uid } = raw.metadata;
  const body = { ...(uid === undefined ? {} : { metadata: { uid } }), status: patch };
  try {
    await options.client.patch(
      native ? resourceTypes.horizontalPodAutoscalers : resourceTypes.horizontalPolicies,
      { name, namespace },
      { type: 'merge', body },
      { subresource: 'status', signal },
    );
    memory.written = { seenVersion: raw.metadata.resourceVersion, status: next };
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

function emitStatusFailure(options: HpaControllerOptions, { raw }: ReconcileTask, message: string): void {
  const { name, namespace = '' } = raw.metadata;
  options.events.emit(
    { apiVersion: raw.apiVersion ?? 'concertina.dev/v1alpha1', kind: raw.kind ?? 'HorizontalPolicy', namespace, name },
    { type: 'Warning', reason: 'FailedUpdateStatus', message },
  );
}
