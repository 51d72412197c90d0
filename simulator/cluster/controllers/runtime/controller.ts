import type { Clock, Random } from '../../../../core/model/clock.ts';
import type { Registry } from '../../api-server/types.ts';
import { createEventRecorder, type EventRecorder } from './event-recorder.ts';
import type { PodStore } from './pod-store.ts';

/** What every controller gets. */
export interface ControllerContext {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly pods: PodStore;
  /** Told about failures that the queue will try again; `controller` is its name. */
  readonly onError: (controller: string, key: string, error: unknown) => void;
}

export interface RunningController {
  stop(): void;
  idle(): boolean;
}

export function recorderFor(context: ControllerContext, component: string): EventRecorder {
  return createEventRecorder({
    registry: context.registry,
    clock: context.clock,
    component,
    onError: (error) => context.onError(component, 'event', error),
  });
}
