import { describe, expect, it } from 'vitest';
import { defaultActuationConfig } from '../config.ts';
import type { Effect } from '../engine/model.ts';
import { apiFailure, FakeCluster } from './cluster.fixture.ts';
import { createEffects } from './effects.ts';

const candidate = 'DeletionCandidateOfClusterAutoscaler';
const deleted = 'ToBeDeletedByClusterAutoscaler';

function scene() {
  const cluster = new FakeCluster();
  const counted: string[] = [];
  const scaled: string[] = [];
  const effects = createEffects({
    client: cluster.client(),
    fence: cluster.fence,
    provider: cluster.cloud,
    actuator: {
      start: () => Promise.resolve({ ok: true }),
      takeProgress: () => ({ running: [], ended: [] }),
      running: () => [],
      idle: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    },
    clock: cluster.clock,
    config: defaultActuationConfig,
    metrics: {
      scaledUp: (nodes, gpus) => counted.push(`up ${nodes}${gpus?.gpu_name ?? ''}`),
      unregisteredRemoved: (count) => counted.push(`unregistered ${count}`),
      creationFailed: (code) => counted.push(`failed ${code}`),
    },
    logger: cluster.logger,
    groupOf: () =>
      ({ instances: [{ id: 'a', state: 'creating', failure: { class: 'out-of-resources', code: 'NoCapacity', message: '' } }] }) as never,
    onScaled: (group, direction) => scaled.push(`${group} ${direction}`),
    onDeletions: () => scaled.push('deletions'),
  });
  return { cluster, counted, scaled, carryOut: (effect: Effect) => effects.carryOut(effect) };
}

describe('the effects of a loop', () => {
  it('change sizes in the cloud, and count what was done', async () => {
    const { cluster, counted, scaled, carryOut } = scene();
    expect(await carryOut({ type: 'increase-size', group: 'g', delta: 3 })).toEqual({ ok: true });
    expect(await carryOut({ type: 'decrease-target-size', group: 'g', delta: -1 })).toEqual({ ok: true });
    expect(await carryOut({ type: 'delete-instances', group: 'g', instances: ['a', 'b'], forced: false, why: 'creation-error' })).toEqual({
      ok: true,
    });
    await carryOut({ type: 'delete-instances', group: 'g', instances: ['c'], forced: false, why: 'unregistered' });
    await carryOut({
      type: 'start-deletion',
      nodes: [{ node: 'n', group: 'g', kind: 'empty', evict: [], daemons: [], reason: 'empty', utilization: 0 }],
    });
    expect(cluster.cloud.calls).toEqual(['increase g 3', 'decrease g -1', 'delete g a,b', 'delete g c']);
    expect(counted).toEqual(['up 3', 'failed NoCapacity', 'failed unknown', 'unregistered 1']);
    expect(scaled).toEqual(['g up', 'deletions']);
  });

  it('answer what the cloud refuses, and a fence that is closed, as results', async () => {
    const { cluster, counted, scaled, carryOut } = scene();
    cluster.cloud.refusal = { class: 'out-of-resources', code: 'NoCapacity', message: 'none left' };
    expect(await carryOut({ type: 'increase-size', group: 'g', delta: 1 })).toEqual({ ok: false, failure: cluster.cloud.refusal });
    cluster.cloud.calls.length = 0;
    cluster.fencedBy = 'this copy does not hold the lease';
    expect(await carryOut({ type: 'increase-size', group: 'g', delta: 1 })).toMatchObject({
      ok: false,
      failure: { class: 'other', code: 'Fenced' },
    });
    expect(cluster.cloud.calls).toEqual([]);
    expect([counted, scaled]).toEqual([[], []]);
  });

  it('put soft taints on and take them off, removals first, for three seconds at most', async () => {
    const { cluster, carryOut } = scene();
    for (const name of ['a', 'b', 'c'])
      cluster.addNode(name, name === 'a' ? { taints: [{ key: candidate, effect: 'PreferNoSchedule', value: '1' }] } : {});
    expect(await carryOut({ type: 'soft-taint', add: ['b'], remove: ['a'] })).toEqual({ ok: true });
    expect(cluster.nodeWrites).toEqual(['a: ', `b: ${candidate}`]);
    expect(cluster.record('b')?.taints).toEqual([
      { key: candidate, value: String(cluster.clock.now() / 1000), effect: 'PreferNoSchedule' },
    ]);
    cluster.onNodeWrite = () => void cluster.clock.advance(4_000);
    await carryOut({ type: 'soft-taint', add: ['c'], remove: ['b'] });
    await cluster.clock.advance(4_000);
    expect(cluster.taintsOf('b')).toEqual([]);
  });

  it('go on past a node whose soft taint cannot be written: it is tried in the next loop', async () => {
    const { cluster, carryOut } = scene();
    for (const name of ['a', 'b']) cluster.addNode(name);
    cluster.onNodeWrite = (name) => {
      if (name === 'a') throw apiFailure(500, 'InternalError');
    };
    expect(await carryOut({ type: 'soft-taint', add: ['a', 'b', 'gone'], remove: ['gone'] })).toEqual({ ok: true });
    expect(cluster.taintsOf('b')).toEqual([candidate]);
  });

  it('clean what an earlier run left, and say when they cannot', async () => {
    const { cluster, carryOut } = scene();
    const taints = [{ key: deleted, effect: 'NoSchedule', value: '1' }];
    cluster.addNode('a', { taints, unschedulable: true });
    cluster.addNode('b', { taints });
    const nodes = [
      { node: 'a', taints: [deleted], uncordon: true },
      { node: 'b', taints: [deleted], uncordon: false },
      { node: 'gone', taints: [deleted], uncordon: false },
    ];
    expect(await carryOut({ type: 'clean-taints', nodes })).toEqual({ ok: true });
    expect(cluster.record('a')).toMatchObject({ taints: [], unschedulable: false });
    expect(cluster.taintsOf('b')).toEqual([]);
    cluster.addNode('c', { taints });
    cluster.onNodeWrite = () => {
      throw apiFailure(500, 'InternalError', 'etcd is away');
    };
    expect(await carryOut({ type: 'clean-taints', nodes: [{ node: 'c', taints: [deleted], uncordon: false }] })).toMatchObject({
      ok: false,
    });
  });
});
