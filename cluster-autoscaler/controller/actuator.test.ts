import { describe, expect, it } from 'vitest';
import { defaultActuationConfig, type ActuationConfig } from '../config.ts';
import { upstreamLoopOptions } from '../engine/loop/options.ts';
import type { PlannedDeletion } from '../engine/model.ts';
import { recheckNode } from '../engine/scale-down/recheck.ts';
import { createActuator, type Actuator } from './actuator.ts';
import { apiFailure, FakeCluster } from './cluster.fixture.ts';

const second = 1_000;
const taint = 'ToBeDeletedByClusterAutoscaler';

interface Scene {
  readonly cluster: FakeCluster;
  readonly actuator: Actuator;
  /** What the observer was told, `what node`. */
  readonly told: string[];
}

/** Changes of the configuration, and groups that go as a whole. */
type SceneOptions = Partial<ActuationConfig> & { readonly whole?: readonly string[] };

function scene(prepare: (cluster: FakeCluster) => void = () => undefined, { whole = [], ...changes }: SceneOptions = {}): Scene {
  const cluster = new FakeCluster();
  prepare(cluster);
  const told: string[] = [];
  const reads = cluster.reads();
  const config = { ...defaultActuationConfig, ...changes };
  const actuator = createActuator({
    client: cluster.client(),
    fence: cluster.fence,
    provider: cluster.cloud,
    clock: cluster.clock,
    config,
    nodeAt: (name) => reads.nodes.get(name),
    podAt: (key) => reads.pods.get(key),
    check: ({ node, kind }) =>
      recheckNode(
        {
          now: cluster.clock.now(),
          node: reads.nodes.get(node),
          pods: reads.pods.items().filter(({ nodeName }) => nodeName === node),
          kind,
          pdbs: [],
          controllers: cluster.controllers,
          evictDaemonsFromOccupied: config.evictDaemonsFromOccupied,
          evictDaemonsFromEmpty: config.evictDaemonsFromEmpty,
        },
        upstreamLoopOptions,
      ),
    isWhole: (group) => whole.includes(group),
    observer: {
      marked: (_, { name }) => told.push(`marked ${name}`),
      deleted: (_, { name }) => told.push(`deleted ${name}`),
      failed: (_, { name }, message) => told.push(`failed ${name}: ${message}`),
      pod: (_, { name }, what) => told.push(`${what} ${name}`),
    },
    logger: cluster.logger,
  });
  return { cluster, actuator, told };
}

function going(node: string, kind: PlannedDeletion['kind'] = 'empty'): PlannedDeletion {
  return { node, group: 'g', kind, evict: [], daemons: [], reason: kind === 'empty' ? 'empty' : 'underutilized', utilization: 0.1 };
}

/** A node of group `g` with an ordinary pod of a ReplicaSet. */
function occupied(cluster: FakeCluster, name = 'n1', pods: readonly string[] = ['p1']): void {
  cluster.addMember('g', name);
  cluster.cloud.group('g').targetSize = 5;
  cluster.controllers.set('ReplicaSet/default/web', {
    kind: 'ReplicaSet',
    namespace: 'default',
    name: 'web',
    uid: 'uid-web',
    specReplicas: 3,
    statusReplicas: 3,
  });
  for (const pod of pods) cluster.addPod({ name: pod, node: name, owner: { kind: 'ReplicaSet', name: 'web' } });
}

describe('the actuator', () => {
  it('taints and cordons, waits for the scheduler to see it, and gives an empty node back', async () => {
    const { cluster, actuator, told } = scene((each) => {
      each.addMember('g', 'n1');
      each.addMember('g', 'n2');
    });
    expect(await actuator.start([going('n1'), going('n2')])).toEqual({ ok: true });
    expect(cluster.nodeWrites).toEqual([`n1: ${taint} cordoned`, `n2: ${taint} cordoned`]);
    const { taints } = cluster.record('n1') ?? { taints: [] };
    expect(taints[0]).toEqual({ key: taint, value: String(cluster.clock.now() / 1000), effect: 'NoSchedule' });
    expect(actuator.running().map(({ node, kind }) => [node, kind])).toEqual([
      ['n1', 'empty'],
      ['n2', 'empty'],
    ]);
    await cluster.clock.advance(5 * second - 1);
    expect(cluster.cloud.calls).toEqual([]);
    await cluster.clock.advance(1);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1', 'delete g fake:///n2']);
    expect(told).toEqual(['marked n1', 'marked n2', 'deleted n1', 'deleted n2']);
    const { running, ended } = actuator.takeProgress();
    expect(running).toEqual([]);
    expect(ended.map(({ node, result }) => [node, result])).toEqual([
      ['n1', 'deleted'],
      ['n2', 'deleted'],
    ]);
    expect(actuator.takeProgress().ended).toEqual([]);
  });

  it('evicts all pods at once, with at most ten minutes each, waits until they have gone, then gives the node back', async () => {
    const { cluster, actuator } = scene((each) => {
      occupied(each, 'n1', ['p1', 'p2']);
      each.addPod({ name: 'slow', node: 'n1', owner: { kind: 'ReplicaSet', name: 'web' }, graceSeconds: 3_600 });
      each.terminationMs = 12 * second;
    });
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(5 * second);
    expect(cluster.evictions.map(({ pod, graceSeconds }) => [pod, graceSeconds])).toEqual([
      ['default/p1', 30],
      ['default/p2', 30],
      ['default/slow', 600],
    ]);
    await cluster.clock.advance(12 * second);
    expect(cluster.cloud.calls).toEqual([]);
    // Looked for every 5 s.
    await cluster.clock.advance(3 * second);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1']);
  });

  it('tries an eviction that a budget refuses again every ten seconds', async () => {
    const { cluster, actuator } = scene((each) => occupied(each));
    let refusals = 3;
    const tries: number[] = [];
    cluster.onEvict = () => {
      tries.push(cluster.clock.now());
      if (refusals-- > 0) throw apiFailure(429, 'TooManyRequests', 'the budget allows none');
    };
    const began = cluster.clock.now();
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(60 * second);
    expect(tries.map((at) => (at - began) / second)).toEqual([5, 15, 25, 35]);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1']);
  });

  it('gives up after two minutes, takes taint and cordon back, and says which pod it was', async () => {
    const { cluster, actuator, told } = scene((each) => occupied(each));
    cluster.onEvict = () => {
      throw apiFailure(429, 'TooManyRequests', 'the budget allows none');
    };
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(4 * 60 * second);
    expect(cluster.nodeWrites).toEqual([`n1: ${taint} cordoned`, 'n1: ']);
    expect(told).toEqual([
      'marked n1',
      'begun p1',
      'failed p1',
      'failed n1: pod default/p1 could not be evicted: the budget allows none (429 TooManyRequests)',
    ]);
    expect(cluster.cloud.calls).toEqual([]);
    expect(actuator.takeProgress().ended).toMatchObject([{ node: 'n1', result: 'failed' }]);
  });

  it('gives up on a pod that does not go', async () => {
    const { cluster, actuator, told } = scene((each) => {
      occupied(each);
      each.terminationMs = Number.MAX_SAFE_INTEGER;
    });
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(640 * second);
    expect(told.at(-1)).toBe('failed n1: 1 of 1 pods have not gone in time, among them default/p1');
    expect(cluster.taintsOf('n1')).toEqual([]);
  });

  it('looks once more before it acts: a node that was empty and is not any more stays', async () => {
    const { cluster, actuator, told } = scene((each) => each.addMember('g', 'n1'));
    await actuator.start([going('n1')]);
    occupied(cluster, 'n1');
    await cluster.clock.advance(10 * second);
    expect(cluster.cloud.calls).toEqual([]);
    expect(told.at(-1)).toBe('failed n1: Node n1 stays: it was empty, but pod default/p1 runs on it now.');
    expect(cluster.taintsOf('n1')).toEqual([]);
  });

  it('marks all nodes or none', async () => {
    const { cluster, actuator, told } = scene((each) => {
      for (const name of ['n1', 'n2', 'n3']) each.addMember('g', name);
    });
    cluster.onNodeWrite = (name) => {
      if (name === 'n2' && cluster.taintsOf('n2').length === 0) throw apiFailure(500, 'InternalError', 'etcd is away');
    };
    expect(await actuator.start([going('n1'), going('n2'), going('n3')])).toMatchObject({ ok: false });
    expect(['n1', 'n2', 'n3'].map((name) => cluster.taintsOf(name))).toEqual([[], [], []]);
    expect(['n1', 'n3'].map((name) => cluster.record(name)?.unschedulable)).toEqual([false, false]);
    expect(actuator.running()).toEqual([]);
    expect(told).toHaveLength(3);
    await cluster.clock.advance(60 * second);
    expect(cluster.cloud.calls).toEqual([]);
  });

  it('writes at most five nodes at once', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
    const { cluster, actuator } = scene((each) => {
      for (const name of names) each.addMember('g', name);
    });
    let atOnce = 0;
    let most = 0;
    const client = cluster.client();
    const patch = client.patch.bind(client);
    const counting = createActuator({
      client: {
        ...client,
        patch: async (...args: Parameters<typeof patch>) => {
          most = Math.max(most, (atOnce += 1));
          await Promise.resolve();
          atOnce -= 1;
          return patch(...args) as never;
        },
      },
      fence: cluster.fence,
      provider: cluster.cloud,
      clock: cluster.clock,
      config: defaultActuationConfig,
      nodeAt: (name) => cluster.record(name),
      podAt: () => undefined,
      check: () => ({ ok: true, evict: [], daemons: [] }),
      isWhole: () => false,
      observer: { marked: () => undefined, deleted: () => undefined, failed: () => undefined, pod: () => undefined },
      logger: cluster.logger,
    });
    await counting.start(names.map((name) => going(name)));
    expect(most).toBe(5);
    await actuator.idle();
  });

  it('tries again on what somebody else has written meanwhile, and keeps that', async () => {
    const { cluster, actuator } = scene((each) => each.addMember('g', 'n1', { taints: [{ key: 'own', effect: 'NoSchedule' }] }));
    let conflicts = 2;
    cluster.onNodeWrite = () => {
      if (conflicts-- > 0) throw apiFailure(409, 'Conflict');
    };
    expect(await actuator.start([going('n1')])).toEqual({ ok: true });
    expect(cluster.taintsOf('n1')).toEqual(['own', taint]);
  });

  it('leaves a node cordoned that somebody else had cordoned', async () => {
    const { cluster, actuator } = scene((each) => each.addMember('g', 'n1', { unschedulable: true }));
    cluster.cloud.refusal = { class: 'other', code: 'Throttling', message: 'slow down' };
    await actuator.start([going('n1')]);
    await cluster.clock.advance(10 * second);
    expect(cluster.record('n1')).toMatchObject({ unschedulable: true, taints: [] });
    expect(actuator.takeProgress().ended).toMatchObject([{ result: 'refused', message: 'Throttling: slow down' }]);
  });

  it('waits for annotations that delay the deletion, for two minutes at most', async () => {
    const delay = { annotations: { 'delay-deletion.cluster-autoscaler.kubernetes.io/volumes': 'true' } };
    const { cluster, actuator } = scene((each) => {
      each.addMember('g', 'n1', delay);
      each.addMember('g', 'n2', delay);
    });
    await actuator.start([going('n1'), going('n2')]);
    await cluster.clock.advance(60 * second);
    expect(cluster.cloud.calls).toEqual([]);
    const raw = cluster.nodes.get('n1');
    if (raw === undefined) throw new Error('no node');
    cluster.nodes.set('n1', { ...raw, metadata: { ...raw.metadata, annotations: {} } });
    await cluster.clock.advance(5 * second);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1']);
    await cluster.clock.advance(61 * second);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1', 'delete g fake:///n2']);
  });

  it('evicts daemon pods of a node with others without waiting for them, and none of an empty node', async () => {
    const daemon = (each: FakeCluster, node: string): void => {
      each.addPod({ name: `agent-${node}`, node, owner: { kind: 'DaemonSet', name: 'agent' } });
      each.controllers.set('DaemonSet/default/agent', {
        kind: 'DaemonSet',
        namespace: 'default',
        name: 'agent',
        uid: 'uid-agent',
        specReplicas: 1,
        statusReplicas: 1,
      });
    };
    const { cluster, actuator } = scene((each) => {
      occupied(each, 'n1');
      daemon(each, 'n1');
      each.addMember('g', 'n2');
      daemon(each, 'n2');
    });
    cluster.onEvict = (pod) => {
      if (pod === 'default/agent-n1') throw apiFailure(429, 'TooManyRequests');
    };
    await actuator.start([going('n1', 'drain'), going('n2')]);
    await cluster.clock.advance(10 * second);
    expect(cluster.evictions.map(({ pod }) => pod)).toEqual(['default/p1']);
    expect(cluster.cloud.calls.toSorted()).toEqual(['delete g fake:///n1', 'delete g fake:///n2']);
    await cluster.clock.advance(5 * 60 * second);
  });

  it('stops at once where it may not write any more, and tells the cloud nothing', async () => {
    const { cluster, actuator } = scene((each) => occupied(each));
    await actuator.start([going('n1', 'drain')]);
    cluster.fencedBy = 'this copy does not hold the lease';
    await cluster.clock.advance(10 * second);
    expect(actuator.running()).toEqual([]);
    expect(cluster.cloud.calls).toEqual([]);
    // The next leader finds the taint and takes it back.
    expect(cluster.taintsOf('n1')).toEqual([taint]);
  });

  it('takes taints back when it is stopped before the cloud was told', async () => {
    const { cluster, actuator } = scene((each) => {
      occupied(each);
      each.terminationMs = 60 * second;
    });
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(6 * second);
    await actuator.stop();
    expect(cluster.taintsOf('n1')).toEqual([]);
    expect(cluster.cloud.calls).toEqual([]);
  });
});

describe('the actuator with --drain-priority-config', () => {
  const minute = 60 * second;
  const priorities = [
    { priority: 0, graceMs: 60 * second },
    { priority: 1_000, graceMs: 20 * second },
    { priority: 10_000, graceMs: 0 },
  ];
  const pods = (
    each: FakeCluster,
    list: Readonly<Record<string, { readonly priority?: number; readonly graceSeconds?: number }>>,
  ): void => {
    occupied(each, 'n1', []);
    for (const [name, more] of Object.entries(list)) each.addPod({ name, node: 'n1', owner: { kind: 'ReplicaSet', name: 'web' }, ...more });
  };
  const evicted = ({ evictions }: FakeCluster, began: number) =>
    evictions.map(({ pod, at, graceSeconds }) => [pod.replace('default/', ''), (at - began) / second, graceSeconds]);

  it('evicts by priority, lowest first, each bucket with its own time and when the one before has gone', async () => {
    const { cluster, actuator } = scene(
      (each) => {
        pods(each, {
          highest: { priority: 2_000_000_000, graceSeconds: 90 },
          ordinary: { graceSeconds: 90 },
          below: { priority: -5, graceSeconds: 10 },
          edge: { priority: 1_000, graceSeconds: 90 },
          between: { priority: 9_999, graceSeconds: 5 },
        });
        each.terminationMs = 12 * second;
      },
      { drainPriorities: priorities },
    );
    const began = cluster.clock.now();
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(2 * minute);
    expect(evicted(cluster, began)).toEqual([
      ['ordinary', 5, 60],
      ['below', 5, 10],
      // Looked for every 5 s: gone at 17 s, seen at 20 s.
      ['edge', 20, 20],
      ['between', 20, 5],
      // 0: as long as it says itself.
      ['highest', 35, 90],
    ]);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1']);
  });

  it('waits for each bucket its own time and half a minute, and leaves the later ones alone when one does not go', async () => {
    const { cluster, actuator, told } = scene(
      (each) => {
        pods(each, { low: { priority: 0 }, high: { priority: 10_000 } });
        each.terminationMs = Number.MAX_SAFE_INTEGER;
      },
      { drainPriorities: priorities },
    );
    await actuator.start([going('n1', 'drain')]);
    await cluster.clock.advance(94 * second);
    expect(told.at(-1)).toBe('evicted low');
    await cluster.clock.advance(2 * second);
    expect(told.at(-1)).toBe('failed n1: 1 of 1 pods have not gone in time, among them default/low');
    expect(cluster.evictions.map(({ pod }) => pod)).toEqual(['default/low']);
    expect(cluster.taintsOf('n1')).toEqual([]);
  });

  it('waits for pods of DaemonSets as for others, and fails when one of them cannot be evicted', async () => {
    const daemon = (each: FakeCluster): void => {
      pods(each, { low: { priority: 0 } });
      each.addPod({ name: 'agent', node: 'n1', owner: { kind: 'DaemonSet', name: 'agent' }, priority: 2_000 });
      each.controllers.set('DaemonSet/default/agent', {
        kind: 'DaemonSet',
        namespace: 'default',
        name: 'agent',
        uid: 'uid-agent',
        specReplicas: 1,
        statusReplicas: 1,
      });
    };
    const waits = scene(
      (each) => {
        daemon(each);
        each.terminationMs = 12 * second;
      },
      { drainPriorities: priorities },
    );
    await waits.actuator.start([going('n1', 'drain')]);
    await waits.cluster.clock.advance(34 * second);
    expect(waits.cluster.evictions.map(({ pod }) => pod)).toEqual(['default/low', 'default/agent']);
    expect(waits.cluster.cloud.calls).toEqual([]);
    await waits.cluster.clock.advance(second);
    expect(waits.cluster.cloud.calls).toEqual(['delete g fake:///n1']);

    const fails = scene(daemon, { drainPriorities: priorities });
    fails.cluster.onEvict = (pod) => {
      if (pod === 'default/agent') throw apiFailure(429, 'TooManyRequests');
    };
    await fails.actuator.start([going('n1', 'drain')]);
    await fails.cluster.clock.advance(3 * minute);
    expect(fails.cluster.cloud.calls).toEqual([]);
    expect(fails.told.at(-1)).toMatch(/^failed n1: pod default\/agent could not be evicted/);
  });
});

describe('the actuator gives nodes of a group back together', () => {
  const members = (each: FakeCluster): void => {
    for (const name of ['n1', 'n2', 'n3']) each.addMember('g', name);
    each.addMember('h', 'm1');
  };
  const delayed = { annotations: { 'delay-deletion.cluster-autoscaler.kubernetes.io/volumes': 'true' } };

  it('that are ready within --node-deletion-batcher-interval of the first', async () => {
    const { cluster, actuator, told } = scene(members, { deletionBatcherIntervalMs: 20 * second });
    await actuator.start([going('n1'), going('n2'), { ...going('m1'), group: 'h' }]);
    await cluster.clock.advance(10 * second);
    await actuator.start([going('n3')]);
    await cluster.clock.advance(15 * second - 1);
    expect(cluster.cloud.calls).toEqual([]);
    await cluster.clock.advance(1);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1,fake:///n2,fake:///n3', 'delete h fake:///m1']);
    expect(told.filter((each) => each.startsWith('deleted'))).toEqual(['deleted n1', 'deleted n2', 'deleted n3', 'deleted m1']);
    expect(actuator.running()).toEqual([]);
  });

  it('and begins anew with the next; a refusal is that of all', async () => {
    const { cluster, actuator } = scene(members, { deletionBatcherIntervalMs: 20 * second });
    await actuator.start([going('n1')]);
    await cluster.clock.advance(25 * second);
    cluster.cloud.refusal = { class: 'other', code: 'Throttling', message: 'slow down' };
    await actuator.start([going('n2'), going('n3')]);
    await cluster.clock.advance(25 * second);
    expect(cluster.cloud.calls).toEqual(['delete g fake:///n1', 'delete g fake:///n2,fake:///n3']);
    expect(actuator.takeProgress().ended.map(({ node, result }) => [node, result])).toEqual([
      ['n1', 'deleted'],
      ['n2', 'refused'],
      ['n3', 'refused'],
    ]);
    expect(['n2', 'n3'].map((name) => cluster.taintsOf(name))).toEqual([[], []]);
  });

  it('not when it is stopped before: what was collected stays', async () => {
    const { cluster, actuator } = scene(members, { deletionBatcherIntervalMs: 20 * second });
    await actuator.start([going('n1'), going('n2')]);
    await cluster.clock.advance(10 * second);
    await actuator.stop();
    expect(cluster.cloud.calls).toEqual([]);
    expect(['n1', 'n2'].map((name) => cluster.taintsOf(name))).toEqual([[], []]);
  });

  it('when the last one of a group that goes as a whole is ready', async () => {
    const { cluster, actuator } = scene(
      (each) => {
        each.addMember('g', 'n1');
        each.addMember('g', 'n2', delayed);
        each.addMember('h', 'm1');
      },
      { whole: ['g'] },
    );
    await actuator.start([going('n1'), going('n2'), { ...going('m1'), group: 'h' }]);
    await cluster.clock.advance(124 * second);
    expect(cluster.cloud.calls).toEqual(['delete h fake:///m1']);
    await cluster.clock.advance(second);
    expect(cluster.cloud.calls).toEqual(['delete h fake:///m1', 'delete g fake:///n1,fake:///n2']);
  });

  it('or not at all: one that stays keeps the others of its group, whether they were ready before it or after', async () => {
    const { cluster, actuator, told } = scene(
      (each) => {
        each.addMember('g', 'n1');
        each.addMember('g', 'n2');
        each.addMember('g', 'n3', delayed);
      },
      { whole: ['g'] },
    );
    await actuator.start([going('n1'), going('n2'), going('n3')]);
    occupied(cluster, 'n2');
    await cluster.clock.advance(10 * second);
    const broken = 'its group g goes as a whole or not at all, and another node of it stays';
    expect(told.filter((each) => each.startsWith('failed'))).toEqual([
      'failed n2: Node n2 stays: it was empty, but pod default/p1 runs on it now.',
      `failed n1: ${broken}`,
    ]);
    await cluster.clock.advance(120 * second);
    expect(told.at(-1)).toBe(`failed n3: ${broken}`);
    expect(cluster.cloud.calls).toEqual([]);
    expect(['n1', 'n2', 'n3'].map((name) => cluster.taintsOf(name))).toEqual([[], [], []]);
  });
});
