import type { Clock, Random } from '../../../core/model/clock.ts';
import type { Registry } from '../api-server/types.ts';
import type { ControllerContext, RunningController } from './runtime/controller.ts';
import { createPodStore } from './runtime/pod-store.ts';
import { startDeploymentController } from './workloads/deployment.ts';
import { startReplicaSetController } from './workloads/replica-set.ts';

export interface ControllersInput {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly options?: ControllerOptions | undefined;
}

export interface ControllerOptions {
  /** Told about every failure that is tried again (a refused create, a webhook that fails); conflicts are not failures. */
  readonly onError?: ((controller: string, key: string, error: unknown) => void) | undefined;
}

/** Starts the controllers of the embedded cluster; they act on changes until `stop`. `idle` answers whether all is at rest until time passes. */
export function startControllers(input: ControllersInput): RunningController {
  const { registry, clock, random, options = {} } = input;
  const pods = createPodStore(registry);
  const context: ControllerContext = { registry, clock, random, pods, onError: options.onError ?? (() => undefined) };
  const controllers: RunningController[] = [startReplicaSetController(context), startDeploymentController(context)];
  return {
    stop: () => {
      pods.stop();
      for (const controller of controllers) controller.stop();
    },
    idle: () => controllers.every((controller) => controller.idle()),
  };
}
