import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createKubeletFleet, createWorkloadModel, type KubeletFleet, type WorkloadModel } from '../../simulator/index.ts';
import { bundleForTest } from '../journeys/process-controller.ts';
import { startRealCluster, type RealCluster } from './real-cluster.ts';
import type { Teardown } from './teardown.ts';

const run = promisify(execFile);
const base = fileURLToPath(new URL('../../deploy/kustomize/base', import.meta.url));

/** A real control plane whose nodes the simulator's kubelets play, and the program as a bundle. */
export interface PlayedCluster {
  readonly real: RealCluster;
  readonly workload: WorkloadModel;
  readonly fleet: KubeletFleet;
  /** File of the bundle. */
  readonly program: string;
}

/** Starts it without nodes: metrics may have to be served before the first one says where. */
export async function startPlayedCluster(teardown: Teardown): Promise<PlayedCluster> {
  const bundle = await bundleForTest();
  teardown.add(() => bundle.remove());
  const real = await startRealCluster();
  teardown.add(() => real.stop());
  const workload = createWorkloadModel({ clock: realClock, random: seededRandom(1) });
  const fleet = createKubeletFleet({
    client: real.adminClient,
    clock: realClock,
    random: seededRandom(2),
    workload,
    options: { tickMs: 500, housekeepingMs: 1000 },
  });
  await fleet.start();
  teardown.add(() => fleet.stop());
  return { real, workload, fleet, program: bundle.file };
}

/**
 * The program as it is installed: manifests by `kubectl apply -k`. Answers a kubeconfig with the token and CA of its ServiceAccount, so that a
 * verb that RBAC lacks fails what runs with it.
 */
export async function install(real: RealCluster, teardown: Teardown): Promise<string> {
  await run('kubectl', ['--kubeconfig', real.adminKubeconfig, 'apply', '-k', base]);
  teardown.add(() => run('kubectl', ['--kubeconfig', real.adminKubeconfig, 'delete', '-k', base, '--wait=false']));
  return real.serviceAccountKubeconfig('concertina-system', 'concertina');
}
