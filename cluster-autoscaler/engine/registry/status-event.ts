import type { LoopEvent } from '../loop/model.ts';

/** An event on the status ConfigMap. */
export function statusEvent(type: LoopEvent['type'], reason: string, message: string): LoopEvent {
  return { on: { kind: 'Status', name: 'cluster-autoscaler-status' }, type, reason, message };
}
