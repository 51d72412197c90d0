import { describe, expect, it } from 'vitest';
import { input, pod, pods, recommended, start, workload, hour, type InputOptions } from './builders.fixture.ts';
import { createUpdatePass, planUpdates } from './plan.ts';
import type { UpdatePlan } from './model.ts';

const mebi = 1_048_576;

function plan(options: InputOptions = {}): UpdatePlan {
  return planUpdates(input(options));
}

function done(result: UpdatePlan): readonly string[] {
  return result.actions.map(({ method, pod: { name } }) => `${method} ${name}`);
}

function codes(result: UpdatePlan): readonly string[] {
  return result.skips.map(({ code }) => code);
}

const inPlace = { updateMode: 'InPlaceOrRecreate', actuation: 'InPlaceOrRecreate' } as const;
const onlyInPlace = { updateMode: 'InPlace', actuation: 'InPlace' } as const;
const surge = { singleReplica: 'Surge' } as const;

describe('an update of pods', () => {
  it('evicts as many as the tolerance allows, the others wait for it', () => {
    const result = plan();
    expect(done(result)).toEqual(['evict web-0', 'evict web-1']);
    expect(codes(result)).toEqual(['disruption-tolerance', 'disruption-tolerance']);
    expect(result.skips[0]?.message).toBe(
      'pod web-2 waits: of 4 pods of ReplicaSet web-1 2 may be away, 4 run and 2 were touched in this pass',
    );
  });

  it('tells each container and resource of it', () => {
    const result = plan();
    const cpu = result.decisions.find(({ dimension }) => dimension === 'requests/cpu/app');
    expect(cpu).toMatchObject({ controller: 'vpa', from: 100, to: 250, wanted: 250, reason: 'EvictedByVPA', holds: [], at: start });
    expect(cpu?.message).toBe(
      'Container app: cpu 100m becomes 250m: 2 pods evicted; pod web-0 asks for an amount outside of the recommended range, or for none',
    );
    expect(cpu?.trace.map(({ step }) => step)).toEqual(['recommendation', 'priority', 'gate', 'cooldown', 'evict']);
    const memory = result.decisions.find(({ dimension }) => dimension === 'requests/memory/app');
    expect(memory).toMatchObject({ from: 256 * mebi, to: 256 * mebi, wanted: 256 * mebi, holds: [] });
  });

  it('takes what grows before what shrinks, then the larger difference', () => {
    const list = [pod('a', { cpu: '2' }), pod('b', { cpu: '200m', ageMs: hour }), pod('c', { cpu: '50m' }), pod('d', { cpu: '100m' })];
    expect(done(plan({ pods: list, recommendation: recommended({ cpu: 250 }, { spread: 0.1 }) }))).toEqual(['evict c', 'evict d']);
  });

  it('gives the place of an eviction that failed to the next pod', () => {
    const pass = createUpdatePass(input());
    const names: string[] = [];
    for (let action = pass.next(); action !== undefined; action = pass.next()) {
      names.push(action.pod.name);
      pass.afterAction(names.length === 1 ? { result: 'failed', message: 'refused' } : { result: 'done' });
    }
    expect(names).toEqual(['web-0', 'web-1', 'web-2']);
    expect(done(pass.plan())).toEqual(['evict web-1', 'evict web-2']);
    expect(pass.plan().skips[0]).toMatchObject({ code: 'failed', message: 'refused' });
  });

  it('keeps the place of an eviction of which it is not known whether it happened', () => {
    const pass = createUpdatePass(input());
    const names: string[] = [];
    for (let action = pass.next(); action !== undefined; action = pass.next()) {
      names.push(action.pod.name);
      pass.afterAction({ result: 'unknown', message: 'no answer' });
    }
    expect(names).toEqual(['web-0', 'web-1']);
  });

  it('ends with the first refusal of the fence, and says so of every pod', () => {
    const pass = createUpdatePass(input());
    expect(pass.next()).toBeDefined();
    pass.afterAction({ result: 'held', endsPass: true, hold: { by: 'not-leader', message: 'another copy leads' } });
    expect(pass.next()).toBeUndefined();
    const result = pass.plan();
    expect(result.holds).toEqual([{ by: 'not-leader', message: 'another copy leads' }]);
    expect(result.skips).toHaveLength(4);
    expect(result.decisions[0]).toMatchObject({ from: 100, to: 100, wanted: 250, holds: [{ by: 'not-leader' }] });
  });

  it('does nothing about a pod that would be given what it has', () => {
    const list = pods(4, { cpu: '250m' });
    const recommendation = { ...recommended({ cpu: 250 }), lowerBound: { cpu: 300 } };
    expect(codes(plan({ pods: list, recommendation }))).toEqual(['no-change', 'no-change', 'no-change', 'no-change']);
    expect(plan({ pods: list, recommendation, sizing: { native: true } }).actions).toHaveLength(2);
  });
});

describe('what holds a policy', () => {
  it.each<[string, InputOptions, string, RegExp]>([
    ['Paused', { sizing: { mode: 'Paused' } }, 'paused', /spec\.mode is Paused/],
    ['a conflict', { outside: { conflict: 'VerticalPolicy b acts on it' } }, 'conflict', /VerticalPolicy b/],
    ['no target', { outside: { target: 'Deployment web does not exist' } }, 'target-unavailable', /does not exist/],
    ['no recommendation', { recommendation: undefined }, 'missing-data', /no recommendation yet/],
    ['a stale recommendation', { outside: { stale: 'the recommendation is 2h old' } }, 'missing-data', /2h old/],
    [
      'a Pending pod',
      { pods: [...pods(3), pod('p', { phase: 'Pending' })] },
      'disruption-budget',
      /1 pod of Deployment web is Pending \(p\)/,
    ],
    ['DryRun', { sizing: { mode: 'DryRun' } }, 'dry-run', /spec\.mode is DryRun/],
    ['--dry-run', { outside: { dryRun: true } }, 'dry-run', /--dry-run/],
  ])('is %s: nothing is done, and every pod has the reason', (_, options, by, message) => {
    const result = plan(options);
    expect(result.actions).toEqual([]);
    expect(result.holds[0]).toMatchObject({ by });
    expect(result.holds[0]?.message).toMatch(message);
    expect(result.skips).toHaveLength(4);
    for (const decision of result.decisions) expect(decision.to).toBe(decision.from);
  });

  it('says in a dry run what would have been done, and remembers none of it', () => {
    const infeasible = new Map();
    const list = pods(4, { resize: { type: 'PodResizePending', reason: 'Infeasible' } });
    const result = plan({ pods: list, sizing: { ...onlyInPlace, mode: 'DryRun' }, memory: { infeasible } });
    expect(result.skips[0]?.message).toMatch(/^pod web-0 would be resized in place \(/);
    expect(result.decisions[0]?.holds[0]).toMatchObject({ by: 'dry-run' });
    expect(infeasible.size).toBe(0);
  });

  it('is the mode Off or Initial', () => {
    expect(codes(plan({ sizing: { updateMode: 'Initial', actuation: 'Initial' } }))).toEqual(['mode', 'mode', 'mode', 'mode']);
  });

  it('lets a native object do as upstream does where only the house holds', () => {
    const native = { native: true, cooldown: { scaleUpMs: 0, scaleDownMs: 0 } };
    const list = [...pods(3), pod('p', { phase: 'Pending' })];
    expect(plan({ pods: list, sizing: native }).actions.length).toBeGreaterThan(0);
    expect(plan({ sizing: { ...native, ...inPlace }, outside: { admission: 'its Lease is old' } }).actions).toEqual([]);
  });
});

describe('an admission that is not known to work', () => {
  const outside = { admission: 'the webhook has not been called for 2m' };

  it('lets nobody be evicted', () => {
    const result = plan({ outside });
    expect(result.actions).toEqual([]);
    expect(result.skips[0]?.hold).toEqual({
      by: 'missing-data',
      message: 'pod web-0 is not evicted: it would come back as it was, because the webhook has not been called for 2m',
    });
  });

  it('lets pods be resized in place', () => {
    expect(done(plan({ sizing: inPlace, outside }))).toEqual(['resize web-0', 'resize web-1']);
  });

  it('lets nobody be evicted whose resize is given up', () => {
    const list = pods(4, { resize: { type: 'PodResizePending', reason: 'Infeasible' } });
    expect(done(plan({ pods: list, sizing: inPlace }))).toEqual(['evict web-0', 'evict web-1']);
    expect(plan({ pods: list, sizing: inPlace, outside }).actions).toEqual([]);
  });

  it('lets no single replica be rolled', () => {
    const one = { pods: pods(1), sizing: surge };
    expect(done(plan(one))).toEqual(['surge web-0']);
    expect(plan({ ...one, outside }).actions).toEqual([]);
  });
});

describe('a resize in place', () => {
  it('that fails is followed by an eviction where the mode allows it', () => {
    const run = (sizing: InputOptions['sizing']): readonly string[] => {
      const pass = createUpdatePass(input({ sizing: sizing ?? {} }));
      const seen: string[] = [];
      for (let action = pass.next(); action !== undefined; action = pass.next()) {
        seen.push(`${action.method} ${action.pod.name}`);
        pass.afterAction(action.method === 'resize' ? { result: 'failed', message: 'no' } : { result: 'done' });
      }
      return seen;
    };
    expect(run(inPlace)).toEqual(['resize web-0', 'resize web-1', 'resize web-2', 'resize web-3', 'evict web-0', 'evict web-1']);
    expect(run(onlyInPlace)).toEqual(['resize web-0', 'resize web-1', 'resize web-2', 'resize web-3']);
  });

  it('is given up after its time, counted by uid from when the kubelet says', () => {
    const list = pods(4, { resize: { type: 'PodResizePending', reason: 'Deferred' } });
    const since = (ms: number): Map<string, number> => new Map(list.map(({ uid }) => [uid, start - ms]));
    expect(done(plan({ pods: list, sizing: inPlace, memory: { resizing: since(300_001) } }))).toEqual(['evict web-0', 'evict web-1']);
    const early = plan({ pods: list, sizing: inPlace, memory: { resizing: since(300_000) } });
    expect(early.actions).toEqual([]);
    expect(codes(early)).toEqual(['resizing', 'resizing', 'resizing', 'resizing']);
  });

  it('that has been asked for is not asked for again', () => {
    const list = pods(4, { cpu: '250m', status: { cpu: '100m', memory: '256Mi' } });
    expect(codes(plan({ pods: list, sizing: inPlace }))).toEqual(['asked', 'asked', 'asked', 'asked']);
  });

  it('that could not be done is tried again only when less is recommended', () => {
    const list = pods(2);
    const infeasible = new Map(list.map(({ uid }) => [uid, [recommended({ cpu: 250, memory: 268_435_456 })]]));
    expect(codes(plan({ pods: list, sizing: onlyInPlace, memory: { infeasible } }))).toEqual(['infeasible', 'infeasible']);
    const less = plan({ pods: list, sizing: onlyInPlace, memory: { infeasible }, recommendation: recommended({ cpu: 249 }) });
    expect(less.actions).toHaveLength(1);
  });

  it('of mode InPlace keeps to the tolerance, but for native objects as upstream', () => {
    expect(done(plan({ sizing: onlyInPlace }))).toEqual(['resize web-0', 'resize web-1']);
    expect(plan({ sizing: { ...onlyInPlace, native: true } }).actions).toHaveLength(4);
  });

  it('records what its node cannot give', () => {
    const infeasible = new Map();
    const pass = createUpdatePass(input({ pods: pods(2), sizing: onlyInPlace, memory: { infeasible } }));
    pass.next();
    pass.afterAction({ result: 'failed', message: 'too big', infeasible: true });
    while (pass.next() !== undefined) pass.afterAction({ result: 'done' });
    expect([...infeasible.keys()]).toEqual(['uid-web-0']);
  });
});

describe('cooldowns', () => {
  const since = (ms: number) => start - ms;

  it('keep growth apart by three minutes', () => {
    const held = plan({ history: { lastScaleUp: since(179_000) } });
    expect(held.actions).toEqual([]);
    expect(held.skips[0]?.hold).toMatchObject({ by: 'cooldown', until: start + 1_000 });
    expect(held.again).toBe(start + 1_000);
    expect(plan({ history: { lastScaleUp: since(180_000) } }).actions).toHaveLength(2);
    expect(plan({ history: { lastScaleDown: since(1_000) } }).actions).toHaveLength(2);
  });

  it('keep what only shrinks from any update by five minutes', () => {
    const shrink = { pods: pods(4, { cpu: '1' }) };
    expect(plan({ ...shrink, history: { lastScaleUp: since(299_999) } }).actions).toEqual([]);
    expect(plan({ ...shrink, history: { lastScaleUp: since(300_000) } }).actions).toHaveLength(2);
  });

  it('count an update in which anything grows as growth', () => {
    const mixed = { pods: pods(4, { cpu: '1', memory: '64Mi' }), history: { lastScaleDown: since(1_000) } };
    expect(plan(mixed).actions.map(({ direction }) => direction)).toEqual(['up', 'up']);
  });

  it('do not keep growth from pods that run out of memory soon after their start', () => {
    const recommendation = recommended({ cpu: 100, memory: 512 * mebi });
    const history = { lastScaleUp: since(60_000) };
    const oom = { pods: pods(4, { oomAfterMs: 30_000 }), recommendation, history };
    const result = plan(oom);
    expect(result.actions).toHaveLength(2);
    expect(result.decisions[0]?.trace.find(({ step }) => step === 'cooldown')?.message).toMatch(/does not wait for the cooldown$/);
    expect(plan({ ...oom, pods: pods(4, { oomAfterMs: 700_000 }) }).actions).toEqual([]);
    expect(plan({ ...oom, recommendation: recommended({ cpu: 90, memory: 128 * mebi }) }).actions).toEqual([]);
  });
});

describe('a single replica', () => {
  const one = { pods: pods(1) };

  it('is left alone, and the way out is named', () => {
    const result = plan(one);
    expect(codes(result)).toEqual(['too-few-replicas']);
    expect(result.skips[0]?.message).toBe(
      'ReplicaSet web-1 has 1 of at least 2 live pods (minReplicas); it is left alone; with singleReplica: Surge it is rolled so that a new pod is ready before the old one goes',
    );
  });

  it('is rolled by surge where that is asked for', () => {
    expect(done(plan({ ...one, sizing: surge }))).toEqual(['surge web-0']);
  });

  it('is not rolled where the strategy does not start the new pod first', () => {
    const result = plan({ ...one, sizing: surge, workload: workload({ replicas: 1, surges: false }) });
    expect(result.actions).toEqual([]);
    expect(result.skips[0]?.message).toMatch(/takes a Deployment with RollingUpdate and maxSurge of 1 or more$/);
  });

  it('is not rolled while another pod is there or it is not ready', () => {
    const other = pod('web-9', {}, { owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-2', uid: 'rs-2' } });
    const two = plan({
      pods: [...pods(1), other],
      sizing: surge,
      workload: workload({ replicas: 1 }),
      configured: () => ({ ok: true, replicas: 1 }),
    });
    expect(codes(two)).toEqual(['rolling', 'rolling']);
    expect(codes(plan({ pods: pods(1, { ready: false }), sizing: surge }))).toEqual(['rolling']);
  });

  it('is resized in place before it is rolled, unless that would restart it', () => {
    expect(done(plan({ ...one, sizing: { ...surge, ...inPlace } }))).toEqual(['resize web-0']);
    expect(done(plan({ pods: pods(1, { restartOnResize: true }), sizing: { ...surge, ...inPlace } }))).toEqual(['surge web-0']);
  });
});

describe('budgets', () => {
  const pdb = (more: object) => ({ uid: 'pdb', name: 'web', disruptionsAllowed: 1, currentHealthy: 4, desiredHealthy: 3, ...more });

  it('are kept to before anything is asked, and counted', () => {
    const result = plan({ pdbsFor: () => [pdb({})] as never });
    expect(done(result)).toEqual(['evict web-0']);
    expect(result.skips[0]?.hold).toMatchObject({ by: 'disruption-budget' });
    expect(result.skips[0]?.message).toMatch(/^PodDisruptionBudget web allows no more disruption now/);
  });

  it('that are two let nobody go', () => {
    expect(plan({ pdbsFor: () => [pdb({}), pdb({ uid: 'b', name: 'b' })] as never }).actions).toEqual([]);
  });

  it('do not matter in place', () => {
    expect(plan({ sizing: inPlace, pdbsFor: () => [pdb({ disruptionsAllowed: 0 })] as never }).actions).toHaveLength(2);
  });
});

describe('resources that somebody else moves by', () => {
  it('are left alone, and the decision says why', () => {
    const result = plan({ outside: { yields: new Map([['cpu', 'HorizontalPolicy web scales by CPU utilization']]) } });
    expect(result.actions).toEqual([]);
    expect(result.decisions.find(({ dimension }) => dimension === 'requests/cpu/app')).toMatchObject({
      from: 100,
      to: 100,
      wanted: 250,
      holds: [{ by: 'conflict', message: 'HorizontalPolicy web scales by CPU utilization' }],
    });
  });
});

describe('containers that others put into the pod', () => {
  it('are left alone when the policy says so', () => {
    const facts = workload({ templateContainers: ['other'] });
    expect(plan({ workload: facts, sizing: { injectedContainers: 'Ignore' } }).actions).toEqual([]);
    expect(plan({ workload: facts }).actions).toHaveLength(2);
  });
});

describe('the end of a start-up boost', () => {
  const boost = { type: 'Factor', factor: 2, quantity: undefined, durationMs: 60_000 };
  const annotations = { 'vpaCpuStartupBoost/app': '{"requests":{"cpu":"100m"},"limits":{}}' };

  it('is taken back in every mode, and the pod is not updated besides', () => {
    const options = { pods: pods(4, { annotations }), sizing: { startupBoost: boost, updateMode: 'Off', actuation: 'Off' } as const };
    expect(done(plan(options))).toEqual(['unboost web-0', 'unboost web-1']);
    expect(done(plan({ ...options, recommendation: undefined }))).toEqual(['unboost web-0', 'unboost web-1']);
    expect(plan(options).actions[0]?.direction).toBeUndefined();
  });

  it('is waited for while the pod is young or not ready', () => {
    const sizing = { startupBoost: boost };
    const young = plan({ pods: pods(4, { annotations, ageMs: 60_000 }), sizing });
    expect(codes(young)).toEqual(['boosted', 'boosted', 'boosted', 'boosted']);
    expect(done(plan({ pods: pods(4, { annotations, ageMs: 61_000 }), sizing }))).toHaveLength(2);
    expect(plan({ pods: pods(4, { annotations, ready: false }), sizing }).actions).toEqual([]);
  });

  it('does not wait for a cooldown', () => {
    const options = {
      pods: pods(2, { annotations }),
      sizing: { startupBoost: boost },
      history: { lastScaleUp: start, lastScaleDown: start },
    };
    expect(done(plan(options))).toEqual(['unboost web-0']);
  });
});
