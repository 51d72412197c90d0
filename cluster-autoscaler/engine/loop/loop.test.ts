import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../core/model/index.ts';
import type { Effect, EffectResult, Instance, LoopInput } from '../model.ts';
import { defaultLoopOptions, driveLoop, emptyLoopState, exportLoopState, importLoopState, upstreamLoopOptions } from './index.ts';
import type { LoopExtras, LoopOptions, LoopReport, LoopState } from './model.ts';
import { budget, group, input, node, pod, providerId, start, template } from './records.fixture.ts';

const refusal: EffectResult = { ok: false, failure: { class: 'other', code: 'Throttled', message: 'slow down' } };

interface Settings {
  readonly options?: Partial<LoopOptions>;
  readonly refuse?: (effect: Effect) => boolean;
  readonly extras?: LoopExtras;
  readonly house?: boolean;
}

/** Runs one loop after the other and answers what each did. */
function run(inputs: readonly LoopInput[], { options = {}, refuse = () => false, extras, house = false }: Settings = {}) {
  let state: LoopState = emptyLoopState();
  const rounds = inputs.map((each) => {
    const effects: Effect[] = [];
    const answer = (effect: Effect): EffectResult => {
      effects.push(effect);
      return refuse(effect) ? refusal : { ok: true };
    };
    const base = house ? defaultLoopOptions : upstreamLoopOptions;
    const result = driveLoop(each, { state, options: { ...base, ...options }, answer, extras });
    state = result.state;
    return { effects, report: result.report, state };
  });
  return rounds;
}

function only(
  inputOf: LoopInput,
  settings?: Settings,
): { readonly effects: readonly Effect[]; readonly report: LoopReport; readonly state: LoopState } {
  const [round] = run([inputOf], settings);
  if (round === undefined) throw new Error('no round');
  return round;
}

function reasons({ events }: LoopReport): readonly string[] {
  return events.map(({ reason }) => reason);
}

/** Kinds of effects other than soft taints. */
function kinds(effects: readonly Effect[]): readonly string[] {
  return effects.filter(({ type }) => type !== 'soft-taint').map(({ type }) => type);
}

const n1 = node('n1', { group: 'g' });
const big = (name: string, created = -60_000) => pod(name, { cpu: '3', created });
const one = group('g', { running: ['n1'] });

describe('scale-up', () => {
  it('grows a group for pods that fit nowhere, and opens a request', () => {
    const { effects, report } = only(input(0, { nodes: [n1], pods: [pod('full', { node: 'n1', cpu: '4' }), big('a')], groups: [one] }));
    expect(kinds(effects)).toEqual(['increase-size']);
    expect(report.scaleUpOutcomes).toEqual(['Successful']);
    expect(report.groups[0]).toMatchObject({ targetSize: 2, scaleUp: 'in-progress', upcoming: 1 });
    expect(report.refreshInstances).toEqual(['g']);
    expect(report.decisions.map(({ target, from, to, reason }) => [target.name, from, to, reason])).toContainEqual([
      'g',
      1,
      2,
      'ScaledUpGroup',
    ]);
    expect(report.pods.map(({ name, state }) => [name, state])).toEqual([['a', 'helped']]);
  });

  it('packs the next pods on what is coming', () => {
    const full = pod('full', { node: 'n1', cpu: '4' });
    const grown = group('g', { running: ['n1'], targetSize: 2 });
    const rounds = run([
      input(0, { nodes: [n1], pods: [full, big('a')], groups: [one] }),
      input(10_000, { nodes: [n1], pods: [full, big('a')], groups: [grown] }),
    ]);
    expect(rounds[1]?.report.scaleUpOutcomes).toEqual(['NotNeeded']);
    expect(rounds[1]?.report.pods).toMatchObject([
      { name: 'a', state: 'scheduled', message: expect.stringContaining('upcoming-0') as string },
    ]);
  });

  it('waits for more when all pods are new, and removes nothing meanwhile', () => {
    const nodes = [n1, node('n2', { group: 'g' })];
    const groups = [group('g', { running: ['n1', 'n2'], options: { unneededMs: 0 } })];
    const full = pod('full', { node: 'n1', cpu: '4' });
    const rounds = run([
      input(0, { nodes, pods: [full], groups }),
      input(10_000, { nodes, pods: [full, pod('new', { cpu: '9', created: 8_500 })], groups }),
      input(20_000, { nodes, pods: [full, pod('new', { cpu: '9', created: 8_500 })], groups }),
    ]);
    expect(rounds[1]?.report).toMatchObject({ scaleUpOutcomes: ['InCooldown'], scaleDownInCooldown: true, deletions: [] });
    expect(rounds[2]?.report).toMatchObject({ scaleUpOutcomes: ['NoOptionsAvailable'], deletions: [{ node: 'n2', kind: 'empty' }] });
  });

  it('says that it waits beside what came of the raise to minimum sizes, in the house way', () => {
    const pods = [pod('full', { node: 'n1', cpu: '4' }), big('new', -500)];
    const parts = { nodes: [n1], pods, groups: [one], lastPodAt: start - 100 };
    expect(only(input(0, parts), { house: true }).report.scaleUpOutcomes).toEqual(['InCooldown', 'NotNeeded']);
    const raised = only(input(0, parts), { options: { enforceNodeGroupMinSize: true } });
    expect(raised.report.scaleUpOutcomes).toEqual(['NotNeeded']);
  });

  it('waits for more new pods only while some come, in the house way', () => {
    const nodes = [n1];
    const pods = [pod('full', { node: 'n1', cpu: '4' }), big('first', -1_900), big('second', -500)];
    const outcome = (lastPodAt: number | undefined, options: { house?: boolean }) =>
      only(input(0, { nodes, pods, groups: [one], lastPodAt: lastPodAt === undefined ? undefined : start + lastPodAt }), options).report
        .scaleUpOutcomes[0];
    expect(outcome(-399, { house: true })).toBe('InCooldown');
    expect(outcome(-400, { house: true })).toBe('Successful');
    // Nobody listens to pods: their creation tells.
    expect(outcome(undefined, { house: true })).toBe('Successful');
    expect(outcome(-400, {})).toBe('InCooldown');
  });

  it('waits for the pods that a controller is still making, in the house way, and not for ever', () => {
    const web = { kind: 'ReplicaSet', namespace: 'default', name: 'web', uid: 'uid-web', statusReplicas: 0 };
    const pods = [
      pod('full', { node: 'n1', cpu: '4' }),
      ...['a', 'b'].map((name) => pod(name, { cpu: '1', owner: 'web', created: -1_000 })),
    ];
    const [last] = pods.slice(-1);
    const outcome = (specReplicas: number, now = 0, more: readonly PodRecord[] = []) => {
      const controllers = new Map([['ReplicaSet/default/web', { ...web, specReplicas }]]);
      const parts = { nodes: [n1], pods: [...pods, ...more], groups: [one], controllers, lastPodAt: start - 500 };
      return only(input(now, parts), { house: true }).report.scaleUpOutcomes[0];
    };
    expect(outcome(2)).toBe('Successful');
    expect(outcome(3)).toBe('InCooldown');
    const third = { ...last!, name: 'c', uid: 'c' };
    expect(outcome(3, 0, [third])).toBe('Successful');
    // The scheduler has not looked at it yet.
    expect(outcome(3, 0, [{ ...third, unschedulable: false }])).toBe('InCooldown');
    expect(outcome(3, 1_001)).toBe('Successful');
  });

  it('stops at the limit of nodes', () => {
    const pods = [pod('full', { node: 'n1', cpu: '4' }), big('a')];
    const { effects, report } = only(input(0, { nodes: [n1], pods, groups: [one] }), { options: { maxNodesTotal: 1 } });
    expect(kinds(effects)).toEqual([]);
    expect(report.scaleUpOutcomes).toEqual(['LimitedByMaxNodesTotal']);
    expect(report.pods).toMatchObject([{ name: 'a', state: 'waits', message: 'the cluster has as many ready nodes as it may have (1)' }]);
    expect(reasons(report)).toContain('MaxNodesTotalReached');
  });

  it('backs off when the cloud refuses, and says until when', () => {
    const pods = [pod('full', { node: 'n1', cpu: '4' }), big('a')];
    const scene = { nodes: [n1], pods, groups: [one] };
    const rounds = run([input(0, scene), input(10_000, scene)], { refuse: ({ type }) => type === 'increase-size' });
    expect(rounds[0]?.report).toMatchObject({ scaleUpOutcomes: ['Error'], error: undefined });
    expect(rounds[0]?.report.groups[0]).toMatchObject({ scaleUp: 'backoff', targetSize: 1, backoff: { until: start + 300_000 } });
    expect(rounds[0]?.report.decisions[0]).toMatchObject({
      reason: 'FailedToScaleUpGroup',
      from: 1,
      to: 1,
      wanted: 2,
      holds: [{ by: 'target-unavailable', until: start + 300_000 }],
    });
    expect(kinds(rounds[1]?.effects ?? [])).toEqual([]);
    expect(rounds[1]?.report.decisions[0]).toMatchObject({ reason: 'NotTriggerScaleUp', holds: [{ by: 'target-unavailable' }] });
  });

  it('raises groups to their minimum after everything else', () => {
    const groups = [group('g', { minSize: 2, running: ['n1'] })];
    const { effects, report } = only(input(0, { nodes: [n1], groups }), { options: { enforceNodeGroupMinSize: true } });
    expect(kinds(effects)).toEqual(['increase-size']);
    expect(report.scaleUpOutcomes).toEqual(['Successful']);
    const none = only(input(0, { nodes: [n1], groups: [one] }), { options: { enforceNodeGroupMinSize: true } });
    expect(none.report.scaleUpOutcomes).toEqual(['NotNeeded']);
  });

  it('looks only at pods that count', () => {
    const pods = [
      pod('daemon', { kind: 'DaemonSet', owner: 'd', cpu: '9' }),
      pod('expendable', { cpu: '9', spec: { priority: -11 } }),
      pod('too-new', { cpu: '9', created: -5_000, annotations: { 'cluster-autoscaler.kubernetes.io/pod-scale-up-delay': '6s' } }),
      pod('finished', { cpu: '9', phase: 'Succeeded' }),
      pod('going', { cpu: '9', deleted: -1_000 }),
      pod('nominated', { cpu: '1', nominated: 'n1' }),
    ];
    const { report } = only(input(0, { nodes: [n1], pods, groups: [one] }));
    expect(report.scaleUpOutcomes).toEqual(['NotNeeded']);
    expect(new Map(report.pods.map(({ name, state }) => [name, state]))).toEqual(
      new Map([
        ['daemon', 'skipped'],
        ['expendable', 'skipped'],
        ['too-new', 'skipped'],
      ]),
    );
    expect(report.nodes[0]?.utilization).toBe(0.25);
  });

  it('also helps pods of nodes that are being drained', () => {
    const tainted = node('n1', {
      group: 'g',
      unschedulable: true,
      taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }],
    });
    const deletions = { running: [{ node: 'n1', group: 'g', kind: 'drain', since: start }], ended: [] } as const;
    const { effects } = only(input(0, { nodes: [tainted], pods: [pod('moving', { node: 'n1', cpu: '3' })], groups: [one], deletions }));
    expect(kinds(effects)).toEqual(['increase-size']);
  });
});

describe('scale-down', () => {
  const n2 = node('n2', { group: 'g' });
  const two = group('g', { running: ['n1', 'n2'], options: { unneededMs: 20_000 } });
  const scene = { nodes: [n1, n2], pods: [pod('a', { node: 'n1', cpu: '3' }), pod('b', { node: 'n2', cpu: '500m' })], groups: [two] };

  it('begins after the unneeded time, drains, marks and says so', () => {
    const rounds = run([0, 10_000, 20_000, 30_000].map((at) => input(at, scene)));
    expect(rounds.map(({ effects }) => kinds(effects))).toEqual([[], [], [], ['start-deletion']]);
    expect(rounds[0]?.effects).toEqual([{ type: 'soft-taint', add: ['n2'], remove: [] }]);
    expect(rounds[0]?.report.groups[0]?.candidates).toEqual(['n2']);
    expect(rounds[0]?.report.decisions).toMatchObject([
      {
        target: { name: 'g' },
        from: 2,
        to: 2,
        wanted: 1,
        reason: 'ScaleDownHeld',
        holds: [{ by: 'stabilization', until: start + 20_000 }],
      },
    ]);
    const last = rounds[3]?.report;
    expect(last?.deletions).toMatchObject([{ node: 'n2', kind: 'drain', evict: ['pod-b'], reason: 'underutilized', utilization: 0.125 }]);
    expect(last?.decisions.map(({ target, from, to }) => [target.kind, target.name, from, to])).toEqual([
      ['NodeGroup', 'g', 2, 1],
      ['Node', 'n2', 1, 0],
    ]);
    expect(last?.events.map(({ on, reason }) => [on.kind, reason])).toEqual([
      ['Node', 'ScaleDown'],
      ['Status', 'ScaleDown'],
    ]);
  });

  it('waits after a scale-up, planning goes on', () => {
    const grew = run([
      input(0, { ...scene, pods: [...scene.pods, pod('huge', { cpu: '3900m' })] }),
      ...[1, 2, 3, 59, 60, 61].map((at) => input(at * 10_000, scene)),
    ]);
    expect(grew[0]?.report.scaleUpOutcomes).toEqual(['Successful']);
    expect(grew.map(({ report }) => report.deletions.length)).toEqual([0, 0, 0, 0, 0, 1, 1]);
  });

  it('ends the loop with an error when nodes cannot be tainted, and waits after it', () => {
    const times = [0, 10_000, 30_000, 40_000, 210_000, 220_000];
    let failures = 0;
    const rounds = run(
      times.map((at) => input(at, scene)),
      { refuse: ({ type }) => type === 'start-deletion' && failures++ === 0 },
    );
    expect(rounds[2]?.report).toMatchObject({ error: 'failed to taint nodes for deletion: slow down', deletions: [] });
    expect(rounds.map(({ report }) => report.deletions.length)).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('does nothing where it is switched off', () => {
    const { effects, report } = only(input(0, scene), { options: { scaleDownEnabled: false } });
    expect(effects).toEqual([]);
    expect(report.nodes).toEqual([]);
  });

  it('respects a budget', () => {
    const rounds = run([0, 10_000, 30_000].map((at) => input(at, { ...scene, pdbs: [budget('app', 0)] })));
    expect(rounds[2]?.report.nodes.find((each) => each.node === 'n2')).toMatchObject({ unremovable: 'RecentlyUnremovable' });
    expect(rounds[0]?.report.nodes.find((each) => each.node === 'n2')).toMatchObject({
      unremovable: 'BlockedByPod',
      blockedBy: { name: 'b', reason: 'NotEnoughPdb', pdb: 'budget-app' },
    });
  });
});

describe('instances and sizes', () => {
  const missing: Instance[] = ['a', 'b', 'c'].map((name) => ({ id: providerId(name), state: 'creating' }));
  const waiting = (parts: Parameters<typeof group>[1] = {}) =>
    group('g', { targetSize: 3, instances: missing, options: { maxProvisionMs: 60_000 }, ...parts });

  it('that never became nodes are deleted, down to the minimum', () => {
    const rounds = run([input(0, { groups: [waiting({ minSize: 1 })] }), input(70_000, { groups: [waiting({ minSize: 1 })] })]);
    expect(rounds[1]?.effects).toEqual([
      { type: 'delete-instances', group: 'g', instances: [providerId('a'), providerId('b')], forced: false, why: 'unregistered' },
    ]);
    expect(rounds[1]?.report.groups[0]?.targetSize).toBe(1);
    expect(rounds[1]?.report.refreshInstances).toEqual(['g']);
    expect(reasons(rounds[1]?.report as LoopReport).filter((reason) => reason === 'DeleteUnregistered')).toHaveLength(2);
  });

  it('all of them when it is forced', () => {
    const groups = [waiting({ minSize: 3 })];
    const rounds = run([input(0, { groups }), input(70_000, { groups })], { options: { forceDeleteUnregisteredNodes: true } });
    expect(rounds[1]?.effects).toMatchObject([{ forced: true, instances: { length: 3 } }]);
  });

  it('a refusal ends the step for this loop', () => {
    const groups = [
      waiting(),
      group('h', { targetSize: 1, instances: [{ id: 'x', state: 'creating' }], options: { maxProvisionMs: 60_000 } }),
    ];
    const rounds = run([input(0, { groups }), input(70_000, { groups })], { refuse: ({ type }) => type === 'delete-instances' });
    expect(kinds(rounds[1]?.effects ?? [])).toEqual(['delete-instances']);
    expect(reasons(rounds[1]?.report as LoopReport)).toContain('DeleteUnregisteredFailed');
    const house = run([input(0, { groups }), input(70_000, { groups })], {
      refuse: ({ type }) => type === 'delete-instances',
      house: true,
    });
    expect(kinds(house[1]?.effects ?? [])).toEqual(['delete-instances', 'delete-instances']);
  });

  it('that failed are deleted at once; all of a group that is scaled as a whole', () => {
    const failed: Instance = { id: 'x', state: 'creating', failure: { class: 'out-of-resources', code: 'STOCKOUT', message: 'none' } };
    const instances: Instance[] = [failed, { id: 'y', state: 'creating' }];
    expect(only(input(0, { groups: [group('g', { targetSize: 2, instances })] })).effects).toMatchObject([
      { instances: ['x'], why: 'creation-error' },
    ]);
    const whole = group('g', { targetSize: 2, instances, options: { zeroOrMax: true } });
    expect(only(input(0, { groups: [whole] })).effects).toMatchObject([{ instances: ['x', 'y'] }]);
  });

  it('a target that was too high for too long is lowered, and the loop ends', () => {
    const groups = [group('g', { running: ['n1'], targetSize: 3, options: { maxProvisionMs: 60_000 } })];
    const scene = { nodes: [n1], groups };
    const rounds = run([input(0, scene), input(60_000, scene), input(70_000, scene)]);
    expect(rounds.map(({ effects }) => kinds(effects))).toEqual([[], [], ['decrease-target-size']]);
    expect(rounds[2]?.report).toMatchObject({ scaleUpOutcomes: ['NotTried'], error: undefined, groups: [{ targetSize: 1 }], nodes: [] });
    const refused = run([input(0, scene), input(70_000, scene)], { refuse: ({ type }) => type === 'decrease-target-size' });
    expect(refused[1]?.report).toMatchObject({ error: 'failed to decrease g: slow down', scaleUpOutcomes: ['NotTried'] });
    const house = run([input(0, scene), input(70_000, scene)], { refuse: ({ type }) => type === 'decrease-target-size', house: true });
    expect(house[1]?.report).toMatchObject({ error: undefined, scaleUpOutcomes: ['NotNeeded'] });
    expect(reasons(house[1]?.report as LoopReport)).toContain('FailedToFixNodeGroupSize');
  });

  it('what was asked for and did not come is taken back', () => {
    const pods = [pod('full', { node: 'n1', cpu: '4' }), big('a')];
    const options = { maxProvisionMs: 60_000 };
    const rounds = run(
      [
        input(0, { nodes: [n1], pods, groups: [group('g', { running: ['n1'], options })] }),
        input(70_000, { nodes: [n1], pods, groups: [group('g', { running: ['n1'], targetSize: 2, options })] }),
      ],
      { refuse: ({ type }) => type === 'decrease-target-size' },
    );
    expect(rounds[1]?.effects[0]).toEqual({ type: 'decrease-target-size', group: 'g', delta: -1 });
    expect(reasons(rounds[1]?.report as LoopReport)).toEqual(expect.arrayContaining(['ScaleUpTimedOut', 'FailedToRevertScaleUp']));
  });
});

describe('gates', () => {
  it('an unhealthy cluster is left alone, and nothing counts as unneeded any more', () => {
    const fine = ['a', 'b', 'c', 'd', 'e'].map((name) => node(name, { group: 'g' }));
    const broken = fine.map(({ name }) => node(name, { group: 'g', ready: name === 'e' }));
    const groups = [group('g', { running: fine.map(({ name }) => name) })];
    const rounds = run([input(0, { nodes: fine, groups }), input(10_000, { nodes: broken, pods: [big('p')], groups })]);
    expect(rounds[0]?.report.groups[0]?.candidates).toHaveLength(5);
    expect(rounds[1]?.report).toMatchObject({ clusterHealthy: false, scaleUpOutcomes: ['NotTried'] });
    expect(rounds[1]?.report.groups[0]?.candidates).toEqual([]);
    expect(reasons(rounds[1]?.report as LoopReport)).toEqual(['ClusterUnhealthy']);
    expect(rounds[1]?.effects).toEqual([]);
  });

  it('a node with a startup taint, or without the GPUs of its kind, counts as starting', () => {
    const tainted = node('t', {
      group: 'g',
      created: -60_000,
      taints: [{ key: 'startup-taint.cluster-autoscaler.kubernetes.io/cni', effect: 'NoSchedule' }],
    });
    const late = node('l', { group: 'g', created: -60_000, labels: { accelerator: 'a100' } });
    const { report } = only(input(0, { nodes: [tainted, late, n1], groups: [group('g', { running: ['t', 'l', 'n1'] })] }), {
      options: { gpuLabel: 'accelerator' },
    });
    expect(report.counts).toMatchObject({ ready: 1, notStarted: 2 });
  });

  it('the first loop takes off what an earlier process left, but not of deletions that go on', () => {
    const taint = [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }];
    const nodes = ['left', 'going'].map((name) => node(name, { group: 'g', taints: taint, unschedulable: true }));
    const foreign = node('foreign', { taints: taint });
    const deletions = { running: [{ node: 'going', group: 'g', kind: 'empty', since: start }], ended: [] } as const;
    const scene = input(0, { nodes: [...nodes, foreign], groups: [group('g', { running: ['left', 'going'] })], deletions });
    const groupOfNode = new Map([
      ['left', 'g'],
      ['going', 'g'],
    ]);
    const rounds = run([
      { ...scene, groupOfNode },
      { ...scene, groupOfNode },
    ]);
    expect(rounds[0]?.effects[0]).toEqual({
      type: 'clean-taints',
      nodes: [{ node: 'left', taints: ['ToBeDeletedByClusterAutoscaler'], uncordon: true }],
    });
    expect(kinds(rounds[1]?.effects ?? [])).toEqual([]);
  });

  it('where soft taints are off the first loop takes them off too, upstream’s way when they count no more', () => {
    const marked = (name: string, ageMs: number) =>
      node(name, {
        group: 'g',
        taints: [{ key: 'DeletionCandidateOfClusterAutoscaler', value: String((start - ageMs) / 1000), effect: 'PreferNoSchedule' }],
      });
    const nodes = [marked('old', 300_000), marked('young', 299_000), marked('broken', NaN)];
    const groups = [group('g', { running: ['old', 'young', 'broken'] })];
    const cleaned = (options: Partial<LoopOptions>, house = false): readonly string[] =>
      only(input(0, { nodes, groups }), { options: { maxBulkSoftTaintCount: 0, ...options }, house }).effects.flatMap((effect) =>
        effect.type === 'clean-taints' ? effect.nodes.map((each) => each.node) : [],
      );
    expect(cleaned({ candidateTtlMs: 300_000 })).toEqual(['broken', 'old']);
    expect(cleaned({ candidateTtlMs: 0 })).toEqual(['broken', 'old', 'young']);
    expect(cleaned({ candidateTtlMs: 300_000 }, true)).toEqual(['broken', 'old', 'young']);
    expect(cleaned({ candidateTtlMs: 0, maxBulkSoftTaintCount: 10 })).toEqual([]);
  });
});

describe('the cooldown of a group after a deletion', () => {
  const nodes = ['n1', 'n2', 'n3'].map((name) => node(name, { group: 'g' }));
  const options = { unneededMs: 0, cooldown: { scaleUpMs: 0, scaleDownMs: 300_000 } };
  const all = group('g', { running: ['n1', 'n2', 'n3'], options });
  /** What keeps `n2` after the deletion of `n3` was begun, in the second loop with the first and in the third with the second progress. */
  const keeps = (...progress: readonly LoopInput['deletions'][]) => {
    const filled = [pod('a', { node: 'n1', cpu: '4' }), pod('b', { node: 'n2', cpu: '4' })];
    const rounds = run(
      [
        input(0, { nodes, groups: [all], pods: filled }),
        ...progress.map((deletions, index) => input((index + 1) * 10_000, { nodes, groups: [all], pods: filled.slice(0, 1), deletions })),
      ],
      { house: true, options: { maxScaleDownParallelism: 5, unremovableNodeRecheckMs: 0 } },
    );
    expect(rounds[0]?.report.deletions).toMatchObject([{ node: 'n3' }]);
    return rounds.slice(1).map(({ report }) => report.nodes.find((each) => each.node === 'n2')?.unremovable);
  };
  const running = [{ node: 'n3', group: 'g', kind: 'empty', since: start }] as const;
  const ended = (result: 'deleted' | 'failed' | 'refused') => [{ node: 'n3', group: 'g', at: start + 15_000, result, message: '' }];

  it('holds while it goes on and after it was done, and not after it was given back', () => {
    expect(keeps({ running, ended: [] }, { running: [], ended: ended('deleted') })).toEqual(['InCooldown', 'InCooldown']);
    expect(keeps({ running, ended: [] }, { running: [], ended: ended('failed') })).toEqual(['InCooldown', undefined]);
    expect(keeps({ running, ended: [] }, { running: [], ended: ended('refused') })).toEqual(['InCooldown', undefined]);
    expect(keeps({ running: [], ended: ended('failed') })).toEqual([undefined]);
    // Nobody tells what became of it.
    expect(keeps({ running: [], ended: [] }, { running: [], ended: [] })).toEqual(['InCooldown', 'InCooldown']);
  });

  it('is saved as if what goes on was done', () => {
    const [round] = run([input(0, { nodes, groups: [all] })], { house: true });
    expect(round?.report.deletions.length).toBeGreaterThan(0);
    expect(exportLoopState(round?.state ?? emptyLoopState()).scalings).toEqual({ g: { lastScaleDown: start } });
  });
});

describe('what a loop is measured by', () => {
  const full = (name: string) => pod(`full-${name}`, { node: name, cpu: '4' });

  it('kinds of pods and namespaces of each estimation, and controllers whose pods are all different', () => {
    const different = Array.from({ length: 12 }, (_, index) => pod(`p${index}`, { cpu: `${1000 + index}m`, owner: 'web' }));
    const pods = [full('n1'), ...different, pod('q', { namespace: 'other', cpu: '1' })];
    const typed = node('n1', { group: 'g', labels: { 'node.kubernetes.io/instance-type': 'm5.xlarge' } });
    const { report } = only(input(0, { nodes: [typed], pods, groups: [one] }));
    expect(report.measures).toEqual({
      overflowingControllers: 1,
      podsNotTried: 0,
      estimates: [{ instanceType: 'm5.xlarge', cpu: 4000, podGroups: 13, namespaces: 2 }],
      limited: [],
      skippedNodes: [],
    });
  });

  it('groups that a limit of the cluster keeps from growing, and nodes that one keeps', () => {
    const pods = [full('n1'), big('a')];
    const groups = [one, group('h', { running: [] }), group('full', { running: [], maxSize: 0 })];
    const limited = (options: Partial<LoopOptions>, parts: Parameters<typeof input>[1] = { nodes: [n1], pods, groups }) =>
      only(input(0, parts), { options: { scaleDownDelayAfterAddMs: 0, ...options } }).report.measures.limited;
    const up = (resource: string) => ({ direction: 'up', resource });
    expect(limited({ cores: { min: 0, max: 7 } })).toEqual([up('cpu'), up('cpu')]);
    expect(limited({ cores: { min: 0, max: 8 } })).toEqual([]);
    expect(limited({ cores: { min: 0, max: 7 }, memoryGiB: { min: 0, max: 17 } })).toEqual([
      up('cpu'),
      up('memory'),
      up('cpu'),
      up('memory'),
    ]);
    // Nothing is asked of groups when no pod needs them.
    expect(limited({ cores: { min: 0, max: 7 } }, { nodes: [n1], pods: [full('n1')], groups })).toEqual([]);

    const idle = { nodes: [n1, node('n2', { group: 'g' })], groups: [group('g', { running: ['n1', 'n2'], options: { unneededMs: 0 } })] };
    expect(limited({ cores: { min: 5, max: 100 } }, idle)).toEqual([
      { direction: 'down', resource: 'cpu' },
      { direction: 'down', resource: 'cpu' },
    ]);
    expect(limited({ cores: { min: 4, max: 100 } }, idle)).toEqual([{ direction: 'down', resource: 'cpu' }]);
  });

  it('nodes whose removal was not looked at, because enough others were found', () => {
    const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const nodes = names.map((name) => node(name, { group: 'g' }));
    const groups = [group('g', { running: names })];
    const { report } = only(input(0, { nodes, groups }), { options: { maxScaleDownParallelism: 1, maxDrainParallelism: 1 } });
    expect(report.measures.skippedNodes).toEqual(['n3', 'n4', 'n5']);
    const off = only(input(0, { nodes, groups }), { options: { scaleDownEnabled: false } });
    expect(off.report.measures.skippedNodes).toBeUndefined();
  });
});

describe('the house way', () => {
  it('buys of several pools in one loop, and for pods that are about to be made', () => {
    const pools = ['arm', 'amd'].map((arch) => group(arch, { template: template(arch, { labels: { arch } }) }));
    const needs = (name: string, arch: string) => pod(name, { spec: { nodeSelector: { arch } } });
    const intent = {
      target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' },
      currentReplicas: 0,
      wantedReplicas: 9,
      shape: needs('like', 'arm').shape,
      at: start,
    };
    const { report } = only(input(0, { pods: [needs('a', 'arm'), needs('b', 'amd')], groups: pools, intents: [intent] }), { house: true });
    expect(report.scaleUps.toSorted((a, b) => a.delta - b.delta)).toEqual([
      { group: 'amd', delta: 1 },
      { group: 'arm', delta: 2 },
    ]);
    expect(report.helped.filter((uid) => uid.startsWith('intent:'))).toHaveLength(9);
  });

  it('keeps the cooldown of each group, and says until when it holds', () => {
    const cooldown = { scaleUpMs: 180_000, scaleDownMs: 300_000 };
    const groups = (targetSize: number) => [group('g', { running: ['n1'], targetSize, options: { cooldown } })];
    const full = pod('full', { node: 'n1', cpu: '4' });
    const pods = [full, big('a')];
    const more = [...pods, big('b'), big('c')];
    const rounds = run(
      [
        input(0, { nodes: [n1], pods, groups: groups(1) }),
        input(10_000, { nodes: [n1], pods: more, groups: groups(2) }),
        input(180_000, { nodes: [n1], pods: more, groups: groups(2) }),
      ],
      { house: true },
    );
    expect(rounds.map(({ report }) => report.scaleUps)).toEqual([[{ group: 'g', delta: 1 }], [], [{ group: 'g', delta: 2 }]]);
    expect(rounds[1]?.report.decisions).toMatchObject([
      { reason: 'NotTriggerScaleUp', holds: [{ by: 'cooldown', until: start + 180_000 }] },
    ]);
    expect(rounds[1]?.report.pods.find(({ name }) => name === 'b')?.refusals).toMatchObject([
      { group: 'g', reason: 'in cooldown after its last scale-up for another 2m 50s' },
    ]);
  });

  it('looks at groups that may not be changed and leaves them', () => {
    const held = group('g', { running: ['n1'], minSize: 3, options: { actionable: false, unneededMs: 0 } });
    const rounds = run(
      [input(0, { nodes: [n1], pods: [big('a'), big('b')], groups: [held] }), input(10_000, { nodes: [n1], groups: [held] })],
      {
        house: true,
      },
    );
    expect(rounds.flatMap(({ effects }) => effects)).toEqual([]);
    expect(rounds[0]?.report.decisions).toMatchObject([{ holds: [{ by: 'dry-run' }] }]);
  });

  it('measures its steps when it is given a stopwatch', () => {
    let ticks = 0;
    const { report } = only(input(0, { nodes: [n1], groups: [one] }), { extras: { stopwatch: () => ticks++ }, house: true });
    expect(Object.keys(report.took)).toEqual(
      expect.arrayContaining(['updateClusterState', 'snapshot', 'filterOutSchedulable', 'findUnneeded']),
    );
    expect(only(input(0, { nodes: [n1], groups: [one] })).report.took).toEqual({});
  });
});

describe('a restart', () => {
  const scene = { nodes: [n1], pods: [pod('full', { node: 'n1', cpu: '4' }), big('a')], groups: [one] };

  it('goes on with what was saved', () => {
    const before = only(input(0, scene)).state;
    const saved = JSON.parse(JSON.stringify(exportLoopState(before))) as unknown;
    const imported = importLoopState(saved, start + 5_000);
    if (!imported.ok) throw new Error(imported.problems.join());
    expect(exportLoopState(imported.state)).toEqual(exportLoopState(before));
    const later = input(10_000, { ...scene, groups: [group('g', { running: ['n1'], targetSize: 2 })] });
    const answer = () => ({ ok: true }) as const;
    const report = driveLoop(later, { state: imported.state, options: upstreamLoopOptions, answer }).report;
    expect(report.scaleUpOutcomes).toEqual(['NotNeeded']);
    expect(driveLoop(later, { state: emptyLoopState(), options: upstreamLoopOptions, answer }).report.scaleUpOutcomes).toEqual([
      'Successful',
    ]);
  });

  it('takes moments of the future for now', () => {
    const before = only(input(600_000, scene)).state;
    const imported = importLoopState(exportLoopState(before), start);
    if (!imported.ok) throw new Error(imported.problems.join());
    const saved = exportLoopState(imported.state);
    expect(saved.requests).toEqual({ g: { at: start, expectedBy: start + 900_000, increase: 1 } });
    expect(saved.last).toEqual({ scaleUp: start });
    expect(saved.scalings).toEqual({ g: { lastScaleUp: start } });
  });

  it.each([
    [undefined, ''],
    [{ version: 2 }, 'version'],
    [{ ...exportLoopState(emptyLoopState()), unneeded: { n1: 'yesterday' } }, 'unneeded.n1'],
    [{ ...exportLoopState(emptyLoopState()), requests: { g: { at: 1, expectedBy: 2, increase: -1 } } }, 'requests.g.increase'],
  ])('refuses %j', (saved, path) => {
    const imported = importLoopState(saved, start);
    expect(imported.ok).toBe(false);
    expect(imported.ok ? [] : imported.problems.map((problem) => problem.split(':')[0])).toContain(path);
  });
});
