import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import { ApiStatusError } from '../../../core/kube/status-error.ts';
import { formatTime } from '../../../core/model/condition.ts';
import type { Decision } from '../../../core/model/decision.ts';
import { selectorOf } from '../../../core/model/selector.ts';
import { evidenceOf, podOf, policyNamed, recommend, scene } from './recommender.fixture.ts';

const minute = 60_000;
const day = 86_400_000;
const mi = 1024 * 1024;
const web = 'VerticalPolicy/shop/web';

const provided = { type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2025-12-01T00:00:00Z', reason: '', message: '' };

/** `status` with a recommendation for these containers, as an earlier process wrote it. */
function storedStatus(targets: Readonly<Record<string, { cpu?: string; memory?: string }>>): object {
  return {
    conditions: [provided],
    recommendation: {
      containerRecommendations: Object.entries(targets).map(([containerName, target]) => ({
        containerName,
        target,
        lowerBound: target,
        upperBound: target,
        uncappedTarget: target,
      })),
    },
  };
}

/** One policy with one pod, started and measured. */
async function running(options: Parameters<typeof scene>[0] = {}) {
  const made = scene(options);
  made.pods.set('shop/web-1', podOf('web-1'));
  made.policies.add(policyNamed('web'));
  made.engine.recommendations.set(web, recommend({ app: [100, 100 * mi] }));
  made.recommender.start();
  await made.clock.advance(0);
  made.measure();
  await made.clock.advance(0);
  return made;
}

function decisionOf(facts: Partial<Decision> = {}): Decision {
  const reference = { apiVersion: 'v1', kind: 'K', name: 'n' };
  return {
    controller: 'vpa',
    subject: reference,
    target: reference,
    at: Date.UTC(2026, 0, 1),
    from: 1,
    to: 1,
    wanted: 1,
    reason: 'UpToDate',
    message: 'all is well',
    holds: [],
    trace: [],
    ...facts,
  };
}

describe('a recommendation', () => {
  it('is stored with the first view, without waiting for an interval', async () => {
    const { policies, target, condition, writes, recommender } = await running();
    expect(target(web, 'app')).toEqual({ cpu: '100m', memory: '104857600' });
    expect(condition(web, 'RecommendationProvided')).toBe('True/RecommendationProvided: there is a recommendation');
    expect(condition(web, 'Accepted')).toContain('True/PolicyAccepted');
    expect(policies.status(web)).toMatchObject({ observedGeneration: 1, podCount: 1 });
    expect(writes.patches[0]).toMatchObject({ subresource: 'status', body: { metadata: { uid: 'uid-web' } } });
    await recommender.stop();
  });

  it('is written only when something differs', async () => {
    const { clock, writes, engine, measure, recommender, target } = await running();
    for (let pass = 0; pass < 5; pass++) {
      measure();
      await clock.advance(minute);
    }
    expect(writes.patches).toHaveLength(1);
    expect(engine.calls.filter((call) => call.startsWith('recommend'))).toHaveLength(6);
    engine.recommendations.set(web, recommend({ app: [200, 100 * mi] }));
    await clock.advance(minute);
    expect(writes.patches).toHaveLength(2);
    expect(target(web, 'app')).toMatchObject({ cpu: '200m' });
    await recommender.stop();
  });

  it('keeps what others have in the status', async () => {
    const { policies, engine, clock, condition, recommender } = await running();
    policies.update(web, (raw) => ({
      ...raw,
      status: {
        ...(raw.status as object),
        theirs: 1,
        conditions: [...(raw.status as { conditions: [] }).conditions, { ...provided, type: 'Foreign' }],
      },
    }));
    engine.recommendations.set(web, recommend({ app: [200, 100 * mi] }));
    await clock.advance(minute);
    expect(policies.status(web)).toMatchObject({ theirs: 1 });
    expect(condition(web, 'Foreign')).toContain('True');
    await recommender.stop();
  });

  it('is written to a native object with nothing of ours', async () => {
    const { clock, policies, pods, engine, measure, recommender } = scene();
    pods.set('shop/web-1', podOf('web-1'));
    const key = policies.add(policyNamed('web', { native: true }));
    engine.recommendations.set(key, recommend({ app: [100, 100 * mi] }));
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(0);
    recommender.report(key, { decisions: [decisionOf()], holds: [] });
    await clock.advance(minute);
    const status = policies.status(key);
    expect(Object.keys(status).toSorted()).toEqual(['conditions', 'observedGeneration', 'recommendation']);
    expect(status['conditions']).toEqual([
      { type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 },
    ]);
    await recommender.stop();
  });

  it('is not written again and again to a server that drops what it does not know', async () => {
    const made = scene();
    const { clock, policies, pods, engine, measure, recommender, writes } = made;
    pods.set('shop/web-1', podOf('web-1'));
    policies.add(policyNamed('web'));
    engine.recommendations.set(web, recommend({ app: [100, 100 * mi] }));
    // An older CRD: it knows no podCount.
    writes.stored = (status) => Object.fromEntries(Object.entries(status).filter(([field]) => field !== 'podCount'));
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(5 * minute);
    expect(writes.patches).toHaveLength(1);
    expect(policies.status(web)).not.toHaveProperty('podCount');
    engine.recommendations.set(web, recommend({ app: [200, 100 * mi] }));
    await clock.advance(minute);
    expect(writes.patches).toHaveLength(2);
    await recommender.stop();
  });

  it('comes with what it rests on, which alone is no reason to write', async () => {
    const { clock, policies, engine, writes, recommender } = await running();
    const list = (policies.status(web)['recommendation'] as { containerRecommendations: unknown[] }).containerRecommendations;
    expect(list[0]).toMatchObject({ evidence: { samples: 10, coverage: 1, cpu: { targetPercentile: 0.9, margin: 0.15 } } });
    engine.recommendations.set(web, { ...recommend({ app: [100, 100 * mi] }), evidence: [evidenceOf('app', { samples: 999 })] });
    await clock.advance(minute);
    expect(writes.patches).toHaveLength(1);
    expect(recommender.explain(web)?.evidence[0]?.samples).toBe(999);
    await recommender.stop();
  });

  it('is capped, and the clamps are told', async () => {
    const made = scene({ nodeRoom: () => ({ nodes: [{ cpu: 50, memory: 200 * mi }], others: {} }) });
    const { clock, policies, pods, engine, measure, recommender, target, condition } = made;
    pods.set('shop/web-1', podOf('web-1'));
    policies.add(policyNamed('web'));
    engine.recommendations.set(web, recommend({ app: [100, 100 * mi] }));
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(0);
    expect(target(web, 'app')).toMatchObject({ cpu: '50m' });
    expect(condition(web, 'LimitedByNodeSize')).toContain('True/NodeSize: target cpu of container app capped from 100m to 50m');
    expect(recommender.explain(web)?.clamps).toHaveLength(1);
    expect(recommender.decisions()[0]?.trace.map(({ step }) => step)).toContain('clamp-node-size');
    await recommender.stop();
  });
});

describe('what is not known', () => {
  it('is not fed: usage in doubt, of a source that is down, or seen before', async () => {
    const { clock, engine, measure, recommender } = await running();
    expect(engine.usages).toBe(1);
    measure({ usageDoubt: { reason: 'outage', detail: 'all at zero' } });
    await clock.advance(0);
    measure({ source: { healthy: false, reason: 'source-unavailable', detail: 'down', since: 0, lastSuccess: undefined } });
    await clock.advance(2 * minute);
    expect(engine.usages).toBe(1);
    measure();
    await clock.advance(2 * minute);
    expect(engine.usages).toBe(2);
    await recommender.stop();
  });

  it('is no minimum: without a sample nothing is recommended, and what was stays as it was', async () => {
    const { clock, policies, pods, engine, measure, recommender, target, condition } = scene();
    pods.set('shop/web-1', podOf('web-1', { containers: ['app', 'new'] }));
    policies.add(policyNamed('web'), storedStatus({ app: { cpu: '700m', memory: '1Gi' }, old: { cpu: '50m', memory: '64Mi' } }));
    engine.recommendations.set(web, {
      containers: recommend({ app: [25, 250 * mi], new: [25, 250 * mi] }).containers,
      evidence: [evidenceOf('app', { cpu: 0, memory: 300 * mi }), evidenceOf('new', { cpu: 0, memory: 0 })],
    });
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(minute);
    expect(target(web, 'app')).toEqual({ cpu: '700m', memory: '262144k' });
    expect(target(web, 'new')).toBeUndefined();
    expect(target(web, 'old')).toEqual({ cpu: '50m', memory: '67108864' });
    expect(recommender.explain(web)?.kept).toEqual([
      { container: 'app', resource: 'cpu' },
      { container: 'old', resource: 'cpu' },
      { container: 'old', resource: 'memory' },
    ]);
    expect(condition(web, 'RecommendationProvided')).toContain('True');
    await recommender.stop();
  });

  it('is said after a while, with the time since when', async () => {
    const { clock, pods, measure, recommender, condition, writes } = await running();
    pods.set('shop/web-1', podOf('web-1', { started: clock.now() }));
    await clock.advance(9 * minute);
    expect(condition(web, 'LowConfidence')).toBeUndefined();
    await clock.advance(3 * minute);
    expect(condition(web, 'LowConfidence')).toContain(
      'True/NoSamples: no usage of app (last at 2026-01-01T00:00:00Z): what is recommended stays',
    );
    const before = writes.patches.length;
    await clock.advance(10 * minute);
    expect(writes.patches).toHaveLength(before);
    measure();
    await recommender.stop();
  });

  it('is the target: until it is looked up nothing is written', async () => {
    const { clock, policies, pods, targets, engine, measure, recommender, writes, target } = scene();
    pods.set('shop/web-1', podOf('web-1'));
    policies.add(policyNamed('web'), storedStatus({ app: { cpu: '700m' } }));
    engine.recommendations.set(web, recommend({ app: [100, 100 * mi] }));
    targets.resolutions.set('web', { state: 'pending' });
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(3 * minute);
    expect(writes.patches).toHaveLength(0);
    targets.resolutions.delete('web');
    targets.resolved();
    await clock.advance(5_000);
    expect(target(web, 'app')).toMatchObject({ cpu: '100m' });
    await recommender.stop();
  });

  it('is nothing to write for when the target cannot be one: that is said, the recommendation stays', async () => {
    const { clock, targets, recommender, condition, target, events, writes } = await running();
    targets.resolutions.set('web', { state: 'unsupported', message: 'name the Rollout' });
    await clock.advance(3 * minute);
    expect(condition(web, 'ConfigUnsupported')).toBe('True/ConfigUnsupported: name the Rollout');
    expect(target(web, 'app')).toMatchObject({ cpu: '100m' });
    expect(condition(web, 'RecommendationProvided')).toContain('True');
    expect(events).toEqual(['ConfigUnsupported: name the Rollout']);
    expect(writes.patches).toHaveLength(2);
    targets.resolutions.delete('web');
    await clock.advance(minute);
    expect(condition(web, 'ConfigUnsupported')).toBeUndefined();
    await recommender.stop();
  });

  it('is said of a policy that matches no pods', async () => {
    const { clock, pods, recommender, condition, target } = await running();
    pods.delete('shop/web-1');
    await clock.advance(minute);
    expect(condition(web, 'NoPodsMatched')).toContain('True/NoPodsMatched: No pods match this VPA object');
    expect(target(web, 'app')).toMatchObject({ cpu: '100m' });
    await recommender.stop();
  });
});

describe('a restart', () => {
  it('writes nothing before what is stored has been loaded', async () => {
    const { clock, policies, pods, engine, checkpoints, measure, recommender, writes, target } = scene();
    pods.set('shop/web-1', podOf('web-1'));
    policies.add(policyNamed('web'), storedStatus({ app: { cpu: '700m', memory: '1Gi' } }));
    let open = (): void => undefined;
    checkpoints.gate = new Promise((resolve) => (open = resolve));
    engine.recommendations.set(web, () => recommend({ app: checkpoints.loads.length > 0 ? [710, 1000 * mi] : [25, 250 * mi] }));
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(3 * minute);
    expect(checkpoints.loads).toEqual([web]);
    expect(writes.patches).toHaveLength(0);
    expect(engine.calls).not.toContain(`recommend ${web}`);
    expect(checkpoints.passes.every((keys) => keys.length === 0)).toBe(true);
    open();
    await clock.advance(2_000);
    expect(target(web, 'app')).toMatchObject({ cpu: '710m' });
    await recommender.stop();
    expect(checkpoints.flushes).toBe(1);
  });

  it('tries again when what is stored cannot be read', async () => {
    const { clock, policies, pods, engine, checkpoints, measure, recommender, writes, target } = scene();
    pods.set('shop/web-1', podOf('web-1'));
    policies.add(policyNamed('web'), storedStatus({ app: { cpu: '700m' } }));
    policies.add(policyNamed('fine'));
    for (const key of [web, 'VerticalPolicy/shop/fine']) engine.recommendations.set(key, recommend({ app: [100, 100 * mi] }));
    let down = true;
    checkpoints.fail = (key) =>
      down && key === web ? new ApiStatusError({ code: 500, reason: 'InternalError', message: 'no' }) : undefined;
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(2 * minute);
    expect(writes.patches.map(({ key }) => key)).toEqual(['VerticalPolicy/shop/fine']);
    expect(target(web, 'app')).toEqual({ cpu: '700m' });
    down = false;
    await clock.advance(2 * minute);
    expect(target(web, 'app')).toMatchObject({ cpu: '100m' });
    await recommender.stop();
  });

  it('passes at once when checkpoints were loaded, though nothing is measured', async () => {
    const { clock, policies, engine, checkpoints, recommender, target } = scene();
    policies.add(policyNamed('web'));
    checkpoints.loaded = 1;
    engine.recommendations.set(web, recommend({ app: [100, 100 * mi] }));
    recommender.start();
    await clock.advance(0);
    expect(target(web, 'app')).toMatchObject({ cpu: '100m' });
    await recommender.stop();
  });

  it('passes after an interval when nothing at all is known, to say so', async () => {
    const { clock, policies, recommender, condition } = scene();
    policies.add(policyNamed('web'));
    recommender.start();
    await clock.advance(minute - 1);
    expect(condition(web, 'NoPodsMatched')).toBeUndefined();
    await clock.advance(1);
    expect(condition(web, 'NoPodsMatched')).toContain('True');
    expect(condition(web, 'RecommendationProvided')).toContain('False/NoPodsMatched');
    await recommender.stop();
  });

  it('waits for its mirrors', async () => {
    const { clock, policies, pods, engine, recommender, measure, writes } = scene();
    pods.synced = false;
    policies.add(policyNamed('web'));
    engine.recommendations.set(web, recommend({ app: [100, 100 * mi] }));
    recommender.start();
    measure();
    await clock.advance(5 * minute);
    expect(writes.patches).toHaveLength(0);
    pods.synced = true;
    await clock.advance(1_000);
    expect(writes.patches).toHaveLength(1);
    await recommender.stop();
  });
});

describe('a container that has vanished', () => {
  it('is left out after a day in which others live, with its checkpoint', async () => {
    const { clock, pods, engine, measure, recommender, target, checkpoints } = await running();
    engine.recommendations.set(web, recommend({ app: [100, 100 * mi], old: [50, 50 * mi] }));
    pods.set('shop/web-1', podOf('web-1', { containers: ['app', 'old'] }));
    await clock.advance(minute);
    expect(target(web, 'old')).toBeDefined();
    pods.set('shop/web-1', podOf('web-1', { containers: ['app'] }));
    await clock.advance(day - 2 * minute);
    measure();
    expect(target(web, 'old')).toBeDefined();
    await clock.advance(3 * minute);
    expect(target(web, 'old')).toBeUndefined();
    expect(target(web, 'app')).toBeDefined();
    expect(engine.forgotten).toEqual([`${web}/old`]);
    expect(checkpoints.kept(web, 'old')).toBe(false);
    expect(checkpoints.kept(web, 'app')).toBe(true);
    expect(recommender.explain(web)?.vanished).toEqual(['old']);
    pods.set('shop/web-1', podOf('web-1', { containers: ['app', 'old'] }));
    await clock.advance(minute);
    expect(checkpoints.kept(web, 'old')).toBe(true);
    await recommender.stop();
  });

  it('stays where no pod lives at all, and for 8 days where pods come and go', async () => {
    const { clock, policies, pods, engine, recommender, target } = scene();
    policies.add(policyNamed('web'));
    const cron = policies.add(policyNamed('cron', { target: { apiVersion: 'batch/v1', kind: 'CronJob', name: 'cron' } }));
    const both = recommend({ app: [100, 100 * mi], old: [50, 50 * mi] });
    engine.recommendations.set(web, both).set(cron, both);
    recommender.start();
    await clock.advance(2 * minute);
    await clock.advance(7 * day);
    pods.set('shop/web-1', podOf('web-1'));
    await clock.advance(2 * minute);
    // The evidence says when it was last measured: a week ago.
    expect(target(web, 'old')).toBeUndefined();
    expect(target(cron, 'old')).toBeDefined();
    await clock.advance(day);
    expect(target(cron, 'old')).toBeUndefined();
    await recommender.stop();
  }, 60_000);
});

describe('an OOM kill', () => {
  const terminated = (finishedAt: number) => ({
    name: 'app',
    restartCount: 1,
    state: { terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: new Date(finishedAt).toISOString() } },
  });

  it('is counted, and recommended from at once', async () => {
    const { clock, pods, engine, recommender, target } = await running();
    pods.set('shop/web-1', podOf('web-1', { statuses: [{ name: 'app', restartCount: 0, state: { running: {} } }] }));
    await clock.advance(0);
    engine.recommendations.set(web, () => recommend({ app: [100, engine.ooms.length > 0 ? 200 * mi : 100 * mi] }));
    pods.set('shop/web-1', podOf('web-1', { statuses: [terminated(clock.now())] }));
    await clock.advance(2_000);
    expect(engine.ooms).toEqual([{ namespace: 'shop', pod: 'web-1', container: 'app', memory: 100 * mi, at: clock.now() - 2_000 }]);
    expect(target(web, 'app')).toMatchObject({ memory: '209715200' });
    await recommender.stop();
  });

  it('of an eviction comes from outside', async () => {
    const { clock, engine, recommender, target } = await running();
    engine.recommendations.set(web, () => recommend({ app: [100, engine.ooms.length > 0 ? 200 * mi : 100 * mi] }));
    recommender.observeOom({ namespace: 'shop', pod: 'web-1', container: 'app', memory: 1, at: clock.now() });
    await clock.advance(2_000);
    expect(target(web, 'app')).toMatchObject({ memory: '209715200' });
    await recommender.stop();
  });
});

describe('pods', () => {
  it('reach the engine where there are policies, once they run', async () => {
    const { clock, pods, engine, policies, recommender } = await running();
    pods.set('other/a', podOf('a', { namespace: 'other' }));
    pods.set('shop/late', podOf('late', { phase: 'Pending' }));
    await clock.advance(0);
    expect([...engine.pods.keys()]).toEqual(['shop/web-1']);
    pods.set('shop/late', podOf('late'));
    const policy = policyNamed('there');
    const there = policies.add({ ...policy, reference: { ...policy.reference, namespace: 'other' } });
    await clock.advance(minute);
    expect([...engine.pods.keys()].toSorted()).toEqual(['other/a', 'shop/late', 'shop/web-1']);
    policies.delete(there);
    pods.delete('shop/late');
    await clock.advance(minute);
    expect([...engine.pods.keys()]).toEqual(['shop/web-1']);
    await recommender.stop();
  });
});

describe('one policy', () => {
  it('that fails is none of the others', async () => {
    const { clock, policies, pods, engine, measure, recommender, writes, logger } = scene();
    pods.set('shop/web-1', podOf('web-1'));
    for (const name of ['a', 'b', 'c']) {
      const key = policies.add(policyNamed(name));
      engine.recommendations.set(key, recommend({ app: [100, 100 * mi] }));
    }
    engine.recommendations.set('VerticalPolicy/shop/b', () => {
      throw new Error('broken');
    });
    let conflicts = 2;
    writes.fail = (key) =>
      key.endsWith('/c') && conflicts-- > 0 ? new ApiStatusError({ code: 409, reason: 'Conflict', message: 'later' }) : undefined;
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(0);
    expect(writes.patches.map(({ key }) => key)).toEqual(['VerticalPolicy/shop/a']);
    await clock.advance(10_000);
    expect(writes.patches.map(({ key }) => key)).toEqual(['VerticalPolicy/shop/a', 'VerticalPolicy/shop/c']);
    expect(logger.lines.some(({ fields }) => fields['policy'] === 'VerticalPolicy/shop/b')).toBe(true);
    await recommender.stop();
  });

  it('that is deleted in the middle of a pass is left alone, and one of its name begins anew', async () => {
    const { clock, policies, pods, engine, checkpoints, measure, recommender, writes } = scene({ limits: { sliceMs: -1 } });
    pods.set('shop/web-1', podOf('web-1'));
    const keys = ['a', 'b', 'c'].map((name) => policies.add(policyNamed(name)));
    for (const key of keys) engine.recommendations.set(key, recommend({ app: [100, 100 * mi] }));
    engine.recommendations.set('VerticalPolicy/shop/a', () => {
      policies.delete('VerticalPolicy/shop/b');
      return recommend({ app: [100, 100 * mi] });
    });
    recommender.start();
    await clock.advance(0);
    measure();
    for (let turn = 0; turn < 10; turn++) await clock.advance(0);
    expect(writes.patches.map(({ key }) => key).toSorted()).toEqual(['VerticalPolicy/shop/a', 'VerticalPolicy/shop/c']);
    expect(engine.calls).toContain('remove VerticalPolicy/shop/b');
    expect(recommender.explain('VerticalPolicy/shop/b')).toBeUndefined();
    engine.recommendations.set('VerticalPolicy/shop/a', recommend({ app: [100, 100 * mi] }));
    const policy = policyNamed('b');
    policies.add({ ...policy, reference: { ...policy.reference, uid: 'another' } });
    await clock.advance(5_000);
    expect(checkpoints.loads.filter((key) => key === 'VerticalPolicy/shop/b')).toHaveLength(2);
    expect(writes.patches.map(({ key }) => key)).toContain('VerticalPolicy/shop/b');
    await recommender.stop();
  });

  it('of another recommender is left alone', async () => {
    const { clock, policies, recommender, measure, writes } = scene();
    policies.add(policyNamed('theirs', { recommenders: ['frugal'] }));
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(2 * minute);
    expect(writes.patches).toHaveLength(0);
    await recommender.stop();
  });

  it('that cannot be read says why', async () => {
    const { clock, policies, recommender, condition, writes } = scene();
    const key = 'VerticalPolicy/shop/bad';
    const raw = { kind: 'VerticalPolicy', metadata: { name: 'bad', namespace: 'shop', uid: 'bad', generation: 2, resourceVersion: '1' } };
    policies.rejected.set(key, { key, raw, failure: { ok: false, problems: [{ path: 'spec.mode', message: '"On" is not one of Auto' }] } });
    recommender.start();
    await clock.advance(3 * minute);
    expect(condition(key, 'Accepted')).toContain('False/InvalidPolicy: spec.mode');
    expect(writes.patches).toHaveLength(1);
    await recommender.stop();
  });

  it('is told to the engine only of changes', async () => {
    const { clock, policies, targets, engine, recommender } = await running();
    const sets = (): number => engine.calls.filter((call) => call.startsWith('set')).length;
    await clock.advance(3 * minute);
    expect(sets()).toBe(1);
    // The same selector in a new object, as after each status of the workload.
    targets.resolutions.set('web', { state: 'known', selector: selectorOf({ matchLabels: { app: 'web' } }), workload: undefined });
    await clock.advance(minute);
    expect(sets()).toBe(1);
    targets.resolutions.set('web', { state: 'known', selector: selectorOf({ matchLabels: { app: 'other' } }), workload: undefined });
    await clock.advance(minute);
    expect(sets()).toBe(2);
    expect(policies.book.all()).toHaveLength(1);
    await recommender.stop();
  });
});

describe('what the updater says', () => {
  it('is stored at once: a scaling, before anything else happens', async () => {
    const { clock, policies, recommender, writes } = await running();
    const stored = recommender.recordScaling(web, 'up', clock.now() + 300);
    expect(recommender.historyOf(web)).toEqual({ lastScaleUp: clock.now() + 300, lastScaleDown: undefined });
    await clock.advance(0);
    expect(await stored).toBe(true);
    expect(policies.status(web)).toMatchObject({ lastScaleUpTime: formatTime(clock.now() + 1_000) });
    const before = writes.patches.length;
    await clock.advance(3 * minute);
    expect(writes.patches).toHaveLength(before);
    await recommender.stop();
  });

  it('is false when a scaling cannot be stored, which is tried again', async () => {
    const { clock, policies, recommender, writes } = await running();
    let down = true;
    writes.fail = () => (down ? new ApiStatusError({ code: 503, reason: 'ServiceUnavailable', message: 'down' }) : undefined);
    const stored = recommender.recordScaling(web, 'down', clock.now());
    await clock.advance(0);
    expect(await stored).toBe(false);
    down = false;
    await clock.advance(10_000);
    expect(policies.status(web)).toHaveProperty('lastScaleDownTime');
    expect(await recommender.recordScaling('VerticalPolicy/shop/none', 'up', 0)).toBe(false);
    await recommender.stop();
  });

  it('is in annotations of a native object, when cooldowns are on for it', async () => {
    for (const adoptedCooldown of [false, true]) {
      const { clock, policies, recommender } = scene({ adoptedCooldown });
      const key = policies.add(policyNamed('web', { native: true }));
      recommender.start();
      await clock.advance(0);
      const stored = recommender.recordScaling(key, 'up', clock.now());
      await clock.advance(0);
      expect(await stored).toBe(true);
      const annotations = policies.book.get(key)?.raw.metadata.annotations;
      expect(annotations?.['concertina.dev/last-scale-up-time']).toBe(adoptedCooldown ? formatTime(clock.now()) : undefined);
      expect(policies.status(key)).not.toHaveProperty('lastScaleUpTime');
      await recommender.stop();
    }
  });

  it('becomes a condition and the last decision, renewed when the outcome changes', async () => {
    const { clock, policies, recommender, condition, writes } = await running();
    const hold = { by: 'disruption-budget' as const, message: 'PDB shop/web allows none' };
    const held = (wanted: number): Decision => decisionOf({ wanted, reason: 'EvictionHeld', message: `wants ${wanted}`, holds: [hold] });
    recommender.report(web, { decisions: [held(500)], holds: [hold] });
    await clock.advance(0);
    expect(condition(web, 'Applied')).toBe('False/DisruptionBudget: PDB shop/web allows none');
    expect(policies.status(web)['lastDecision']).toEqual({
      wanted: 500,
      reason: 'EvictionHeld',
      message: 'wants 500',
      at: '2026-01-01T00:00:00Z',
      holds: [hold],
    });
    const before = writes.patches.length;
    recommender.report(web, { decisions: [held(540)], holds: [hold] });
    await clock.advance(minute);
    expect(writes.patches).toHaveLength(before);
    // What the sentence says is far from what is wanted by now.
    recommender.report(web, { decisions: [held(560)], holds: [hold] });
    await clock.advance(0);
    expect(policies.status(web)['lastDecision']).toMatchObject({ wanted: 560, message: 'wants 560' });
    recommender.report(web, { decisions: [decisionOf({ from: 1, to: 2, reason: 'Resized', message: 'resized web-1' })], holds: [] });
    await clock.advance(0);
    expect(condition(web, 'Applied')).toBe('True/Resized: resized web-1');
    expect(policies.status(web)['lastDecision']).toMatchObject({ reason: 'Resized', message: 'resized web-1' });
    expect(recommender.decisions()).toMatchObject([{ reason: 'Resized' }]);
    await recommender.stop();
  });
});

describe('the program around it', () => {
  it('writes nothing in a dry run, and still decides', async () => {
    const { clock, recommender, writes, checkpoints, events, targets } = await running({ dryRun: true });
    targets.resolutions.set('web', { state: 'unsupported', message: 'no' });
    await clock.advance(2 * minute);
    targets.resolutions.delete('web');
    await clock.advance(2 * minute);
    recommender.report(web, { decisions: [], holds: [] });
    const stored = recommender.recordScaling(web, 'up', clock.now());
    await clock.advance(0);
    expect(await stored).toBe(false);
    expect(writes.patches).toHaveLength(0);
    expect(checkpoints.passes).toHaveLength(0);
    expect(events).toHaveLength(0);
    expect(recommender.decisions()).toMatchObject([
      { dimension: 'requests/cpu/app', from: 100, to: 100, wanted: 100 },
      { dimension: 'requests/memory/app', from: 100 * mi, wanted: 100 * mi },
    ]);
    await recommender.stop();
    expect(checkpoints.flushes).toBe(0);
  });

  it('is quiet when it may not write', async () => {
    const made = scene();
    made.writes.fail = () => new ConcertinaError('FENCED', 'not the leader');
    made.policies.add(policyNamed('web'));
    made.recommender.start();
    await made.clock.advance(3 * minute);
    expect(made.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    await made.recommender.stop();
  });

  it('knows what it moves', async () => {
    const { policies, recommender, clock } = await running();
    policies.add(policyNamed('off', { actuation: 'Off', updateMode: 'Off' }));
    policies.add(policyNamed('dry', { mode: 'DryRun' }));
    await clock.advance(minute);
    expect(recommender.claims().map(({ policy, target, dimension }) => `${policy.name} ${target.kind} ${dimension}`)).toEqual([
      'web Deployment requests/cpu',
      'web Deployment requests/memory',
    ]);
    await recommender.stop();
  });

  it('measures itself', async () => {
    const { registry, recommender, clock } = await running();
    await clock.advance(minute);
    const text = await registry.metrics();
    expect(text).toContain(
      'vpa_recommender_vpa_objects_count{update_mode="Auto",has_recommendation="true",api="v1alpha1",matches_pods="true",unsupported_config="false"} 1',
    );
    expect(text).toContain(
      'vpa_recommender_vpa_objects_count{update_mode="Off",has_recommendation="false",api="v1",matches_pods="false",unsupported_config="true"} 0',
    );
    expect(text).toContain('vpa_recommender_aggregate_container_states_count 7');
    expect(text).toContain('vpa_recommender_execution_latency_seconds_count{step="UpdateVPAs"} 2');
    expect(text).toContain('vpa_recommender_recommendation_latency_seconds_count 1');
    await recommender.stop();
  });

  it('leaves nothing behind when it ends', async () => {
    const { clock, recommender, pods, engine } = await running();
    await clock.advance(minute);
    await recommender.stop();
    expect(clock.pending).toBe(0);
    pods.set('shop/web-2', podOf('web-2'));
    await clock.advance(5 * minute);
    expect(engine.pods.has('shop/web-2')).toBe(false);
  });

  it('passes over ten thousand policies in slices, writing ten at a time', async () => {
    let turns = 0;
    const made = scene({
      turn: () => {
        turns += 1;
        return new Promise((resolve) => setImmediate(resolve));
      },
    });
    const { clock, policies, engine, pods, measure, recommender, writes } = made;
    pods.set('shop/web-1', podOf('web-1'));
    for (let index = 0; index < 10_000; index++) {
      const key = policies.add(policyNamed(`p${index}`));
      engine.recommendations.set(key, recommend({ app: [100, 100 * mi] }));
    }
    made.engine.engine.podCount = () => 1;
    recommender.start();
    await clock.advance(0);
    measure();
    await clock.advance(0);
    await recommender.passNow();
    expect(writes.patches).toHaveLength(10_000);
    expect(writes.most).toBe(10);
    expect(turns).toBeGreaterThan(10_000 / 256);
    writes.patches.length = 0;
    await recommender.passNow();
    expect(writes.patches).toHaveLength(0);
    await recommender.stop();
  });
});
