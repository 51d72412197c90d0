import type { Clock, Random } from '../../../core/model/clock.ts';
import type { Registry } from '../api-server/types.ts';
import { startDisruptionController } from './disruption/disruption.ts';
import { type NodeLifecycleOptions, startNodeLifecycleController } from './nodes/node-lifecycle.ts';
import { startPodGarbageController } from './nodes/pod-garbage.ts';
import { startTaintEvictionController } from './nodes/taint-eviction.ts';
import type { ControllerContext, RunningController } from './runtime/controller.ts';
import { createPodStore } from './runtime/pod-store.ts';
import { startVolumeController, type VolumeOptions } from './volumes/volume-binder.ts';
import { startCronJobController } from './workloads/cron-job.ts';
import { startDaemonSetController } from './workloads/daemon-set.ts';
import { startDeploymentController } from './workloads/deployment.ts';
import { startJobController } from './workloads/job.ts';
import { startReplicaSetController } from './workloads/replica-set.ts';
import { startStatefulSetController } from './workloads/stateful-set.ts';

export type { NodeLifecycleOptions } from './nodes/node-lifecycle.ts';
export type { RunningController } from './runtime/controller.ts';
export type { VolumeOptions } from './volumes/volume-binder.ts';

export interface ControllersInput {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly options?: ControllerOptions | undefined;
}

export interface ControllerOptions {
  readonly nodes?: NodeLifecycleOptions | undefined;
  readonly volumes?: VolumeOptions | undefined;
  /** Told about every failure that is tried again (a refused create, a webhook that fails); conflicts are not failures. */
  readonly onError?: ((controller: string, key: string, error: unknown) => void) | undefined;
}

/**
 * Starts the controllers of the embedded cluster: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, disruption budgets, node
 * lifecycle, taint eviction, pod garbage and volumes. They act on changes until `stop`; `idle` answers whether all is at rest until time passes.
 * Immediate work runs on `setImmediate`: who drives virtual time must settle until `idle` and nothing is written any more.
 */
export function startControllers(input: ControllersInput): RunningController {
  const { registry, clock, random, options = {} } = input;
  const pods = createPodStore(registry);
  const context: ControllerContext = { registry, clock, random, pods, onError: options.onError ?? (() => undefined) };
  const controllers: RunningController[] = [
    startVolumeController(context, options.volumes),
    startReplicaSetController(context),
    startDeploymentController(context),
    startStatefulSetController(context),
    startDaemonSetController(context),
    startJobController(context),
    startCronJobController(context),
    startDisruptionController(context),
    startNodeLifecycleController(context, options.nodes),
    startTaintEvictionController(context),
    startPodGarbageController(context),
  ];
  return {
    stop: () => {
      pods.stop();
      for (const controller of controllers) controller.stop();
    },
    idle: () => controllers.every((controller) => controller.idle()),
  };
}
