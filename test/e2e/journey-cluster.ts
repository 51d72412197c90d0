import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createKubeletFleet, createMetricsApi, createWorkloadModel, fleetScrapes } from '../../simulator/index.ts';
import { processJourneyCluster, type AuditedWrite, type ProcessJourneyCluster } from '../journeys/process-cluster.ts';
import { bundleForTest } from '../journeys/process-controller.ts';
import { reflectedObjects } from '../journeys/reflected-objects.ts';
import type { AuditRecord } from './audit.ts';
import { registerAggregatedApi, serveHandler } from './metrics-api-server.ts';
import { startRealCluster, type RealCluster } from './real-cluster.ts';

const run = promisify(execFile);
const base = fileURLToPath(new URL('../../deploy/kustomize/base', import.meta.url));

/** A real control plane on which journeys run. */
export interface RealJourneyCluster {
  readonly real: RealCluster;
  readonly cluster: ProcessJourneyCluster;
  /** Takes everything down, in the reverse order; tells what failed on the way. */
  stop(): Promise<void>;
}

/**
 * The program as it is installed: manifests by `kubectl apply -k`, the bundle as a process with the token and CA of its ServiceAccount, so that a verb that RBAC
 * lacks fails the journey. Nodes are played by the simulator's kubelets, usage is served through the aggregation layer.
 */
export async function startRealJourneyCluster(): Promise<RealJourneyCluster> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0)) await step().catch((error: unknown) => console.error(error));
  };
  try {
    return { ...(await start(undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(undo: (() => Promise<unknown>)[]): Promise<Pick<RealJourneyCluster, 'real' | 'cluster'>> {
  const bundle = await bundleForTest();
  undo.unshift(() => bundle.remove());
  const real = await startRealCluster();
  undo.unshift(() => real.stop());
  const client = real.adminClient;
  const workload = createWorkloadModel({ clock: realClock, random: seededRandom(1) });
  const fleet = createKubeletFleet({
    client,
    clock: realClock,
    random: seededRandom(2),
    workload,
    options: { tickMs: 500, housekeepingMs: 1000 },
  });
  await fleet.start();
  undo.unshift(() => fleet.stop());
  for (const name of ['node-a', 'node-b']) await fleet.addNode({ name, cpu: 16, memory: '32Gi' });
  const mirror = await reflectedObjects(client);
  undo.unshift(() => mirror.stop());
  const metrics = createMetricsApi({
    clock: realClock,
    random: seededRandom(3),
    source: fleetScrapes(fleet),
    objects: mirror.objects,
    resolutionMs: 1000,
  });
  metrics.start();
  const server = await serveHandler(metrics.handler);
  undo.unshift(() => server.close());
  undo.unshift(() => Promise.resolve(metrics.stop()));
  const registered = await registerAggregatedApi(real.admin, { group: 'metrics.k8s.io', version: 'v1beta1', port: server.port });
  undo.unshift(() => registered.unregister());
  await run('kubectl', ['--kubeconfig', real.adminKubeconfig, 'apply', '-k', base]);
  undo.unshift(() => run('kubectl', ['--kubeconfig', real.adminKubeconfig, 'delete', '-k', base, '--wait=false']));
  const cluster = processJourneyCluster({
    name: 'real control plane',
    client,
    workload,
    metrics,
    program: bundle.file,
    kubeconfig: await real.serviceAccountKubeconfig('concertina-system', 'concertina'),
    writes: async () => (await real.own?.audit?.auditWrites({ successful: true }))?.filter(isOurs).map(toWrite) ?? [],
  });
  return { real, cluster };
}

/** A request of the program, by its User-Agent. */
export function isOurs(record: AuditRecord): boolean {
  return record.userAgent?.startsWith('concertina/') === true;
}

function toWrite(record: AuditRecord): AuditedWrite {
  const { namespace = '', name = '', resource = '', subresource = '' } = record.objectRef ?? {};
  const replicas = (record.requestObject as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 0;
  const at = Date.parse(record.requestReceivedTimestamp);
  return { at, user: record.user.username, userAgent: record.userAgent ?? '', namespace, name, resource, subresource, replicas };
}
