import { parseTime } from './condition.ts';
import type { RawPodStatus } from './raw-pod.ts';

/** How far an in-place resize of a pod is: waiting (`Deferred`, `Infeasible`), being carried out (`InProgress`, `Error`), or something that is not known. */
export type ResizeState = 'Deferred' | 'Infeasible' | 'InProgress' | 'Error' | 'Unknown';

export interface ResizeRecord {
  readonly state: ResizeState;
  /** Of the kubelet; empty when it says nothing. */
  readonly message: string;
  /** When the condition became true, epoch milliseconds. */
  readonly since: number | undefined;
}

/**
 * Reads the conditions PodResizePending and PodResizeInProgress as the upstream VPA does: the first of them decides whether there is a
 * resize at all, and a pending one says more than one in progress.
 */
export function projectResize(conditions: RawPodStatus['conditions']): ResizeRecord | undefined {
  const first = conditions?.find(({ type }) => type === 'PodResizePending' || type === 'PodResizeInProgress');
  if (first?.status !== 'True') return undefined;
  const pending = conditions?.find(({ type }) => type === 'PodResizePending');
  const { reason = '', message = '', lastTransitionTime } = pending ?? first;
  const state = pending === undefined ? progressState(reason, message) : pendingState(reason);
  return { state, message, since: parseTime(lastTransitionTime) };
}

function pendingState(reason: string): ResizeState {
  return reason === 'Deferred' || reason === 'Infeasible' ? reason : 'Unknown';
}

function progressState(reason: string, message: string): ResizeState {
  if (reason === '' && message === '') return 'InProgress';
  return reason === 'Error' ? 'Error' : 'Unknown';
}
