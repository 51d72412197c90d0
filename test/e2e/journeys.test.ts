import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { resourceTypes } from '../../core/model/object.ts';
import {
  createKubeletFleet,
  createMetricsApi,
  createWorkloadModel,
  fleetScrapes,
  type KubeletFleet,
  type MetricsApi,
} from '../../simulator/index.ts';
import { leadershipJourney } from '../journeys/leadership.ts';
import { processJourneyCluster, type AuditedWrite, type ProcessJourneyCluster } from '../journeys/process-cluster.ts';
import { bundleForTest } from '../journeys/process-controller.ts';
import { reflectedObjects } from '../journeys/reflected-objects.ts';
import { scalingJourneys } from '../journeys/scaling.ts';
import type { AuditRecord } from './audit.ts';
import { registerAggregatedApi, serveHandler } from './metrics-api-server.ts';
import { isForeignCluster, startRealCluster, type RealCluster } from './real-cluster.ts';

const run = promisify(execFile);
const base = fileURLToPath(new URL('../../deploy/kustomize/base', import.meta.url));
const serviceAccount = 'system:serviceaccount:concertina-system:concertina';

/**
 * The program as it is installed: manifests by `kubectl apply -k`, the bundle as a process with the token and CA of its ServiceAccount, so that a verb that RBAC
 * lacks fails the journey. Nodes are played by the simulator's kubelets, usage is served through the aggregation layer.
 */
describe('journeys on the real control plane', () => {
  let real: RealCluster;
  let fleet: KubeletFleet;
  let metrics: MetricsApi;
  let cluster: ProcessJourneyCluster;
  const undo: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const bundle = await bundleForTest();
    undo.unshift(() => bundle.remove());
    real = await startRealCluster();
    undo.unshift(() => real.stop());
    const client = real.adminClient;
    const workload = createWorkloadModel({ clock: realClock, random: seededRandom(1) });
    fleet = createKubeletFleet({
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
    metrics = createMetricsApi({
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
    cluster = processJourneyCluster({
      name: 'real control plane',
      client,
      workload,
      metrics,
      program: bundle.file,
      kubeconfig: await real.serviceAccountKubeconfig('concertina-system', 'concertina'),
      writes: async () => (await real.own?.audit?.auditWrites({ successful: true }))?.filter(isOurs).map(toWrite) ?? [],
    });
  });
  afterAll(async () => {
    for (const step of undo) await step().catch((error: unknown) => console.error(error));
  });

  // What reads the audit log needs a cluster of our own; on a foreign one these are skipped, and vitest says so.
  describe.skipIf(isForeignCluster())('with the audit log', () => {
    leadershipJourney(() => cluster);
    scalingJourneys(() => cluster);

    it('does everything as its ServiceAccount, and is refused nothing', async () => {
      const records = (await real.own?.audit?.records()) ?? [];
      const ours = records.filter((record) => isOurs(record));
      expect(ours.length).toBeGreaterThan(0);
      expect(new Set(ours.map((record) => record.user.username))).toEqual(new Set([serviceAccount]));
      expect(ours.filter((record) => record.responseStatus?.code === 403)).toEqual([]);
    });
  });

  it('installs with two replicas of the Deployment asked for', async () => {
    const object = await cluster.client.get(resourceTypes.deployments, { namespace: 'concertina-system', name: 'concertina' });
    expect(object.spec).toMatchObject({ replicas: 2 });
  });
});

function isOurs(record: AuditRecord): boolean {
  return record.userAgent?.startsWith('concertina/') === true;
}

function toWrite(record: AuditRecord): AuditedWrite {
  const { namespace = '', name = '', resource = '', subresource = '' } = record.objectRef ?? {};
  const replicas = (record.requestObject as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 0;
  const at = Date.parse(record.requestReceivedTimestamp);
  return { at, user: record.user.username, userAgent: record.userAgent ?? '', namespace, name, resource, subresource, replicas };
}
