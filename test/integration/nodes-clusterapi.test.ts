import { afterEach, expect, it } from 'vitest';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { runSettings } from '../../cli/compose/settings.ts';
import { createSuite, type Suite } from '../../cli/compose/suite.ts';
import { connectionFromDispatcher } from '../../core/kube/index.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { namespace, startCapiCluster, type CapiCluster } from '../contract/clusterapi-provider/capi-cluster.ts';

const second = 1_000;

const running: { readonly suite: Suite; readonly capi: CapiCluster }[] = [];
afterEach(async () => {
  for (const { suite, capi } of running.splice(0)) {
    const done = suite.shutdown.run('the test ends').then(() => true);
    for (let turn = 0; turn < 60 && !(await Promise.race([done, Promise.resolve(false)])); turn += 1) await capi.clock.advance(second);
    await capi.close();
  }
});

it('--cloud-provider=clusterapi makes a MachineDeployment without machines bigger for a pod that waits', async () => {
  const capi = await startCapiCluster();
  const { client, clock, api, types } = capi;
  const size = (amounts: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(amounts).map(([key, value]) => [`capacity.cluster-autoscaler.kubernetes.io/${key}`, value]));
  await capi.deployment({ name: 'small', replicas: 0, min: '0', max: '3', annotations: size({ cpu: '1', memory: '2Gi' }) });
  await capi.deployment({ name: 'large', replicas: 0, min: '0', max: '3', annotations: size({ cpu: '8', memory: '32Gi' }) });
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  await client.create(resourceTypes.namespaces, { metadata: { name: 'default' } }).catch(() => undefined);
  const logger = recordingLogger();
  const suite = createSuite({
    connection: connectionFromDispatcher({ server: 'http://management.local', dispatcher: api.dispatcher() }),
    clock,
    random: seededRandom('suite'),
    settings: runSettings.parse({ cloudProvider: 'clusterapi', health: { address: '127.0.0.1:0' } }),
    identity: 'copy-1',
    leaseNamespace: 'default',
    logger,
    processMetrics: false,
  });
  running.push({ suite, capi });
  await suite.start();
  await client.create(resourceTypes.pods, {
    metadata: { name: 'waits', namespace: 'default' },
    spec: { containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu: '4', memory: '4Gi' } } }] },
  });
  const status = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] };
  await client.patch(
    resourceTypes.pods,
    { name: 'waits', namespace: 'default' },
    { type: 'merge', body: { status } },
    { subresource: 'status' },
  );
  const sizeOf = async (name: string): Promise<number> =>
    (await client.getScale(types.MachineDeployment, { namespace, name })).specReplicas;
  const grown = await clock.advanceUntil(async () => (await sizeOf('large')) === 1, 90 * second, second);
  expect(grown, JSON.stringify(logger.lines.slice(-10))).toBe(true);
  expect(await sizeOf('small')).toBe(0);
});
