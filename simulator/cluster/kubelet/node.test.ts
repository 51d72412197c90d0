import { describe, expect, it } from 'vitest';
import { boundPod, conditionOf, harness, instant, statusOf } from './testing/harness.ts';
import { createKubeletFleet } from './index.ts';
import { createWorkloadModel } from '../../workload/index.ts';

const node = {
  name: 'n1',
  cpu: '4',
  memory: '8Gi',
  zone: 'z1',
  instanceType: 'm5.xlarge',
  providerID: 'aws:///z1/i-1',
  labels: { pool: 'a' },
};

interface NodeStatus {
  readonly capacity: Record<string, string>;
  readonly allocatable: Record<string, string>;
  readonly daemonEndpoints: { readonly kubeletEndpoint: { readonly Port: number } };
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
}

describe('a simulated node', () => {
  it('registers with its whole status and beats', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode({
      ...node,
      resources: { 'nvidia.com/gpu': 2 },
      allocatable: { cpu: '3900m' },
      taints: [{ key: 'gpu', effect: 'NoSchedule' }],
    });
    await fleet.start();
    const object = api.get('nodes', 'n1')!;
    expect(object.metadata.labels).toMatchObject({
      'kubernetes.io/hostname': 'n1',
      'topology.kubernetes.io/zone': 'z1',
      'node.kubernetes.io/instance-type': 'm5.xlarge',
      pool: 'a',
    });
    expect(object.spec).toEqual({ providerID: 'aws:///z1/i-1', taints: [{ key: 'gpu', effect: 'NoSchedule' }] });
    const status = object.status as NodeStatus;
    expect(status.capacity).toMatchObject({ cpu: '4', memory: '8Gi', pods: '110', 'nvidia.com/gpu': '2' });
    expect(status.allocatable).toMatchObject({ cpu: '3900m', memory: '8Gi' });
    expect(status.conditions.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' });
    const renewals = (): string[] =>
      api.writes
        .filter(({ plural, verb }) => plural === 'leases' && verb === 'patch')
        .map(({ body }) => (body as { spec: { renewTime: string } }).spec.renewTime);
    const before = renewals().length;
    await clock.advance(60_000);
    expect(renewals().length - before).toBe(6);
    expect(renewals().at(-1)).toMatch(/^2026-01-01T00:0\d:\d\d\.\d{6}Z$/);
    const lease = api.get('leases', 'n1', 'kube-node-lease')!;
    expect(lease.metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: object.metadata.uid }]);
    expect(lease.spec).toMatchObject({ leaseDurationSeconds: 40, holderIdentity: 'n1' });
    expect(new Set(api.writes.map(({ user }) => user))).toEqual(new Set(['system:node:n1']));
    await fleet.stop();
  });

  it('spreads the heartbeats of a fleet', async () => {
    const { clock, api, fleet } = harness();
    for (let index = 0; index < 50; index++) await fleet.addNode({ ...node, name: `n${index}` });
    await fleet.start();
    await clock.advance(20_000);
    const perSecond = new Map<number, number>();
    const renewals = (): number => api.writes.filter(({ plural }) => plural === 'leases').length;
    const from = renewals();
    for (let second = 0; second < 10; second++) {
      const before = renewals();
      await clock.advance(1000);
      perSecond.set(second, renewals() - before);
    }
    expect(renewals() - from).toBe(50);
    expect(Math.max(...perSecond.values())).toBeLessThan(20);
    await fleet.stop();
  });

  it('falls silent, and on recovery says itself that it is ready', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(15_000);
    fleet.failNode('n1');
    const writes = api.writes.length;
    await clock.advance(60_000);
    expect(api.writes.length).toBe(writes);
    expect(() => fleet.scrape('n1')).toThrow(/does not answer/);
    // What the node lifecycle controller does.
    api.change('nodes', 'n1', (object) => {
      const status = object.status as { conditions: { type: string; status: string; reason: string }[] };
      return {
        ...object,
        status: { ...status, conditions: status.conditions.map((entry) => ({ ...entry, status: 'Unknown', reason: 'NodeStatusUnknown' })) },
      };
    });
    api.change('pods', 'web', (object) => {
      const status = object.status as { conditions: { type: string; status: string }[] };
      return {
        ...object,
        status: {
          ...status,
          conditions: status.conditions.map((entry) => (entry.type === 'Ready' ? { ...entry, status: 'False' } : entry)),
        },
      };
    });
    fleet.recoverNode('n1');
    await clock.advance(1000);
    expect((api.get('nodes', 'n1')!.status as NodeStatus).conditions.find(({ type }) => type === 'Ready')?.status).toBe('True');
    expect(conditionOf(statusOf(api, 'web'), 'Ready')?.status).toBe('True');
    expect(statusOf(api, 'web').containerStatuses[0]?.restartCount).toBe(0);
    expect(fleet.scrape('n1').pods).toHaveLength(1);
    await fleet.stop();
  });

  it('restarts containers after a power cut', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(15_000);
    fleet.failNode('n1', { containers: 'stop' });
    await clock.advance(60_000);
    fleet.recoverNode('n1');
    await clock.advance(1000);
    expect(statusOf(api, 'web').containerStatuses[0]).toMatchObject({
      restartCount: 1,
      ready: true,
      lastState: { terminated: { exitCode: 255, reason: 'Unknown' } },
    });
    await fleet.stop();
  });

  it('finishes deletions that it missed', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(5000);
    fleet.failNode('n1');
    api.change('pods', 'web', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 },
    }));
    await clock.advance(60_000);
    expect(api.get('pods', 'web')).toBeDefined();
    fleet.recoverNode('n1');
    await clock.advance(2000);
    expect(api.get('pods', 'web')).toBeUndefined();
    await fleet.stop();
  });

  it('reports itself not ready while beating on', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    fleet.notReady('n1', 'ContainerRuntimeDown');
    await clock.advance(1000);
    expect((api.get('nodes', 'n1')!.status as NodeStatus).conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainerRuntimeDown',
    });
    const writes = api.writes.filter(({ plural }) => plural === 'leases').length;
    await clock.advance(20_000);
    expect(api.writes.filter(({ plural }) => plural === 'leases').length).toBe(writes + 2);
    await fleet.stop();
  });

  it('takes its pods with it when it is removed', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(1000);
    await fleet.removeNode('n1');
    expect(api.get('nodes', 'n1')).toBeUndefined();
    expect(api.get('pods', 'web')).toBeUndefined();
    expect(fleet.nodeNames()).toEqual([]);
    await fleet.stop();
  });

  it('adopts nodes and running pods after a restart of the fleet, without writing addresses again', async () => {
    const first = harness();
    await first.fleet.addNode(node);
    await first.fleet.start();
    first.api.put('pods', boundPod('web', { cpuLimit: '1' }));
    first.api.put('pods', boundPod('job', { annotations: { 'concertina.dev/sim-run': '60s' }, spec: { restartPolicy: 'Never' } }));
    await first.clock.advance(20_000);
    first.fleet.killContainer({ namespace: 'default', name: 'web' }, 'c', { code: 1, reason: 'Error' });
    await first.clock.advance(5000);
    await first.fleet.stop();
    const before = statusOf(first.api, 'web');
    const random = (): number => 0.5;
    const { clock } = first;
    const fleet = createKubeletFleet({
      client: first.api.client(),
      clock,
      random,
      workload: createWorkloadModel({ clock, random }),
      options: instant,
    });
    await fleet.addNode(node);
    first.api.writes.length = 0;
    await fleet.start();
    await clock.advance(10_000);
    expect(statusOf(first.api, 'web')).toEqual(before);
    expect(fleet.pod('default', 'web')).toMatchObject({ phase: 'Running', ready: true, containers: [{ restarts: 1, state: 'running' }] });
    expect(first.api.writes.filter(({ plural }) => plural === 'pods')).toEqual([]);
    await clock.advance(40_000);
    expect(statusOf(first.api, 'job').phase).toBe('Succeeded');
    await fleet.stop();
  });

  it('goes on after a broken watch and failing writes', async () => {
    const { clock, api, fleet, problems } = harness();
    await fleet.addNode(node);
    await fleet.start();
    let failures = 3;
    api.onWrite = ({ plural }) => {
      if (plural === 'pods' && failures-- > 0) throw new Error('connection reset');
    };
    api.breakWatches();
    api.put('pods', boundPod('web'));
    await clock.advance(30_000);
    expect(statusOf(api, 'web').phase).toBe('Running');
    expect(problems.filter((problem) => problem.includes('connection reset'))).toHaveLength(3);
    await fleet.stop();
  });
});
