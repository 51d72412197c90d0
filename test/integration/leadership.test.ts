import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { leadershipJourney } from '../journeys/leadership.ts';
import { processJourneyCluster, type AuditedWrite, type ProcessJourneyCluster } from '../journeys/process-cluster.ts';
import { bundleForTest } from '../journeys/process-controller.ts';

/** The embedded cluster over HTTP in real time, with the bundled program as processes beside it. */
describe('leadership on the embedded cluster', () => {
  let embedded: EmbeddedCluster;
  let cluster: ProcessJourneyCluster;
  let folder: string;
  let bundle: Awaited<ReturnType<typeof bundleForTest>>;

  beforeAll(async () => {
    bundle = await bundleForTest();
    folder = await mkdtemp(path.join(tmpdir(), 'concertina-journey-'));
    embedded = await startEmbeddedCluster({
      clock: realClock,
      random: seededRandom(7),
      nodes: [{ name: 'node-a', cpu: 16, memory: '32Gi' }],
      fleet: { tickMs: 500, housekeepingMs: 1000 },
      metricsResolutionMs: 1000,
    });
    const server = await embedded.listen();
    const kubeconfig = path.join(folder, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    const client = embedded.client('journeys');
    for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
    await client.create(resourceTypes.namespaces, { metadata: { name: 'concertina-system' } });
    const writes: AuditedWrite[] = [];
    embedded.api.onAudit((record) => {
      const { userAgent, namespace = '', name = '', subresource = '', code } = record;
      const resource = record.type.plural;
      if (code >= 300 || !userAgent.startsWith('concertina/') || resource === 'leases' || resource === 'events') return;
      const replicas = (record.requestObject as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 0;
      writes.push({ at: Date.now(), user: record.user.username, userAgent, namespace, name, resource, subresource, replicas });
    });
    cluster = processJourneyCluster({
      name: 'embedded, real time',
      client,
      workload: embedded.workload,
      metrics: embedded.metrics,
      program: bundle.file,
      kubeconfig,
      writes: () => Promise.resolve(writes),
    });
  });
  afterAll(async () => {
    await embedded.stop();
    await bundle.remove();
    await rm(folder, { recursive: true, force: true });
  });

  leadershipJourney(() => cluster);
});
