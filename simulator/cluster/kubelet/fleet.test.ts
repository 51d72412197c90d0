import { afterEach, describe, expect, it } from 'vitest';
import { connectionFromDispatcher, createKubeClient, isTooManyRequests } from '../../../core/kube/index.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { constant, createWorkloadModel } from '../../workload/index.ts';
import type { WorkloadModel } from '../../workload/index.ts';
import { createApiServer } from '../api-server/index.ts';
import type { ApiServer } from '../api-server/index.ts';
import { createMetricsApi, fleetScrapes, registryObjects } from '../metrics-api/index.ts';
import { createKubeletFleet } from './index.ts';
import type { FleetOptions, KubeletFleet } from './index.ts';
import { instant, seeded } from './testing/harness.ts';
import type { SeenStatus } from './testing/harness.ts';

interface Setup {
  readonly clock: VirtualClock;
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly workload: WorkloadModel;
  readonly fleet: KubeletFleet;
  readonly problems: string[];
  readonly newFleet: () => KubeletFleet;
}

const open: (() => Promise<void>)[] = [];

/** A fleet on the embedded API server, with authorization of nodes left open, in virtual time. */
async function setup(options: FleetOptions = instant): Promise<Setup> {
  const clock = new VirtualClock();
  const random = seeded(7);
  const server = createApiServer({ clock, random });
  clock.useSettle(() => server.settle());
  const connection = connectionFromDispatcher({ server: 'http://embedded.cluster.local', dispatcher: server.dispatcher() });
  const client = createKubeClient({ connection, clock, random, userAgent: 'test' });
  const workload = createWorkloadModel({ clock, random });
  const problems: string[] = [];
  const newFleet = (): KubeletFleet =>
    createKubeletFleet({
      client,
      clock,
      random,
      workload,
      options: { ...options, onProblem: ({ subject, error }) => problems.push(`${subject}: ${String(error)}`) },
    });
  const fleet = newFleet();
  await fleet.start();
  open.push(async () => {
    await fleet.stop();
    await server.close();
  });
  return { clock, server, client, workload, fleet, problems, newFleet };
}

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

function pod(
  name: string,
  options: { annotations?: Record<string, string>; labels?: Record<string, string>; cpu?: string; limits?: Record<string, string> } = {},
): KubeObject {
  return {
    metadata: { name, namespace: 'default', labels: options.labels ?? {}, annotations: options.annotations ?? {} },
    spec: {
      nodeName: 'n1',
      containers: [
        {
          name: 'c',
          image: 'app:1',
          resources: { requests: { cpu: options.cpu ?? '500m', memory: '64Mi' }, limits: options.limits ?? { memory: '128Mi' } },
        },
      ],
    },
  };
}

const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

async function statusOf(client: KubeClient, name: string): Promise<SeenStatus> {
  return (await client.get<KubeObject>(resourceTypes.pods, key(name))).status as SeenStatus;
}

const conditions = (status: SeenStatus): Record<string, string> =>
  Object.fromEntries(
    status.conditions.map(({ type, status: value, reason }) => [type, reason === undefined ? value : `${value} ${reason}`]),
  );

describe('kubelets on the embedded API server', () => {
  it('play nodes and pods from creation to deletion', async () => {
    const { clock, client, fleet, problems } = await setup({ ...instant, startup: { pull: 1000, start: 1000, ready: 2000 } });
    await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi', zone: 'z1' });
    const node = await client.get<KubeObject>(resourceTypes.nodes, { name: 'n1' });
    expect(node.status).toMatchObject({ allocatable: { cpu: '4', memory: '8Gi', pods: '110' } });
    await client.create(resourceTypes.pods, pod('web'));
    await clock.advance(500);
    expect((await statusOf(client, 'web')).containerStatuses[0]?.state.waiting?.reason).toBe('ContainerCreating');
    await clock.advance(4500);
    const status = await statusOf(client, 'web');
    expect(status).toMatchObject({ phase: 'Running', observedGeneration: 1, hostIP: '172.16.0.1' });
    expect(conditions(status)).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
      PodScheduled: 'True',
    });
    await client.delete(resourceTypes.pods, key('web'));
    await clock.advance(100);
    expect(fleet.pod('default', 'web')).toBeUndefined();
    await expect(client.get(resourceTypes.pods, key('web'))).rejects.toThrow(/not found/);
    const lease = await client.get<KubeObject>(resourceTypes.leases, { namespace: 'kube-node-lease', name: 'n1' });
    expect(lease.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'n1', uid: node.metadata.uid });
    expect(problems).toEqual([]);
  });

  it('resize in place through the resize subresource', async () => {
    const { clock, client, fleet, problems } = await setup();
    await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
    await client.create(resourceTypes.pods, pod('web'));
    await client.create(resourceTypes.pods, pod('other', { cpu: '3' }));
    await clock.advance(2000);
    const resize = (cpu: string): Promise<unknown> =>
      client.resize(key('web'), { type: 'strategic', body: { spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } } });
    await resize('900m');
    await clock.advance(100);
    let status = await statusOf(client, 'web');
    expect(conditions(status)['PodResizeInProgress']).toBe('True');
    expect(status.containerStatuses[0]).toMatchObject({
      state: { running: {} },
      allocatedResources: { cpu: '900m', memory: '64Mi' },
      resources: { requests: { cpu: '500m' } },
    });
    await clock.advance(2000);
    status = await statusOf(client, 'web');
    expect(conditions(status)['PodResizeInProgress']).toBeUndefined();
    expect(status.containerStatuses[0]?.resources.requests?.['cpu']).toBe('900m');
    expect(status.containerStatuses[0]?.restartCount).toBe(0);
    await resize('2');
    await clock.advance(100);
    expect(conditions(await statusOf(client, 'web'))['PodResizePending']).toBe('True Deferred');
    await client.delete(resourceTypes.pods, key('other'));
    await clock.advance(5000);
    status = await statusOf(client, 'web');
    expect(conditions(status)['PodResizePending']).toBeUndefined();
    expect(status.containerStatuses[0]?.resources.requests?.['cpu']).toBe('2');
    expect(problems).toEqual([]);
  });

  it('kill, restart and back off', async () => {
    const { clock, client, fleet, problems } = await setup();
    await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
    await client.create(resourceTypes.pods, pod('leaky', { annotations: { 'concertina.dev/sim-memory': 'ramp:0s=100Mi,10s=200Mi' } }));
    await clock.advance(5000);
    expect((await statusOf(client, 'leaky')).containerStatuses[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    });
    await clock.advance(5000);
    const status = await statusOf(client, 'leaky');
    expect(status.containerStatuses[0]?.state.waiting?.reason).toBe('CrashLoopBackOff');
    expect(conditions(status)['Ready']).toBe('False ContainersNotReady');
    expect(problems).toEqual([]);
  });

  it('are refused an eviction while their budget has no room', async () => {
    const { clock, client, fleet } = await setup();
    await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
    await client.create(resourceTypes.podDisruptionBudgets, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    });
    await client.create(resourceTypes.pods, pod('web', { labels: { app: 'web' } }));
    await clock.advance(1000);
    // Nobody fills in the status of the budget here, so there is no room.
    const refused = await client.evict(key('web')).then(
      () => false,
      (error: unknown) => isTooManyRequests(error),
    );
    expect(refused).toBe(true);
    expect(fleet.pod('default', 'web')?.terminating).toBe(false);
  });

  it('serve usage that metrics.k8s.io answers', async () => {
    const { clock, client, server, fleet, workload, problems } = await setup();
    await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
    const metrics = createMetricsApi({ clock, random: () => 0.5, source: fleetScrapes(fleet), objects: registryObjects(server.registry) });
    server.mount(metrics.groupVersion, metrics.handler, metrics.discovery);
    metrics.start();
    workload.define({
      name: 'web',
      namespace: 'default',
      selector: { app: 'web' },
      load: constant(60),
      cpuPerRequest: 10,
      baseCpu: 0,
      memory: { base: 64 * 1024 * 1024 },
    });
    for (const name of ['web-1', 'web-2']) await client.create(resourceTypes.pods, pod(name, { labels: { app: 'web' } }));
    await clock.advance(50_000);
    const answer = await client.raw({
      method: 'GET',
      path: '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb',
    });
    expect(answer.status).toBe(200);
    const { items } = JSON.parse(answer.body.toString()) as { items: { metadata: { name: string }; containers: unknown[] }[] };
    expect(items.map(({ metadata, containers }) => [metadata.name, containers])).toEqual([
      ['web-1', [{ name: 'c', usage: { cpu: '300m', memory: '64Mi' } }]],
      ['web-2', [{ name: 'c', usage: { cpu: '300m', memory: '64Mi' } }]],
    ]);
    const groups = await client.raw({ method: 'GET', path: '/apis/metrics.k8s.io/v1beta1' });
    expect(JSON.parse(groups.body.toString())).toMatchObject({ kind: 'APIResourceList', groupVersion: 'metrics.k8s.io/v1beta1' });
    metrics.stop();
    expect(problems).toEqual([]);
  });

  it('go on after their own restart, after expired watches and after server errors', async () => {
    const { clock, client, server, fleet, problems, newFleet } = await setup();
    await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
    await client.create(resourceTypes.pods, pod('web'));
    await clock.advance(5000);
    await fleet.stop();
    const before = await statusOf(client, 'web');
    await client.create(resourceTypes.pods, pod('late'));
    server.compact();
    const second = newFleet();
    await second.start();
    await second.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
    await clock.advance(5000);
    expect(await statusOf(client, 'web')).toEqual(before);
    expect((await statusOf(client, 'late')).phase).toBe('Running');
    expect(second.pod('default', 'web')).toMatchObject({ ready: true });
    await second.stop();
    expect(problems).toEqual([]);
  });

  it('bring 300 pods on 30 nodes up', async () => {
    const { clock, client, server, fleet, problems } = await setup({ ...instant, startup: { pull: { min: 500, max: 2000 }, start: 300 } });
    await Promise.all(Array.from({ length: 30 }, (_, index) => fleet.addNode({ name: `n${index}`, cpu: '16', memory: '64Gi' })));
    for (let index = 0; index < 300; index++) {
      const object = pod(`p${index}`);
      await client.create(resourceTypes.pods, { ...object, spec: { ...(object.spec as object), nodeName: `n${index % 30}` } });
    }
    await clock.advance(10_000);
    const phases = new Set(server.registry.list(resourceTypes.pods).map(({ status }) => (status as SeenStatus).phase));
    expect([...phases]).toEqual(['Running']);
    expect(fleet.pods().filter(({ ready }) => ready)).toHaveLength(300);
    expect(problems).toEqual([]);
  });
});
