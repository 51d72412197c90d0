import { describe, expect, it } from 'vitest';
import { upstreamGroupOptions } from '../../cluster-autoscaler/index.ts';
import type { Effect } from './nodes-loop.ts';
import { createPathMeter, type PathMeter } from './nodes-meter.ts';
import { deletionOptions, scene, sceneGroup, sceneSet, setShape, startNode } from './nodes-scene.fixture.ts';
import { msOf, type NodesScene } from './nodes-scene.ts';
import { createNodesWorld, type NodesWorld, type NodesWorldOptions } from './nodes-world.ts';

function worldOf(of: NodesScene, options: Partial<NodesWorldOptions> = {}): NodesWorld {
  const meter: PathMeter = createPathMeter();
  return createNodesWorld(of, { group: upstreamGroupOptions, deletion: deletionOptions, placement: 'first-fit', meter, ...options });
}

/** Pods by node, `-` for those that wait. */
function places({ cluster }: NodesWorld): Readonly<Record<string, readonly string[]>> {
  const by: Record<string, string[]> = {};
  for (const { name, node = '-' } of cluster.pods.values()) (by[node] ??= []).push(name);
  return by;
}

function deletion(node: string, evict: readonly string[], group = 'g1'): Effect {
  const plan = { node, group, evict: evict.map((name) => `pod-${name}`), daemons: [], utilization: 0, reason: 'underutilized' as const };
  return { type: 'start-deletion', nodes: [{ ...plan, kind: evict.length > 0 ? 'drain' : 'empty' }] };
}

const grow = (to: number, at = 17): NodesScene['workload'][number] => ({ what: 'scale', at, set: 's1', to });

describe('machines', () => {
  it('come so long after they were asked for as they take to boot and to become ready', () => {
    const world = worldOf(scene({ cloud: { bootOf: new Map([['g1-n02', 37]]) } }));
    world.advance(10);
    expect(world.answer({ type: 'increase-size', group: 'g1', delta: 2 })).toEqual({ ok: true });
    expect(world.input(new Set(['g1'])).groups[0]).toMatchObject({
      targetSize: 3,
      instances: [{ state: 'running' }, { id: 'scene://g1/g1-n02', state: 'creating' }, { state: 'creating' }],
    });
    world.advance(40);
    expect([...world.cluster.nodes.keys()]).toEqual(['g1-n01']);
    world.advance(50);
    expect([...world.cluster.nodes.keys()]).toEqual(['g1-n01', 'g1-n02']);
    expect(world.input(new Set()).nodes[1]).toMatchObject({
      ready: 'False',
      created: msOf(47),
      taints: [{ key: 'node.kubernetes.io/not-ready' }],
    });
    world.advance(70);
    expect(world.input(new Set()).nodes.map(({ ready, taints }) => [ready, taints])).toEqual([
      ['True', []],
      ['True', []],
      ['False', [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]],
    ]);
  });

  it('are refused above the maximum, and in an outage', () => {
    const world = worldOf(scene({ cloud: { incidents: [{ what: 'refuses', group: 'g1', from: 20, to: 40 }] } }));
    world.advance(10);
    expect(world.answer({ type: 'increase-size', group: 'g1', delta: 10 }).ok).toBe(false);
    world.advance(20);
    expect(world.answer({ type: 'increase-size', group: 'g1', delta: 1 }).ok).toBe(false);
    world.advance(50);
    expect(world.answer({ type: 'increase-size', group: 'g1', delta: 1 }).ok).toBe(true);
    expect(world.cloud.targets.get('g1')).toBe(2);
  });

  it('never come while the group is out of stock, and say so', () => {
    const world = worldOf(scene({ cloud: { incidents: [{ what: 'stockout', group: 'g1', from: 0, to: 30 }] } }));
    world.advance(10);
    world.answer({ type: 'increase-size', group: 'g1', delta: 1 });
    world.advance(600);
    expect(world.input(new Set(['g1'])).groups[0]?.instances[1]).toMatchObject({
      state: 'creating',
      failure: { class: 'out-of-resources' },
    });
    expect(world.cluster.nodes.size).toBe(1);
    expect(
      world.answer({ type: 'delete-instances', group: 'g1', instances: ['scene://g1/g1-n02'], forced: false, why: 'creation-error' }).ok,
    ).toBe(true);
    expect(world.cloud.targets.get('g1')).toBe(1);
  });

  it('of a late group are listed when they have booted, and until then can be taken back', () => {
    const late = scene({ groups: [sceneGroup('g1', { lateInstances: true })] });
    const world = worldOf(late);
    world.advance(10);
    world.answer({ type: 'increase-size', group: 'g1', delta: 2 });
    expect(world.cloud.list('g1')).toEqual(['g1-n01']);
    expect(world.answer({ type: 'decrease-target-size', group: 'g1', delta: -3 }).ok).toBe(false);
    expect(world.answer({ type: 'decrease-target-size', group: 'g1', delta: -1 }).ok).toBe(true);
    world.advance(120);
    expect(world.cloud.list('g1')).toEqual(['g1-n01', 'g1-n02']);
    expect(world.cloud.targets.get('g1')).toBe(2);
  });

  it('that the cloud takes away are replaced, and their pods are made again when the Node object goes', () => {
    const lost = scene({
      start: { nodes: [startNode('g1', 1)], pods: [{ name: 's1-001', shape: 's1', created: 0, node: 'g1-n01' }], replicas: { s1: 1 } },
      cloud: { incidents: [{ what: 'lost', at: 27, group: 'g1', name: 'g1-n07' }] },
    });
    const world = worldOf(lost);
    world.advance(30);
    expect(world.input(new Set(['g1']))).toMatchObject({ groups: [{ targetSize: 1, instances: [{ id: 'scene://g1/g1-n02' }] }] });
    expect([...world.input(new Set()).gone!.nodes]).toEqual(['g1-n01']);
    expect(places(world)).toEqual({ 'g1-n01': ['s1-001'] });
    world.advance(40);
    expect(places(world)).toEqual({ '-': ['s1-002'] });
    world.advance(110);
    expect(places(world)).toEqual({ 'g1-n02': ['s1-002'] });
  });

  it('break down for a while and take no new pods meanwhile', () => {
    const broken = scene({
      workload: [grow(1, 27)],
      cloud: { incidents: [{ what: 'broken', at: 17, until: 57, group: 'g1', name: 'g1-n01' }] },
    });
    const world = worldOf(broken);
    world.advance(50);
    expect(world.input(new Set()).nodes[0]).toMatchObject({ ready: 'False', readySince: msOf(17) });
    expect(places(world)).toEqual({ '-': ['s1-001'] });
    world.advance(60);
    expect(places(world)).toEqual({ 'g1-n01': ['s1-001'] });
  });
});

describe('the workload', () => {
  it('grows onto the first node by name that has room, and shrinks where it shrank in the recording', () => {
    const shrink: NodesScene['workload'][number] = { what: 'scale', at: 27, set: 's1', to: 4, gone: { places: [1], of: 5 } };
    const world = worldOf(
      scene({ start: { nodes: [startNode('g1', 1), startNode('g1', 2)], pods: [], replicas: { s1: 0 } }, workload: [grow(5), shrink] }),
    );
    world.advance(20);
    expect(places(world)).toEqual({ 'g1-n01': ['s1-001', 's1-002', 's1-003', 's1-004'], 'g1-n02': ['s1-005'] });
    world.advance(30);
    expect(places(world)).toEqual({ 'g1-n01': ['s1-001', 's1-003', 's1-004'], 'g1-n02': ['s1-005'] });
  });

  it('spreads over nodes where the scheduler goes by scores', () => {
    const start = { nodes: [startNode('g1', 1), startNode('g1', 2)], pods: [], replicas: { s1: 0 } };
    const world = worldOf(scene({ start, workload: [grow(4)] }), { placement: 'kube-scheduler' });
    world.advance(20);
    expect(places(world)).toEqual({ 'g1-n01': ['s1-001', 's1-003'], 'g1-n02': ['s1-002', 's1-004'] });
  });

  it('lets a bound pod go on for its grace, and makes nothing in its place when it was told to shrink', () => {
    const world = worldOf(scene({ workload: [grow(1), grow(0, 27)], graceOf: { s1: 14 } }));
    world.advance(40);
    expect(world.input(new Set()).pods).toMatchObject([{ name: 's1-001', deleted: msOf(27) }]);
    world.advance(50);
    expect(world.cluster.pods.size).toBe(0);
  });

  it('says what it wants, and with a lead what it is about to want', () => {
    const now = worldOf(scene({ workload: [grow(3)] }));
    const before = worldOf(scene({ workload: [grow(3)] }), { intentLead: 10 });
    for (const world of [now, before]) world.advance(10);
    expect(now.input(new Set()).intents).toMatchObject([{ wantedReplicas: 0, currentReplicas: 0 }]);
    expect(before.input(new Set()).intents).toMatchObject([{ wantedReplicas: 3, currentReplicas: 0, shape: { requests: { cpu: 1000 } } }]);
  });
});

describe('deletions', () => {
  const start = {
    nodes: [startNode('g1', 1), startNode('g1', 2)],
    pods: [
      { name: 's1-001', shape: 's1', created: 0, node: 'g1-n01' },
      { name: 's1-002', shape: 's1', created: 0, node: 'g1-n02' },
    ],
    replicas: { s1: 2 },
  };

  it('taint and cordon, evict after 5 seconds, and give the node back when its pods are gone', () => {
    const world = worldOf(scene({ start, graceOf: { s1: 10 } }));
    world.advance(10);
    world.answer(deletion('g1-n01', ['s1-001']));
    const { deletions, nodes } = world.input(new Set());
    expect(deletions).toEqual({ running: [{ node: 'g1-n01', group: 'g1', kind: 'drain', since: msOf(10) }], ended: [] });
    expect(nodes[0]).toMatchObject({ unschedulable: true, taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: '946684810' }] });
    world.advance(20);
    expect(world.input(new Set()).pods.map(({ name, nodeName, deleted }) => [name, nodeName, deleted])).toEqual([
      ['s1-001', 'g1-n01', msOf(15)],
      ['s1-002', 'g1-n02', undefined],
      ['s1-003', 'g1-n02', undefined],
    ]);
    world.advance(30);
    expect(world.input(new Set()).deletions).toEqual({
      running: [],
      ended: [{ node: 'g1-n01', group: 'g1', at: msOf(30), result: 'deleted', message: '' }],
    });
    expect(world.cloud.targets.get('g1')).toBe(1);
    world.advance(40);
    expect([...world.cluster.nodes.keys()]).toEqual(['g1-n01', 'g1-n02']);
    world.advance(50);
    expect([...world.cluster.nodes.keys()]).toEqual(['g1-n02']);
  });

  it('are given up when a budget does not allow an eviction in time', () => {
    const budget = { metadata: { name: 'b', namespace: 'default' }, spec: { minAvailable: 2, selector: { matchLabels: { app: 's1' } } } };
    const world = worldOf(scene({ start, budgets: [budget] }));
    world.advance(10);
    expect(world.input(new Set()).pdbs).toMatchObject([{ name: 'b', disruptionsAllowed: 0 }]);
    world.answer(deletion('g1-n01', ['s1-001']));
    world.advance(120);
    expect(world.input(new Set()).deletions.running).toHaveLength(1);
    world.advance(140);
    const { deletions, nodes } = world.input(new Set());
    expect(deletions).toMatchObject({ running: [], ended: [{ node: 'g1-n01', result: 'failed' }] });
    expect(nodes[0]).toMatchObject({ unschedulable: false, taints: [] });
  });

  it('spend a budget only once', () => {
    const budget = { metadata: { name: 'b', namespace: 'default' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 's1' } } } };
    const world = worldOf(scene({ start, budgets: [budget] }));
    world.advance(10);
    world.answer(deletion('g1-n01', ['s1-001']));
    world.answer(deletion('g1-n02', ['s1-002']));
    world.advance(16);
    expect(places(world)).toEqual({ 'g1-n02': ['s1-002'] });
  });

  it('are refused by the cloud at the minimum size', () => {
    const world = worldOf(scene({ groups: [sceneGroup('g1', { min: 2 })], start }));
    world.advance(10);
    world.answer(deletion('g1-n01', ['s1-001']));
    world.advance(20);
    expect(world.input(new Set()).deletions.ended).toMatchObject([{ node: 'g1-n01', result: 'refused' }]);
    expect(world.cloud.targets.get('g1')).toBe(2);
  });

  it('of an empty node are given up when a pod runs on it', () => {
    const world = worldOf(scene({ start }));
    world.advance(10);
    world.answer(deletion('g1-n01', []));
    world.advance(20);
    expect(world.input(new Set()).deletions.ended).toMatchObject([{ node: 'g1-n01', result: 'failed' }]);
  });

  it('evict the pods of DaemonSets, which come again on the node as long as its machine runs', () => {
    const spec = { template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [], tolerations: [{ operator: 'Exists' }] } } };
    const daemonSets = [{ metadata: { name: 'agent', namespace: 'kube-system', uid: 'uid-agent' }, spec }];
    const shapes = { s1: setShape('s1', '1'), 'ds:agent': { metadata: { name: '', namespace: 'kube-system' }, spec: { containers: [] } } };
    const agents = ['g1-n01', 'g1-n02'].map((node) => ({ name: `agent-${node}`, shape: 'ds:agent', created: -3600, node }));
    const pods = [...start.pods, ...agents];
    const world = worldOf(scene({ start: { ...start, pods }, shapes, daemonSets, graceOf: { s1: 20 } }));
    world.advance(10);
    expect(places(world)['g1-n02']).toEqual(['s1-002', 'agent-g1-n02']);
    world.answer(deletion('g1-n01', ['s1-001']));
    world.advance(16);
    expect(places(world)['g1-n01']).toEqual(['s1-001']);
    world.advance(20);
    expect(places(world)['g1-n01']).toEqual(['s1-001', 'agent-g1-n01-1']);
  });
});

describe('what a loop is shown', () => {
  it('has lists of instances that are up to two minutes old, unless a group is to be read anew', () => {
    const lost = scene({
      groups: [sceneGroup('g1'), sceneGroup('g2')],
      sets: [sceneSet('s1')],
      start: { nodes: [startNode('g1', 1), startNode('g2', 1)], pods: [], replicas: { s1: 0 } },
      cloud: {
        incidents: [
          { what: 'lost', at: 17, group: 'g1', name: 'g1-n01' },
          { what: 'lost', at: 17, group: 'g2', name: 'g2-n01' },
        ],
      },
    });
    const world = worldOf(lost);
    const listed = (stale: readonly string[]): readonly number[] =>
      world.input(new Set(stale)).groups.map(({ instances }) => instances.length);
    world.advance(10);
    expect(listed([])).toEqual([1, 1]);
    world.advance(20);
    expect(listed(['g2'])).toEqual([0, 1]);
    world.advance(120);
    expect(listed([])).toEqual([0, 1]);
    world.advance(130);
    expect(listed([])).toEqual([1, 1]);
  });
});
