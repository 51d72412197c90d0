import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createKubeletFleet, createWorkloadModel, type KubeletFleet, type WorkloadModel } from '../../simulator/index.ts';
import type { RealCluster } from './real-cluster.ts';
import type { Teardown } from './teardown.ts';

/** The simulator's kubelets, started without nodes, and what their pods use. */
export interface PlayedFleet {
  readonly workload: WorkloadModel;
  readonly fleet: KubeletFleet;
}

export interface PlayedFleetOptions extends NonNullable<Parameters<typeof createKubeletFleet>[0]['options']> {
  /** The same seed plays the same load; default 1. */
  readonly seed?: number;
}

export async function startFleet(
  real: RealCluster,
  teardown: Teardown,
  { seed = 1, ...options }: PlayedFleetOptions,
): Promise<PlayedFleet> {
  const workload = createWorkloadModel({ clock: realClock, random: seededRandom(seed) });
  const fleet = createKubeletFleet({ client: real.adminClient, clock: realClock, random: seededRandom(seed + 1), workload, options });
  await fleet.start();
  teardown.add(() => fleet.stop());
  return { workload, fleet };
}

/** Names of the pods of a namespace that run, are ready, and are not on their way out. */
export function runningPods(fleet: KubeletFleet, namespace: string): readonly string[] {
  return fleet
    .pods()
    .filter((pod) => pod.namespace === namespace && pod.phase === 'Running' && pod.ready && !pod.terminating)
    .map((pod) => pod.name);
}
