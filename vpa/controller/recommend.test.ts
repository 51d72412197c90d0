import { describe, expect, it } from 'vitest';
import type { Decision } from '../../core/model/decision.ts';
import type { Claim } from '../../core/model/intent.ts';
import type { KubeObject } from '../../core/model/object.ts';
import {
  checkpoint,
  deployment,
  inputOf,
  mebi,
  node,
  now,
  oomStatus,
  ownedBy,
  pod,
  pods,
  policy,
  recommendationOf,
  recommended,
  usage,
  viewOf,
  vpa,
  type Scene,
} from './recommend.fixture.ts';
import { recommendRequests, requestsOutlook, type EvaluatedRequests } from './recommend.ts';

const learnt = [checkpoint(0.2, 300 * mebi)];

function evaluated(scene: Scene): EvaluatedRequests {
  const found = recommendationOf(scene).evaluated;
  if (found === undefined) throw new Error('the policy was not evaluated');
  return found;
}

function decision(scene: Scene, dimension = 'requests/cpu/app'): Decision {
  const found = recommendationOf(scene).decisions.find((each) => each.dimension === dimension);
  if (found === undefined) throw new Error(`there is no decision on ${dimension}`);
  return found;
}

const steps = ({ trace }: Decision): string[] => trace.map(({ step }) => step);
const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };

function hpaClaim(parts: Partial<Claim> = {}): Claim {
  const own = { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name: 'web' };
  return { controller: 'hpa', policy: own, target: web, dimension: 'replicas', measures: 'cpu', ...parts };
}

describe('a policy of which something is known', () => {
  it('is recommended for from its checkpoint and the present sample, and says how', () => {
    const { data, computed, estimated, acts, totals } = evaluated({ checkpoints: learnt });
    expect(acts).toBe('computed');
    expect(data).toMatchObject({
      usage: { fed: true, usage: { accepted: 3 } },
      sampledPods: 3,
      checkpoints: [{ container: 'app', name: 'web-app', written: now - 60_000, problem: undefined }],
    });
    expect(estimated?.evidence[0]).toMatchObject({ samples: 1443, memoryPeaks: 3, coverage: expect.closeTo(1, 2) as unknown });
    expect(computed?.containers[0]?.target).toEqual({ cpu: 247, memory: 380_258_472 });
    expect(totals).toEqual([
      { container: 'app', resource: 'cpu', pods: 3, from: 1500, to: 741 },
      { container: 'app', resource: 'memory', pods: 3, from: 3 * 512 * mebi, to: 3 * 380_258_472 },
    ]);
    const cpu = decision({ checkpoints: learnt });
    expect(cpu).toMatchObject({ from: 500, to: 247, wanted: 247, reason: 'InPlaceResizedByVPA', holds: [] });
    expect(cpu.message).toMatch(/^Container app: cpu 500m becomes 247m: 1 pod would be resized in place; /);
    expect(steps(cpu)).toEqual([
      'samples',
      'percentile',
      'margin',
      'confidence',
      'minimum',
      'recommendation',
      'priority',
      'gate',
      'cooldown',
      'resize',
    ]);
  });

  it('one pod at a time is touched, and the others are told why not', () => {
    const { apply } = evaluated({ checkpoints: learnt });
    expect(apply.methods).toEqual({ resize: 1 });
    expect(apply.blocks).toMatchObject([{ by: 'disruption-tolerance', pods: ['web-1', 'web-2'] }]);
    expect(apply.unchecked[0]).toContain('admission webhook');
  });

  it('what is stored acts, and what would be computed here stands beside it', () => {
    const scene: Scene = { policies: [policy({}, recommended('400m', '500Mi'))], checkpoints: learnt };
    const found = evaluated(scene);
    expect(found.acts).toBe('stored');
    expect(found.differences.map(({ resource, stored, computed }) => [resource, stored, computed])).toEqual([
      ['cpu', 400, 247],
      ['memory', 500 * mebi, 380_258_472],
    ]);
    expect(decision(scene)).toMatchObject({ to: 400, wanted: 400 });
    expect(steps(decision(scene))).toContain('stored');
    expect(evaluated({ ...scene, policies: [policy({}, recommended('250m', '370Mi'))] }).differences).toEqual([]);
  });

  it('a stored container that nothing is known of here stays as it is', () => {
    const found = evaluated({ policies: [policy({}, recommended('400m', '500Mi'))], view: viewOf([]) });
    expect(found.data.kept).toEqual([
      { container: 'app', resource: 'cpu' },
      { container: 'app', resource: 'memory' },
    ]);
    expect([found.acts, found.differences]).toEqual(['stored', []]);
  });

  it('a checkpoint that cannot be used is said to be left out', () => {
    const broken: KubeObject = { ...checkpoint(1, mebi), status: { version: 'v9', cpuHistogram: {}, memoryHistogram: {} } };
    expect(evaluated({ checkpoints: [broken] }).data.checkpoints[0]?.problem).toContain('a version other than v3');
  });

  it('a checkpoint of another kind of policy is not taken over', () => {
    expect(evaluated({ policies: [vpa()], checkpoints: learnt }).data.checkpoints).toEqual([]);
    const native = { ...checkpoint(0.2, 300 * mebi), kind: 'VerticalPodAutoscalerCheckpoint' };
    expect(evaluated({ policies: [vpa()], checkpoints: [native] }).data.checkpoints).toHaveLength(1);
  });
});

describe('an OOM kill', () => {
  const killed = [pod('web-0', { status: oomStatus() }), pod('web-1'), pod('web-2')];

  it('that no checkpoint has counted raises the memory and says from what to what', () => {
    const scene: Scene = { checkpoints: [checkpoint(0.2, 300 * mebi, now - 600_000)], pods: killed };
    const found = evaluated(scene);
    expect(found.data.oomKills).toMatchObject([{ pod: 'web-0', container: 'app', memory: 512 * mebi, at: now - 300_000 }]);
    expect(found.estimated?.evidence[0]?.lastOom).toMatchObject({ from: 512 * mebi, to: Math.floor(512 * mebi * 1.2) });
    const memory = decision(scene, 'requests/memory/app');
    expect(memory.wanted).toBeGreaterThan(512 * mebi);
    expect(steps(memory)).toContain('oom-bump');
  });

  it('that is older than the checkpoint is in it already', () => {
    expect(evaluated({ checkpoints: learnt, pods: killed }).data.oomKills).toEqual([]);
  });
});

describe('clamps', () => {
  it('the bounds of the policy, with from and to', () => {
    const resourcePolicy = { containerPolicies: [{ containerName: '*', minAllowed: { memory: '1Gi' }, maxAllowed: { cpu: '100m' } }] };
    const { clamps } = evaluated({ policies: [policy({ resourcePolicy })], checkpoints: learnt });
    const targets = clamps.filter(({ field }) => field === 'target').map(({ resource, by, from, to }) => [resource, by, from, to]);
    expect(targets).toEqual([
      ['cpu', 'max-allowed', 247, 100],
      ['memory', 'min-allowed', 380_258_472, 1024 * mebi],
    ]);
  });

  it('the largest node, less what DaemonSets take of it', () => {
    const agent: KubeObject = { ...pod('agent'), metadata: { ...pod('agent').metadata, labels: { app: 'agent' } } };
    agent.metadata.ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'ds', controller: true }];
    const found = evaluated({
      checkpoints: [checkpoint(2, 300 * mebi)],
      pods: [...pods(3), agent],
      nodes: [node('2', '8Gi')],
      workloads: [deployment(3)],
    });
    expect(found.clamps.find(({ by }) => by === 'node-size')).toMatchObject({ resource: 'cpu', to: 1500 });
    expect(found.room?.nodes).toEqual([{ cpu: 1500, memory: 8192 * mebi - 512 * mebi }]);
  });

  it('a LimitRange, in what becomes of it in the pods', () => {
    const limitRange: KubeObject = {
      metadata: { name: 'limits', namespace: 'shop' },
      spec: { limits: [{ type: 'Container', min: { cpu: '300m' } }] },
    };
    const found = evaluated({ checkpoints: learnt, limitRanges: [limitRange] });
    expect(found.adaptations).toMatchObject([
      { pods: ['web-0', 'web-1', 'web-2'], clamps: [{ resource: 'cpu', by: 'limitRangeMin', from: 247, to: 300 }] },
    ]);
    expect(found.totals[0]).toMatchObject({ resource: 'cpu', to: 900 });
    expect(decision({ checkpoints: learnt, limitRanges: [limitRange] })).toMatchObject({ to: 300, wanted: 300 });
  });
});

describe('what blocks', () => {
  const held = (scene: Scene): string[] => decision({ checkpoints: learnt, ...scene }).holds.map(({ by }) => by);
  const status = (time: object): Partial<KubeObject> => recommended('250m', '370Mi', time);

  it('mode Off shows what an update would set, and sets nothing', () => {
    const scene: Scene = { policies: [policy({ updatePolicy: { updateMode: 'Off' } })], checkpoints: learnt };
    expect(decision(scene)).toMatchObject({ from: 500, to: 500, wanted: 247, holds: [{ by: 'paused' }] });
    expect(evaluated(scene)).toMatchObject({ apply: { methods: {}, blocks: [{ by: 'mode' }] }, totals: [{ to: 741 }, {}] });
  });

  it('a pause, a dry run and a cooldown with its end', () => {
    expect(held({ policies: [policy({ mode: 'Paused' })] })).toEqual(['paused']);
    const dry = { policies: [policy({ mode: 'DryRun' })] };
    expect(held(dry)).toEqual(['dry-run', 'dry-run']);
    expect(evaluated({ checkpoints: learnt, ...dry }).apply.blocks[0]?.message).toMatch(/^pod web-0 would be resized in place/);
    const recent = policy({}, status({ lastScaleUpTime: '2026-11-22T11:58:00Z' }));
    expect(decision({ policies: [recent], checkpoints: learnt }).holds[0]).toMatchObject({ by: 'cooldown', until: now + 180_000 });
  });

  it('a PodDisruptionBudget that allows nothing', () => {
    const pdb: KubeObject = {
      metadata: { name: 'web', namespace: 'shop', uid: 'pdb' },
      spec: { selector: { matchLabels: { app: 'web' } } },
      status: { disruptionsAllowed: 0, currentHealthy: 3, desiredHealthy: 3 },
    };
    const scene: Scene = { policies: [policy({ updatePolicy: { updateMode: 'Recreate' } })], checkpoints: learnt, pdbs: [pdb] };
    expect(decision(scene).holds[0]).toMatchObject({
      by: 'disruption-budget',
      message: expect.stringContaining('PodDisruptionBudget web') as unknown,
    });
  });

  it('too few replicas', () => {
    const scene: Scene = { policies: [policy({ updatePolicy: { updateMode: 'Recreate' } })], pods: pods(1), workloads: [deployment(1)] };
    expect(evaluated({ checkpoints: learnt, ...scene }).apply.blocks[0]?.by).toBe('too-few-replicas');
  });

  it('a rival: another policy, or a VerticalPodAutoscaler of somebody else', () => {
    const other = policy({}, { metadata: { name: 'younger', creationTimestamp: '2026-11-22T10:00:00Z' } });
    const [, second] = recommendRequests(inputOf({ policies: [policy(), other], checkpoints: learnt }));
    expect(second?.decisions[0]?.holds[0]?.message).toContain('VerticalPolicy web acts on Deployment web already');
    const [first] = recommendRequests(inputOf({ policies: [policy(), vpa()], checkpoints: learnt }));
    expect(first?.decisions[0]?.holds[0]).toMatchObject({ by: 'conflict', message: expect.stringContaining('--adopt=vpa') as unknown });
  });
});

describe('with horizontal policies', () => {
  it('both act, and utilization is measured against the template', () => {
    const outlook = requestsOutlook(inputOf({ checkpoints: learnt, claims: [hpaClaim()] }));
    expect(outlook.requestReferenceOf(web)).toMatchObject({
      policy: { name: 'web' },
      resources: ['cpu', 'memory'],
      template: new Map([['app', { cpu: 500, memory: 512 * mebi * 1000 }]]),
    });
    expect(outlook.recommendations[0]?.decisions[0]).toMatchObject({ to: 247 });
    expect(outlook.recommendations[0]?.evaluated?.horizontal.claims).toHaveLength(1);
  });

  it('yields to one that cannot be told of moved requests', () => {
    const scene: Scene = { checkpoints: learnt, claims: [hpaClaim({ foreign: true })] };
    expect(decision(scene)).toMatchObject({ from: 500, to: 500, wanted: 247, reason: 'NotUpdated', holds: [{ by: 'conflict' }] });
    expect([...evaluated(scene).horizontal.yields.keys()]).toEqual(['cpu']);
    expect(evaluated(scene).totals.map(({ resource }) => resource)).toEqual(['memory']);
    expect(decision(scene, 'requests/memory/app')).toMatchObject({ to: 380_258_472 });
  });

  it('Off moves nothing, so that nothing is rebased', () => {
    const off = policy({ updatePolicy: { updateMode: 'Off' } });
    expect(requestsOutlook(inputOf({ policies: [off], checkpoints: learnt })).requestReferenceOf(web)).toBeUndefined();
  });
});

describe('a policy of which nothing can be said', () => {
  const only = (scene: Scene): Decision => {
    const { decisions } = recommendationOf(scene);
    expect(decisions).toHaveLength(1);
    return decisions[0]!;
  };
  const silent: Partial<Decision> = { from: 0, to: 0, wanted: null };

  it('says why: no pods, no target, a kind that could not be read, a scale that is not known', () => {
    expect(only({ pods: [] })).toMatchObject({
      ...silent,
      reason: 'NoSamples',
      message: expect.stringContaining('no pod of the target runs') as unknown,
    });
    const lost = only({ workloads: [] });
    expect(lost).toMatchObject({ ...silent, reason: 'TargetUnavailable', holds: [{ by: 'target-unavailable' }] });
    expect(lost.message).toContain('Deployment shop/web, which does not exist');
    expect(only({ workloads: [], parts: { unread: ['deployments'] } }).message).toContain('allow list on deployments');
    const rollout = policy({ targetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web' } });
    expect(only({ policies: [rollout] }).message).toContain('scale of Rollout shop/web is not known here');
  });

  it('names the topmost controller where a policy names one below it', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'web', controller: true };
    const replicaSet: KubeObject = { ...deployment(3, { name: 'web-5f' }), kind: 'ReplicaSet' };
    replicaSet.metadata = { ...replicaSet.metadata, uid: 'rs-web', ownerReferences: [owner] };
    const below = policy({ targetRef: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5f' } });
    expect(only({ policies: [below], workloads: [deployment(3), replicaSet] }).message).toContain(
      'controlled by Deployment shop/web; name the topmost controller instead',
    );
  });

  it('finds the pods of another kind by its scale', () => {
    const rollout = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web' };
    const parts = { scaleOf: () => ({ selector: 'app=web', replicas: 3 }), controllerOf: ownedBy({ ...rollout, uid: 'r' }) };
    const scene: Scene = { policies: [policy({ targetRef: rollout })], checkpoints: learnt, parts };
    expect(evaluated(scene).target).toMatchObject({ problem: undefined, pods: [{}, {}, {}] });
  });

  it('does not count usage that is in doubt: what is recommended is never lowered by it', () => {
    const doubt = { usageDoubt: { reason: 'source-broken', detail: 'all are at zero' } } as const;
    const zeros = viewOf(usage(3, 0, 0), doubt);
    expect(only({ view: zeros })).toMatchObject({ reason: 'NoSamples', message: expect.stringContaining('all are at zero') as unknown });
    const before = evaluated({ checkpoints: learnt, view: viewOf([]) }).computed;
    const found = evaluated({ checkpoints: learnt, view: zeros });
    expect(found.data.usage).toEqual({ fed: false, why: 'doubt' });
    expect(found.computed).toEqual(before);
  });

  it('a policy that cannot be read, and one that somebody else carries out', () => {
    expect(only({ policies: [policy({ mode: 'Often' })] })).toMatchObject({ reason: 'InvalidPolicy', holds: [{ by: 'invalid-policy' }] });
    const theirs = recommendationOf({ policies: [vpa({ recommenders: [{ name: 'custom' }] })] });
    expect(theirs.known).toBeUndefined();
    expect(theirs.decisions[0]?.message).toContain('another recommender looks after it');
  });
});

it('tells the Deployment of pods whose ReplicaSets could not be read by their name', () => {
  const parts = { controllerOf: undefined };
  expect(evaluated({ checkpoints: learnt, parts }).target.pods).toHaveLength(3);
  expect(evaluated({ checkpoints: learnt, parts }).apply.methods).toEqual({ resize: 1 });
});

it('is pure: the same input gives the same answer', () => {
  const input = inputOf({ checkpoints: learnt });
  const told = (): unknown => recommendRequests(input).map(({ decisions, evaluated: each }) => [decisions, each?.apply, each?.totals]);
  expect(told()).toEqual(told());
});
