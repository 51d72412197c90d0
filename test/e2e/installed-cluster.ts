import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleForTest } from '../journeys/process-controller.ts';
import { startFleet, type PlayedFleet } from './played-fleet.ts';
import { startRealCluster, type RealCluster, type RealClusterOptions } from './real-cluster.ts';
import type { Teardown } from './teardown.ts';

const run = promisify(execFile);
/** The folder of the manifests. */
export const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url));

/** A real control plane whose nodes the simulator's kubelets play, and the program as a bundle. */
export interface PlayedCluster extends PlayedFleet {
  readonly real: RealCluster;
  /** File of the bundle. */
  readonly program: string;
}

/** Starts it without nodes: metrics may have to be served before the first one says where. */
export async function startPlayedCluster(teardown: Teardown, options: RealClusterOptions = {}): Promise<PlayedCluster> {
  const bundle = await bundleForTest();
  teardown.add(() => bundle.remove());
  const real = await startRealCluster(options);
  teardown.add(() => real.stop());
  return { real, ...(await startFleet(real, teardown, { tickMs: 500, housekeepingMs: 1000 })), program: bundle.file };
}

/**
 * The program as it is installed: manifests of a folder of `deploy/` by `kubectl apply -k`. Answers a kubeconfig with the token and CA of its
 * ServiceAccount, so that a verb that RBAC lacks fails what runs with it.
 */
export async function install(real: RealCluster, teardown: Teardown, folder = 'kustomize/base'): Promise<string> {
  await kubectl(real, 'apply', '-k', join(deploy, folder));
  teardown.add(() => kubectl(real, 'delete', '-k', join(deploy, folder), '--wait=false', '--ignore-not-found'));
  return real.serviceAccountKubeconfig('concertina-system', 'concertina');
}

/** kubectl as the administrator; answers its standard output. */
export async function kubectl(real: RealCluster, ...args: readonly string[]): Promise<string> {
  return (await run('kubectl', ['--kubeconfig', real.adminKubeconfig, ...args], { maxBuffer: 64 * 1024 * 1024 })).stdout;
}
