import { describe, expect, it } from 'vitest';
import { group, minute, node, now, passOf, pdb, pod, reportOn, run, second, snapshotOf } from './builders.fixture.ts';
import type { ScaleDownResult } from './model.ts';
import { emptyScaleDownState, forgetUnneeded, noteDeletionFailed, noteDeletionStarted, noteScaleUp } from './state.ts';

const names = ({ deletions }: ScaleDownResult): string[] => deletions.map((each) => each.node);
const safe = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' };

describe('what goes', () => {
  it('an empty node and one whose pods fit elsewhere go, a used one stays', () => {
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const pods = [pod('a', { node: 'g-2' }), pod('b', { node: 'g-3', cpu: '3' })];
    const result = run({ nodes, pods });
    expect(result.deletions).toEqual([
      { node: 'g-1', group: 'g', kind: 'empty', evict: [], daemons: [], reason: 'empty', utilization: 0 },
      { node: 'g-2', group: 'g', kind: 'drain', evict: ['uid-default-a'], daemons: [], reason: 'underutilized', utilization: 0.125 },
    ]);
    expect(result.unneeded).toEqual(['g-1', 'g-2']);
    expect(reportOn(result, 'g-3')).toEqual({
      node: 'g-3',
      group: 'g',
      utilization: 0.75,
      utilizationResource: 'cpu',
      unneededSince: undefined,
      unremovable: 'NotUnderutilized',
      blockedBy: undefined,
      removableAt: undefined,
      message: 'Node g-3 stays: its pods ask for 75 % of its cpu, more than the threshold of 50 %.',
    });
    expect(reportOn(result, 'g-2').message).toBe(
      'Node g-2 goes now: it is not needed (its pods ask for 12.5 % of its cpu, 1 pod to evict) for 0s.',
    );
  });

  it('lists daemon pods apart, counts an unready node as unready and does not wait for pods that should be gone', () => {
    const nodes = [node('g-1', { ready: false }), node('g-2')];
    const pods = [
      pod('d', { node: 'g-1', owner: 'DaemonSet', cpu: '10m' }),
      pod('old', { node: 'g-1', deleted: now - 5 * minute, cpu: '10m' }),
      pod('b', { node: 'g-2', cpu: '3' }),
    ];
    const result = run({ nodes, pods, groups: [group('g', { options: { unreadyMs: 0 } })] });
    expect(result.deletions).toMatchObject([{ node: 'g-1', kind: 'empty', evict: [], daemons: ['uid-default-d'], reason: 'unready' }]);
  });

  it('two nodes that could take each other’s pods do not both go', () => {
    const nodes = [node('g-1'), node('g-2')];
    const pods = [pod('a', { node: 'g-1', cpu: '1900m' }), pod('b', { node: 'g-2', cpu: '1900m' })];
    expect(names(run({ nodes, pods }))).toEqual(['g-1']);
  });

  it('pods that come to a node in the simulation have to move on with it', () => {
    // a and b fit on g-3 together with what is there, a, b and c on no two nodes that are left of three.
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const half = { cpu: '1500m' };
    const pods = [pod('a', { ...half, node: 'g-1' }), pod('b', { ...half, node: 'g-2' }), pod('c', { ...half, node: 'g-3' })];
    for (const compat of ['none', 'cluster-autoscaler'] as const) {
      expect(names(run({ nodes, pods, options: { compat } }))).toHaveLength(1);
    }
    const small = pods.map((each) => pod(each.name, { node: each.nodeName ?? '', cpu: '1300m' }));
    for (const compat of ['none', 'cluster-autoscaler'] as const) {
      expect(names(run({ nodes, pods: small, options: { compat } }))).toHaveLength(2);
    }
  });

  it('leaves the snapshot as it was', () => {
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const pods = [pod('a', { node: 'g-1' }), pod('b', { node: 'g-2' }), pod('c', { node: 'g-3', cpu: '3' })];
    const snapshot = snapshotOf(nodes, pods);
    run({ nodes, pods, snapshot });
    expect(snapshot.nodeIds().map((id) => [snapshot.node(id).name, snapshot.podsOn(id).map(({ name }) => name)])).toEqual([
      ['g-1', ['a']],
      ['g-2', ['b']],
      ['g-3', ['c']],
    ]);
    expect(() => snapshot.revert()).toThrow('no fork');
  });

  it('a pending pod that is expected on a node needs a place, but no eviction', () => {
    const nodes = [node('g-1'), node('g-2')];
    const pods = [pod('b', { node: 'g-2', cpu: '3' })];
    const snapshot = snapshotOf(nodes, pods);
    snapshot.place(pod('pending', { cpu: '1', owner: null }), snapshot.find('g-1') ?? -1);
    expect(run({ nodes, snapshot }).deletions).toMatchObject([{ node: 'g-1', kind: 'drain', evict: [] }]);
    snapshot.place(pod('pending-too', { cpu: '1', owner: null }), snapshot.find('g-1') ?? -1);
    const full = run({ nodes, snapshot });
    expect(full.deletions).toEqual([]);
    expect(reportOn(full, 'g-1').unremovable).toBe('NoPlaceToMovePods');
    // Upstream puts it to the drain rules.
    expect(reportOn(run({ nodes, snapshot, options: { compat: 'cluster-autoscaler' } }), 'g-1').unremovable).toBe('BlockedByPod');
  });

  it('nodes that are no input are no destinations', () => {
    const nodes = [node('g-1')];
    const snapshot = snapshotOf([...nodes, node('upcoming')], [pod('a', { node: 'g-1' })]);
    expect(reportOn(run({ nodes, snapshot }), 'g-1').unremovable).toBe('NoPlaceToMovePods');
  });
});

describe('a node that goes is a domain only while its own pods are placed', () => {
  const spread = {
    labels: { app: 's' },
    cpu: '100m',
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 's' } },
        },
      ],
    },
  };

  it('the ghost keeps the pod that it is emptied of', () => {
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const pods = [
      pod('a', { ...spread, node: 'g-1' }),
      pod('b', { ...spread, node: 'g-2' }),
      pod('c', { ...spread, node: 'g-3' }),
      pod('x', { node: 'g-2', cpu: '3' }),
      pod('y', { node: 'g-3', cpu: '3' }),
    ];
    const result = run({ nodes, pods });
    expect(reportOn(result, 'g-1')).toMatchObject({ unremovable: 'NoPlaceToMovePods' });
    expect(reportOn(result, 'g-1').message).toBe('Node g-1 stays: pod default/a fits on no other node; tried again in 5m.');
  });

  it('later candidates see neither node nor domain (§27.2)', () => {
    // Without a ghost of the empty g-0, g-2 and g-3 hold one pod each and g-1's pod makes 2, which is 1 more than the least.
    const nodes = [node('g-0'), node('g-1'), node('g-2')];
    const pods = [pod('a', { ...spread, node: 'g-1' }), pod('x', { node: 'g-2', cpu: '3' })];
    const result = run({ nodes, pods });
    expect(names(result)).toEqual(['g-0', 'g-1']);
  });
});

describe('pods that keep their node', () => {
  it('names pod, rule and budget, and remembers it for five minutes', () => {
    const nodes = [node('g-1'), node('g-2')];
    const pods = [pod('a', { node: 'g-1', labels: { app: 'a' } }), pod('b', { node: 'g-2', cpu: '3' })];
    const pdbs = [pdb('budget', { app: 'a' }, 0)];
    const first = run({ nodes, pods, pdbs });
    expect(reportOn(first, 'g-1')).toMatchObject({
      unremovable: 'BlockedByPod',
      blockedBy: { namespace: 'default', name: 'a', reason: 'NotEnoughPdb', pdb: 'budget' },
      message:
        'Node g-1 stays: pod default/a blocks the drain (NotEnoughPdb, rule budget): its budget budget allows no disruption; tried again in 5m.',
    });
    // The budget would allow it now, but nobody looks.
    const again = { nodes, pods, pdbs: [pdb('budget', { app: 'a' }, 1)], state: first.state };
    const soon = run({ ...again, now: now + 4 * minute + 30 * second });
    expect(reportOn(soon, 'g-1')).toMatchObject({
      unremovable: 'RecentlyUnremovable',
      blockedBy: { name: 'a', reason: 'NotEnoughPdb' },
      utilization: 0.125,
      message:
        'Node g-1 stays: pod default/a blocks the drain (NotEnoughPdb, rule budget): its budget budget allows no disruption; tried again in 30s.',
    });
    expect(names(run({ ...again, state: soon.state, now: now + 5 * minute }))).toEqual(['g-1']);
  });

  it('budgets go down with each node; who needs more at once than is left is risky and goes last', () => {
    const web = { labels: { app: 'web' }, cpu: '100m' };
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const pods = [
      pod('w1', { ...web, node: 'g-1' }),
      pod('w2', { ...web, node: 'g-1' }),
      pod('x', { node: 'g-2', cpu: '100m' }),
      pod('y', { node: 'g-2', cpu: '100m' }),
      pod('z', { node: 'g-2', cpu: '100m' }),
      pod('b', { node: 'g-3', cpu: '3' }),
    ];
    const scene = { nodes, pods, pdbs: [pdb('web', { app: 'web' }, 1)] };
    expect(names(run(scene))).toEqual(['g-2', 'g-1']);
    expect(names(run({ ...scene, options: { maxDrainParallelism: 1 } }))).toEqual(['g-2']);
    expect(names(run({ ...scene, pdbs: [pdb('web', { app: 'web' }, 2)] }))).toEqual(['g-1', 'g-2']);
  });

  it('a second node of a workload whose budget is used up stays', () => {
    const web = { labels: { app: 'web' }, cpu: '100m' };
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const pods = [pod('w1', { ...web, node: 'g-1' }), pod('w2', { ...web, node: 'g-2' }), pod('b', { node: 'g-3', cpu: '3' })];
    const result = run({ nodes, pods, pdbs: [pdb('web', { app: 'web' }, 1)] });
    expect(names(result)).toEqual(['g-1']);
    expect(reportOn(result, 'g-2').blockedBy).toEqual({ namespace: 'default', name: 'w2', reason: 'NotEnoughPdb', pdb: 'web' });
  });

  it('a pod that came in the simulation weighs once on its budget, as upstream once more with each node that it leaves', () => {
    const web = { labels: { app: 'web' }, cpu: '100m' };
    const nodes = [node('g-1'), node('g-2'), node('h-1')];
    const scene = {
      nodes,
      groups: [group('g', { targetSize: 2 }), group('h', { minSize: 1, targetSize: 1 })],
      pdbs: [pdb('web', { app: 'web' }, 1)],
    };
    const before = [pod('w1', { ...web, node: 'g-1' }), pod('x', { node: 'g-2', cpu: '3' }), pod('z', { node: 'h-1', cpu: '4' })];
    const after = [pod('w1', { ...web, node: 'g-1' }), pod('x', { node: 'g-2', cpu: '110m' })];
    for (const compat of ['none', 'cluster-autoscaler'] as const) {
      const first = run({ ...scene, pods: before, options: { compat } });
      expect(first.unneeded).toEqual(['g-1']);
      // The hint puts w1 on g-2 again, from where it has to go on to h-1.
      const result = run({ ...scene, pods: after, options: { compat }, state: first.state, now: now + 1 });
      expect(names(result)).toEqual(compat === 'none' ? ['g-1', 'g-2'] : ['g-1']);
      expect(reportOn(result, 'g-2').blockedBy?.name).toBe(compat === 'none' ? undefined : 'w1');
    }
  });

  it('waits for pods that are to run to their completion', () => {
    const nodes = [node('g-1'), node('g-2')];
    const job = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'on-completion' };
    const pods = [pod('job', { node: 'g-1', annotations: job }), pod('b', { node: 'g-2', cpu: '3' })];
    const result = run({ nodes, pods });
    expect(result.deletions).toEqual([]);
    expect(result.unneeded).toEqual(['g-1']);
    expect(reportOn(result, 'g-1')).toMatchObject({ unremovable: 'BlockedByOnCompletionPod', removableAt: undefined });
  });
});

describe('when', () => {
  const nodes = [node('g-1'), node('g-2')];
  const pods = [pod('b', { node: 'g-2', cpu: '3' })];
  const groups = [group('g', { targetSize: 2, options: { unneededMs: 10 * minute, unreadyMs: 20 * minute } })];
  const at = (time: number, result?: ScaleDownResult, scene = {}) =>
    run({ nodes, pods, groups, now: time, ...(result === undefined ? {} : { state: result.state }), ...scene });

  it('goes once it was unneeded for longer than the time of its group', () => {
    const first = at(now);
    expect(first.deletions).toEqual([]);
    expect(reportOn(first, 'g-1')).toMatchObject({
      unremovable: 'NotUnneededLongEnough',
      unneededSince: now,
      removableAt: now + 10 * minute,
      message: 'Node g-1 is not needed (its pods ask for 0 % of its memory, no pod has to move); it goes in 10m if that stays so.',
    });
    const exactly = at(now + 10 * minute, first);
    expect(exactly.deletions).toEqual([]);
    expect(names(at(now + 10 * minute + 1, exactly))).toEqual(['g-1']);
  });

  it('starts anew when it was needed in between, or all was forgotten', () => {
    const busy = at(now + 5 * minute, at(now), { pods: [...pods, pod('a', { node: 'g-1', cpu: '3' })] });
    expect(busy.unneeded).toEqual([]);
    expect(reportOn(at(now + 6 * minute, busy), 'g-1').unneededSince).toBe(now + 6 * minute);
    const state = forgetUnneeded(at(now).state);
    expect(reportOn(run({ nodes, pods, groups, state, now: now + minute }), 'g-1').unneededSince).toBe(now + minute);
  });

  it('has one time for ready and unready, only its limit changes (§27.10)', () => {
    const first = at(now);
    const unready = [node('g-1', { ready: false }), nodes[1] as (typeof nodes)[0]];
    const later = at(now + 15 * minute, first, { nodes: unready });
    expect(reportOn(later, 'g-1')).toMatchObject({ unremovable: 'NotUnreadyLongEnough', removableAt: now + 20 * minute });
    expect(at(now + 20 * minute + 1, later, { nodes: unready }).deletions).toMatchObject([{ node: 'g-1', reason: 'unready' }]);
  });

  it('takes times back from soft taints of an earlier process, if they are fresh', () => {
    const marked = (age: number) => {
      const value = String((now - age) / 1000);
      return [node('g-1', { taints: [{ key: 'DeletionCandidateOfClusterAutoscaler', value, effect: 'PreferNoSchedule' }] }), node('g-2')];
    };
    expect(names(at(now, undefined, { nodes: marked(11 * minute) }))).toEqual(['g-1']);
    expect(reportOn(at(now, undefined, { nodes: marked(31 * minute) }), 'g-1').unneededSince).toBe(now);
    expect(reportOn(at(now, undefined, { nodes: marked(-minute) }), 'g-1').unneededSince).toBe(now);
    const off = { nodes: marked(11 * minute), options: { candidateTtlMs: 0 } };
    expect(reportOn(at(now, undefined, off), 'g-1').unneededSince).toBe(now);
    // A mark of just now is none either where marks do not count.
    expect(reportOn(at(now, undefined, { ...off, nodes: marked(0) }), 'g-1').unneededSince).toBe(now);
    const upstream = { ...off, options: { compat: 'cluster-autoscaler', candidateTtlMs: 11 * minute } } as const;
    expect(names(at(now, undefined, upstream))).toEqual(['g-1']);
    expect(reportOn(at(now, undefined, { ...upstream, nodes: marked(11 * minute + second) }), 'g-1').unneededSince).toBe(now);
    // Later passes go by what they know.
    expect(
      reportOn(
        at(now + minute, at(now, undefined, { pods: [pod('a', { node: 'g-1', cpu: '3' })] }), { nodes: marked(11 * minute) }),
        'g-1',
      ),
    ).toMatchObject({ unneededSince: now + minute });
  });
});

describe('what is carried over', () => {
  const nodes = [node('g-1'), node('g-2'), node('g-3')];
  const pods = [pod('a', { node: 'g-1', cpu: '1' }), pod('b', { node: 'g-2', cpu: '3500m' }), pod('c', { node: 'g-3', cpu: '3' })];

  it('no hint leads to a node that is being deleted', () => {
    const first = run({ nodes, pods });
    expect(first.unneeded).toEqual(['g-1']);
    expect(first.state.hints.names).toEqual(['g-3']);
    const running = [{ node: 'g-3', group: 'g', kind: 'drain' as const, since: now }];
    const next = run({ nodes, pods, state: first.state, now: now + 1, deletions: { running, ended: [] } });
    expect(reportOn(next, 'g-1').unremovable).toBe('NoPlaceToMovePods');
  });

  it('failures of nodes that are no more are forgotten', () => {
    const blocked = run({ nodes, pods: [pod('x', { node: 'g-1', owner: null })] });
    expect([...blocked.state.failures.keys()]).toEqual(['g-1']);
    expect(run({ nodes: nodes.slice(1), state: blocked.state, now: now + 1 }).state.failures.size).toBe(0);
  });
});

describe('what holds deletions', () => {
  const nodes = [node('g-1'), node('g-2'), node('g-3'), node('g-4')];
  const pods = [pod('b', { node: 'g-4', cpu: '3' })];

  it('upstream’s delays, until exactly their end; planning goes on', () => {
    const delays = { scaleDownDelayAfterAddMs: 10 * minute, scaleDownDelayAfterDeleteMs: minute, scaleDownDelayAfterFailureMs: 3 * minute };
    const cases = [
      { state: noteScaleUp(emptyScaleDownState(), ['g'], now), until: now + 10 * minute, after: 'the last scale-up' },
      { state: noteDeletionStarted(emptyScaleDownState(), now), until: now + minute, after: 'the last deletion' },
      { state: noteDeletionFailed(emptyScaleDownState(), now), until: now + 3 * minute, after: 'a deletion that failed' },
    ];
    for (const { state, until, after } of cases) {
      const held = run({ nodes, pods, state, now: until - 1, options: delays });
      expect(held).toMatchObject({ inCooldown: true, deletions: [], unneeded: ['g-1', 'g-2', 'g-3'] });
      expect(reportOn(held, 'g-1')).toMatchObject({ unremovable: 'InCooldown', removableAt: until });
      expect(reportOn(held, 'g-1').message).toContain(`waits after ${after}`);
      expect(run({ nodes, pods, state, now: until, options: delays })).toMatchObject({ inCooldown: false, deletions: [{}, {}, {}] });
    }
  });

  it('delays of type local take the nodes of a group off the list, and their times with it (§27.5)', () => {
    const local = { scaleDownDelayTypeLocal: true, scaleDownDelayAfterAddMs: 10 * minute, scaleDownDelayAfterFailureMs: 3 * minute };
    const both = [...nodes, node('h-1')];
    const known = run({ nodes: both, pods, options: local }).state;
    const state = noteScaleUp(known, ['g'], now);
    const held = run({ nodes: both, pods, state, now: now + 10 * minute - 1, options: local });
    expect(held.unneeded).toEqual(['h-1']);
    expect(reportOn(held, 'g-1')).toMatchObject({ unremovable: 'InCooldown', unneededSince: undefined });
    const after = run({ nodes: both, pods, state: held.state, now: now + 10 * minute, options: local });
    expect(reportOn(after, 'g-1').unneededSince).toBe(now + 10 * minute);
    expect(reportOn(after, 'h-1').unneededSince).toBe(now);
    // Only a refusal of the cloud counts as a failure.
    const ended = (result: 'failed' | 'refused') => ({ running: [], ended: [{ node: 'g-9', group: 'g', at: now, result, message: '' }] });
    expect(names(run({ nodes, pods, options: local, deletions: ended('refused') }))).toEqual([]);
    expect(names(run({ nodes, pods, options: local, deletions: ended('failed') }))).toHaveLength(3);
  });

  it('the house cooldown of the group, of that group only', () => {
    const options = { cooldown: { scaleUpMs: 0, scaleDownMs: 5 * minute } };
    const groups = [group('g', { targetSize: 4, lastScaleUp: now - minute, options }), group('h', { targetSize: 1, options })];
    const result = run({ nodes: [...nodes, node('h-1')], pods, groups });
    expect(names(result)).toEqual(['h-1']);
    expect(result.inCooldown).toBe(false);
    expect(reportOn(result, 'g-1')).toMatchObject({ unremovable: 'InCooldown', removableAt: now + 4 * minute });
  });

  it('a loop that is paused, and a cluster without candidates', () => {
    const paused = run({ nodes, pods, paused: true });
    expect(paused).toMatchObject({ inCooldown: true, deletions: [], unneeded: ['g-1', 'g-2', 'g-3'] });
    expect(run({ nodes, pods, groups: [] })).toMatchObject({ inCooldown: true, unneeded: [] });
  });

  it('the minimum size, less what is being deleted, counted down over all that are due (§27.10)', () => {
    const groups = [group('g', { minSize: 2, targetSize: 5 })];
    const running = [{ node: 'g-5', group: 'g', kind: 'empty' as const, since: now }];
    const result = run({ nodes: [...nodes, node('g-5')], pods, groups, deletions: { running, ended: [] } });
    expect(names(result)).toEqual(['g-1', 'g-2']);
    expect(reportOn(result, 'g-3').unremovable).toBe('NodeGroupMinSizeReached');
    expect(reportOn(result, 'g-5').unremovable).toBe('CurrentlyBeingDeleted');
    // A node that a budget drops has used up room.
    const other = { running: [{ node: 'h-9', group: 'h', kind: 'empty' as const, since: now }], ended: [] };
    const two = { groups: [group('g', { minSize: 2, targetSize: 4 })], options: { maxScaleDownParallelism: 2 }, deletions: other };
    const cropped = run({ nodes, pods, ...two });
    expect(names(cropped)).toEqual(['g-1']);
    expect(reportOn(cropped, 'g-2')).toMatchObject({ unremovable: undefined, removableAt: undefined });
    expect(reportOn(cropped, 'g-2').message).toContain('waits for its turn: not more than 2 nodes');
    expect(reportOn(cropped, 'g-3').unremovable).toBe('NodeGroupMinSizeReached');
  });

  it('a group at its minimum is not looked at', () => {
    const result = run({ nodes, pods, groups: [group('g', { minSize: 4, targetSize: 4 })] });
    expect(result).toMatchObject({ unneeded: [], inCooldown: true });
    expect(reportOn(result, 'g-1').unremovable).toBe('NodeGroupMinSizeReached');
  });

  it('minimum resources of the cluster', () => {
    const twelve = run({ nodes, pods, options: { cores: { min: 12, max: 100 } } });
    expect(names(twelve)).toEqual(['g-1']);
    expect(reportOn(twelve, 'g-2').unremovable).toBe('MinimalResourceLimitExceeded');
    expect(names(run({ nodes, pods, options: { memoryGiB: { min: 17, max: 100 } } }))).toEqual(['g-1']);
    expect(names(run({ nodes, pods, options: { memoryGiB: { min: 16, max: 100 } } }))).toEqual(['g-1', 'g-2']);
  });

  it('a minimum of the GPUs of a type, of what nodes show', () => {
    const type = 'nvidia-tesla-t4';
    const gpus = (shown: number, of = type) => {
      const made = node('n', { labels: { accelerator: of } });
      const more = shown === 0 ? {} : { 'nvidia.com/gpu': shown * 1000 };
      return { allocatable: { ...made.allocatable, ...more }, capacity: { ...made.capacity, ...more }, labels: made.labels };
    };
    const cluster = [
      { ...node('g-1'), ...gpus(4) },
      { ...node('g-2'), ...gpus(4) },
      { ...node('g-3'), ...gpus(0) },
      { ...node('g-4'), ...gpus(8, 'nvidia-tesla-v100') },
    ];
    const removed = (min: number, gpuLabel = 'accelerator') =>
      run({ nodes: cluster, options: { compat: 'cluster-autoscaler', gpuLabel, gpus: [{ type, min, max: 100 }] } });
    expect(names(removed(4))).toEqual(['g-1', 'g-3', 'g-4']);
    expect(reportOn(removed(4), 'g-2')).toMatchObject({
      unremovable: 'MinimalResourceLimitExceeded',
      message: expect.stringContaining('below its minimum of GPUs of type nvidia-tesla-t4') as string,
    });
    // What shows no GPU yet is not counted among those that have to stay.
    expect(names(removed(8))).toEqual(['g-3', 'g-4']);
    expect(names(removed(0))).toHaveLength(4);
    expect(names(removed(8, ''))).toHaveLength(4);
  });

  it('a policy that only looks', () => {
    const groups = [group('g', { targetSize: 4, options: { actionable: false } }), group('h', { targetSize: 1 })];
    const result = run({ nodes: [...nodes, node('h-1')], pods, groups });
    expect(names(result)).toEqual(['h-1']);
    expect(reportOn(result, 'g-1').unremovable).toBe('PolicyHolds');
    expect(result.softTaints.add).toEqual([]);
    // They do not count for what is enough.
    const limited = { maxScaleDownParallelism: 1, maxDrainParallelism: 1 };
    expect(run({ nodes: [...nodes, node('h-1')], pods, groups, options: limited }).skipped).toBe(0);
  });

  it('parallelism, drains apart; what runs counts', () => {
    const many = [...nodes, node('g-5'), node('g-6')];
    const used = [...pods, pod('a', { node: 'g-5', cpu: '100m' }), pod('c', { node: 'g-6', cpu: '100m' })];
    const parallel = (maxScaleDownParallelism: number, maxDrainParallelism: number) => ({
      options: { maxScaleDownParallelism, maxDrainParallelism },
    });
    expect(names(run({ nodes: many, pods: used, ...parallel(10, 1) }))).toEqual(['g-1', 'g-2', 'g-3', 'g-5']);
    expect(names(run({ nodes: many, pods: used, ...parallel(2, 2) }))).toEqual(['g-1', 'g-2']);
    const running = [{ node: 'g-9', group: 'g', kind: 'drain' as const, since: now }];
    expect(names(run({ nodes: many, pods: used, ...parallel(10, 1), deletions: { running, ended: [] } }))).toEqual(['g-1', 'g-2', 'g-3']);
  });

  it('groups that go as a whole', () => {
    const whole = (targetSize: number) => [group('g', { targetSize, options: { zeroOrMax: true } })];
    const three = nodes.slice(0, 3);
    expect(names(run({ nodes: three, groups: whole(3) }))).toEqual(['g-1', 'g-2', 'g-3']);
    // All that are registered will do, too.
    expect(names(run({ nodes: three, groups: whole(5) }))).toEqual(['g-1', 'g-2', 'g-3']);
    for (const compat of ['none', 'cluster-autoscaler'] as const) {
      const broken = run({ nodes, pods, groups: whole(4), options: { compat } });
      expect(broken.deletions).toEqual([]);
      expect(reportOn(broken, 'g-1').unremovable).toBe('AtomicScaleDownFailed');
      // The house does not even simulate it.
      expect(broken.unneeded).toEqual(compat === 'none' ? [] : ['g-1', 'g-2', 'g-3']);
    }
  });
});

describe('in which order', () => {
  it('the house takes what disturbs least, upstream’s way we go by name', () => {
    const nodes = [node('g-1'), node('g-2'), node('g-3')];
    const pods = [
      pod('a1', { node: 'g-1', cpu: '100m' }),
      pod('a2', { node: 'g-1', cpu: '100m' }),
      pod('b1', { node: 'g-2', cpu: '1' }),
      pod('c', { node: 'g-3', cpu: '3' }),
      pod('d', { node: 'h-1', cpu: '3' }),
    ];
    const scene = { nodes: [...nodes, node('h-1', { cpu: '6' })], pods, groups: [group('g', { minSize: 2, targetSize: 3 })] };
    expect(names(run(scene))).toEqual(['g-2']);
    expect(names(run({ ...scene, options: { compat: 'cluster-autoscaler' } }))).toEqual(['g-1']);
  });

  it('nodes that were unneeded before are tried before others', () => {
    const nodes = [node('g-1'), node('g-2')];
    const before = run({ nodes, pods: [pod('a', { node: 'g-1', cpu: '3' }), pod('b', { node: 'g-2', cpu: '1' })] });
    expect(before.unneeded).toEqual(['g-2']);
    // Either could take the other's pods now.
    const pods = [pod('a2', { node: 'g-1', cpu: '1' }), pod('b', { node: 'g-2', cpu: '1' })];
    const options = { maxScaleDownParallelism: 1, maxDrainParallelism: 1 };
    const three = [pod('a3', { node: 'g-1', cpu: '2' }), pod('b', { node: 'g-2', cpu: '2' })];
    expect(names(run({ nodes, pods: three, options, state: before.state }))).toEqual(['g-2']);
    expect(names(run({ nodes, pods: three, options }))).toEqual(['g-1']);
    expect(names(run({ nodes, pods, options, state: before.state }))).toEqual(['g-2']);
  });

  it('stops when enough are known, and when the time is over', () => {
    const nodes = Array.from({ length: 9 }, (_, index) => node(`g-${index}`));
    const limited = { maxScaleDownParallelism: 2, maxDrainParallelism: 2 };
    const first = run({ nodes, options: limited });
    expect(first).toMatchObject({ skipped: 5, timedOut: false, unneeded: ['g-0', 'g-1', 'g-2', 'g-3'] });
    expect(reportOn(first, 'g-8').message).toBe('Node g-8 was not looked at: 4 nodes that can go are enough for now.');
    // A time of 40 s and loops of 10 s: 2 × 4 + 2 at most, 4 + 2 × 2 now.
    const groups = [group('g', { targetSize: 9, options: { unneededMs: 40 * second } })];
    const known = run({ nodes, groups, options: limited });
    expect(run({ nodes, groups, options: limited, state: known.state, now: now + 10 * second })).toMatchObject({ skipped: 1 });

    let clock = 0;
    const slow = run({ nodes, stopwatch: () => (clock += 3000) });
    expect(slow.timedOut).toBe(true);
    expect(slow.unneeded.length).toBeLessThan(9);
    expect(slow.skipped).toBe(9 - slow.unneeded.length);
  });

  it('can be run in slices, with the same result', () => {
    const nodes = Array.from({ length: 300 }, (_, index) => node(`g-${1000 + index}`));
    const pods = nodes.flatMap(({ name }, index) => [pod(`p${index}`, { node: name, cpu: `${200 + (index % 7) * 300}m` })]);
    let clock = 0;
    const sliced = passOf({ nodes, pods, stopwatch: () => (clock += 1), options: { scaleDownSimulationTimeoutMs: 1e9 } });
    let steps = 1;
    while (!sliced.step(5)) steps += 1;
    expect(steps).toBeGreaterThan(50);
    expect(sliced.step(5)).toBe(true);
    expect(sliced.result()).toEqual(run({ nodes, pods }));
  });
});

describe('soft taints', () => {
  it('marks what is not needed and stays, unmarks what is needed, as far as the limit goes', () => {
    const soft = { key: 'DeletionCandidateOfClusterAutoscaler', value: String(now / 1000 - 60), effect: 'PreferNoSchedule' };
    const nodes = [
      node('g-1'),
      node('g-2'),
      node('g-3', { taints: [soft] }),
      node('g-4', { taints: [soft] }),
      node('x-1', { taints: [soft] }),
    ];
    const pods = [pod('b', { node: 'g-4', cpu: '3' })];
    const groups = [group('g', { targetSize: 4, options: { unneededMs: minute } })];
    expect(run({ nodes, pods, groups }).softTaints).toEqual({ add: ['g-1', 'g-2'], remove: ['g-4'] });
    expect(run({ nodes, pods, groups, options: { maxBulkSoftTaintCount: 2 } }).softTaints).toEqual({ add: ['g-1'], remove: ['g-4'] });
    expect(run({ nodes, pods, groups, options: { maxBulkSoftTaintCount: 0 } }).softTaints).toEqual({ add: [], remove: [] });
    const running = [{ node: 'h-9', group: 'h', kind: 'empty' as const, since: now }];
    const soon = { groups: [group('g', { targetSize: 4 })], deletions: { running, ended: [] } };
    const going = run({ nodes, pods, ...soon, options: { maxScaleDownParallelism: 2 } });
    expect(names(going)).toEqual(['g-1']);
    expect(going.softTaints).toEqual({ add: ['g-2'], remove: ['g-4'] });
  });
});

describe('safe to evict', () => {
  it('goes although its budget is used up: only the eviction asks it (§27.12)', () => {
    const nodes = [node('g-1'), node('g-2')];
    const pods = [pod('a', { node: 'g-1', labels: { app: 'a' }, annotations: safe }), pod('b', { node: 'g-2', cpu: '3' })];
    expect(names(run({ nodes, pods, pdbs: [pdb('a', { app: 'a' }, 0)] }))).toEqual(['g-1']);
  });
});
