import { describe, expect, it } from 'vitest';
import { formatSelector } from '../../core/model/selector.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { silentLogger } from '../../core/runtime/logging.ts';
import { settleMacrotasks, VirtualClock } from '../../core/runtime/clock.ts';
import { bookOf } from '../policy.fixture.ts';
import type { TargetResolution } from '../ports.ts';
import { createTargetResolver } from './target-resolver.ts';
import {
  argoAnswers,
  fakeMirrors,
  fakeReads,
  knownPolicy,
  ownerOf,
  policyFor,
  rolloutsPath,
  scaleOf,
  type Answers,
} from './targets.fixture.ts';

const deployment = ownerOf('apps/v1', 'Deployment', 'web');
const replicaSet = ownerOf('apps/v1', 'ReplicaSet', 'web-1');
const rollout = ownerOf('argoproj.io/v1alpha1', 'Rollout', 'web');
const node = ownerOf('v1', 'Node', 'node-1');

function scene(answers: Answers = argoAnswers(), maxScales?: number) {
  const clock = new VirtualClock();
  const mirrors = fakeMirrors();
  const reads = fakeReads(answers);
  const resolver = createTargetResolver({
    client: reads.client,
    workloads: mirrors.sources,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    maxScales,
  });
  const rollouts = policyFor('Rollout', 'web', {}, 'argoproj.io/v1alpha1');
  return { clock, mirrors, reads, resolver, rollouts };
}

function shown(resolution: TargetResolution): string {
  if (resolution.state === 'known') return formatSelector(resolution.selector) ?? 'nothing';
  return resolution.state === 'unsupported' ? resolution.message : resolution.state;
}

describe('the target of a policy', () => {
  it('is known from the mirror', () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web');
    expect(resolver.resolve(policyFor('Deployment', 'web'))).toMatchObject({
      state: 'known',
      workload: { reference: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }, replicas: 1 },
    });
  });

  it('is a well-known kind whatever the version, but not one of a group of others', () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web');
    expect(shown(resolver.resolve(policyFor('Deployment', 'web', {}, 'extensions/v1beta1')))).toBe('app=web');
    expect(shown(resolver.resolve(policyFor('Deployment', 'web', {}, '')))).toBe('app=web');
    expect(shown(resolver.resolve(policyFor('Deployment', 'web', {}, 'apps.example.com/v1')))).toBe('pending');
  });

  it('is asked for behind when it is another kind, once, and then known', async () => {
    const { reads, resolver, rollouts } = scene();
    let resolved = 0;
    resolver.onResolved(() => (resolved += 1));
    expect(resolver.resolve(rollouts)).toEqual({ state: 'pending' });
    expect(resolver.resolve(rollouts)).toEqual({ state: 'pending' });
    await settleMacrotasks();
    expect(resolved).toBe(1);
    expect(resolver.resolve(rollouts)).toMatchObject({ state: 'known', workload: { replicas: 3, templateContainers: undefined } });
    expect(reads.paths.filter((path) => path.endsWith('/scale'))).toHaveLength(1);
  });

  it.each([
    ['kind without scale', 'Workflow', 'argoproj.io/v1alpha1', 'has no scale subresource'],
    ['unknown kind', 'Roll', 'argoproj.io/v1alpha1', 'is not known to the API server'],
    ['unknown object', 'Rollout', 'argoproj.io/v1alpha1', 'Rollout shop/other does not exist'],
    ['no apiVersion', 'Rollout', '', 'without apiVersion'],
    ['odd apiVersion', 'Rollout', '../../secrets', 'is not GROUP/VERSION'],
  ])('says what to do: %s', async (_, kind, apiVersion, message) => {
    const { reads, resolver } = scene();
    const policy = policyFor(kind, 'other', {}, apiVersion);
    resolver.resolve(policy);
    await settleMacrotasks();
    expect(resolver.resolve(policy)).toMatchObject({ state: 'unsupported', message: expect.stringContaining(message) as string });
    expect(reads.paths.some((path) => path.includes('..'))).toBe(false);
  });

  it('is another version of the kind when the named one does not have it', async () => {
    const { resolver } = scene();
    const policy = policyFor('Rollout', 'web', {}, 'argoproj.io/v1');
    resolver.resolve(policy);
    await settleMacrotasks();
    expect(shown(resolver.resolve(policy))).toBe('app=web');
  });

  it('must have a selector', async () => {
    const answers = argoAnswers();
    answers.set(`${rolloutsPath}/namespaces/shop/rollouts/web/scale`, scaleOf(''));
    const { mirrors, resolver, rollouts } = scene(answers);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    expect(shown(resolver.resolve(rollouts))).toContain('has no selector');
    mirrors.put('CronJob', 'nightly', { spec: { jobTemplate: { spec: { template: {} } } } });
    expect(shown(resolver.resolve(policyFor('CronJob', 'nightly', {}, 'batch/v1')))).toContain('gives its pods no labels');
    expect(shown(resolver.resolve(policyFor('Deployment', 'web', { target: undefined })))).toContain('spec.targetRef is missing');
  });

  it('must be the topmost controller', async () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web', { owner: rollout });
    mirrors.put('ReplicaSet', 'web-1', { owner: deployment });
    const policy = policyFor('ReplicaSet', 'web-1');
    expect(shown(resolver.resolve(policy))).toBe('pending');
    await settleMacrotasks();
    expect(shown(resolver.resolve(policy))).toBe(
      'spec.targetRef names ReplicaSet shop/web-1, which is controlled by Rollout shop/web; name the topmost controller instead: kind Rollout, apiVersion argoproj.io/v1alpha1, name web',
    );
    mirrors.put('StatefulSet', 'db', { owner: ownerOf('argoproj.io/v1alpha1', 'Workflow', 'made-it') });
    const owned = policyFor('StatefulSet', 'db');
    resolver.resolve(owned);
    await settleMacrotasks();
    expect(shown(resolver.resolve(owned))).toBe('app=db');
  });

  it('is waited for a moment before it is said to be missing', async () => {
    const { clock, mirrors, resolver } = scene();
    const policy = policyFor('Deployment', 'web');
    expect(shown(resolver.resolve(policy))).toBe('pending');
    await clock.advance(11_000);
    expect(shown(resolver.resolve(policy))).toContain('Deployment shop/web, which does not exist');
    mirrors.put('Deployment', 'web');
    expect(shown(resolver.resolve(policy))).toBe('app=web');
  });

  it('is pending, not missing, while the mirror is not complete', async () => {
    const { clock, mirrors, resolver } = scene();
    mirrors.sources.Deployment.synced = false;
    resolver.resolve(policyFor('Deployment', 'web'));
    await clock.advance(60_000);
    expect(shown(resolver.resolve(policyFor('Deployment', 'web')))).toBe('pending');
  });
});

describe('a scale that was looked up', () => {
  const scalePath = `${rolloutsPath}/namespaces/shop/rollouts/web/scale`;

  it('is renewed behind after some ten minutes, and follows what has changed', async () => {
    const answers = argoAnswers();
    const { clock, resolver, rollouts } = scene(answers);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    answers.set(scalePath, scaleOf('app=other'));
    await clock.advance(7 * 60_000);
    expect(shown(resolver.resolve(rollouts))).toBe('app=web');
    await clock.advance(6 * 60_000);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    expect(shown(resolver.resolve(rollouts))).toBe('app=other');
  });

  it('stands in for failures, but not for ever', async () => {
    const answers = argoAnswers();
    const { clock, resolver, rollouts } = scene(answers);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    answers.set(scalePath, 503);
    for (let minute = 0; minute < 55; minute++) {
      await clock.advance(60_000);
      expect(shown(resolver.resolve(rollouts))).toBe('app=web');
    }
    for (let minute = 0; minute < 30; minute++) {
      await clock.advance(60_000);
      resolver.resolve(rollouts);
    }
    await settleMacrotasks();
    expect(shown(resolver.resolve(rollouts))).toContain('cannot be read');
  });

  it('is asked for again after a minute when it failed or was not there, later each time', async () => {
    const answers = argoAnswers();
    answers.set(scalePath, 500);
    const { clock, reads, resolver, rollouts } = scene(answers);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    expect(shown(resolver.resolve(rollouts))).toBe('pending');
    const asked = (): number => reads.paths.filter((path) => path === scalePath).length;
    expect(asked()).toBe(1);
    for (let second = 0; second < 600; second += 10) {
      await clock.advance(10_000);
      resolver.resolve(rollouts);
    }
    expect(asked()).toBeGreaterThanOrEqual(3);
    expect(asked()).toBeLessThanOrEqual(5);
    expect(shown(resolver.resolve(rollouts))).toContain('cannot be read');
    answers.set(scalePath, scaleOf('app=web'));
    await clock.advance(13 * 60_000);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    expect(shown(resolver.resolve(rollouts))).toBe('app=web');
  });

  it('may not be read: that is said at once', async () => {
    const answers = argoAnswers();
    answers.set(scalePath, 403);
    const { resolver, rollouts } = scene(answers);
    resolver.resolve(rollouts);
    await settleMacrotasks();
    expect(shown(resolver.resolve(rollouts))).toContain('grant the verb get');
  });

  it('is one of at most eight that are looked up at once, and of a bounded number that are held', async () => {
    const answers = argoAnswers();
    for (let index = 0; index < 40; index++)
      answers.set(`${rolloutsPath}/namespaces/shop/rollouts/r${index}/scale`, scaleOf(`app=r${index}`));
    const { reads, resolver } = scene(answers, 20);
    const policies = Array.from({ length: 40 }, (_, index) => policyFor('Rollout', `r${index}`, {}, 'argoproj.io/v1alpha1'));
    for (const policy of policies) resolver.resolve(policy);
    await settleMacrotasks();
    expect(reads.most).toBeGreaterThan(1);
    expect(reads.most).toBeLessThanOrEqual(8);
    // The first ones were pushed out; they are asked for again when they are wanted.
    expect(shown(resolver.resolve(policies[39] ?? policyFor('', '')))).toBe('app=r39');
    expect(shown(resolver.resolve(policies[0] ?? policyFor('', '')))).toBe('pending');
    await settleMacrotasks();
    expect(shown(resolver.resolve(policies[0] ?? policyFor('', '')))).toBe('app=r0');
  });
});

describe('the topmost controller of a pod', () => {
  it('is found through the mirrors', () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web');
    mirrors.put('ReplicaSet', 'web-1', { owner: deployment });
    expect(resolver.topmost('shop', replicaSet)).toEqual({ state: 'known', owner: deployment });
    expect(resolver.topmost('shop', undefined)).toEqual({ state: 'none' });
    expect(resolver.topmost('shop', node)).toEqual({ state: 'none' });
  });

  it('is the CronJob of a run, and a bare Job itself', () => {
    const { mirrors, resolver } = scene();
    const cron = ownerOf('batch/v1', 'CronJob', 'nightly');
    mirrors.put('CronJob', 'nightly');
    mirrors.put('Job', 'nightly-1', { owner: cron });
    mirrors.put('Job', 'once');
    expect(resolver.topmost('shop', ownerOf('batch/v1', 'Job', 'nightly-1'))).toEqual({ state: 'known', owner: cron });
    expect(resolver.topmost('shop', ownerOf('batch/v1', 'Job', 'once'))).toMatchObject({ owner: { kind: 'Job', name: 'once' } });
  });

  it('is below the first owner that cannot be scaled', async () => {
    const { mirrors, resolver } = scene();
    const workflow = ownerOf('argoproj.io/v1alpha1', 'Workflow', 'build');
    mirrors.put('Job', 'step', { owner: workflow });
    const job = ownerOf('batch/v1', 'Job', 'step');
    expect(resolver.topmost('shop', job)).toEqual({ state: 'pending' });
    expect(resolver.topmost('shop', workflow)).toEqual({ state: 'pending' });
    await settleMacrotasks();
    expect(resolver.topmost('shop', job)).toEqual({ state: 'known', owner: job });
    expect(resolver.topmost('shop', workflow)).toEqual({ state: 'none' });
  });

  it('is not there in a circle', () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'a', { owner: ownerOf('apps/v1', 'Deployment', 'b') });
    mirrors.put('Deployment', 'b', { owner: ownerOf('apps/v1', 'Deployment', 'a') });
    expect(resolver.topmost('shop', ownerOf('apps/v1', 'Deployment', 'a'))).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('form a circle') as string,
    });
  });

  it('is waited for until it arrives', async () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web');
    const found = resolver.topmostOf('shop', replicaSet, new AbortController().signal);
    await settleMacrotasks();
    mirrors.put('ReplicaSet', 'web-1', { owner: deployment });
    expect(await found).toEqual({ state: 'known', owner: deployment });
  });

  it('is waited for no longer than the signal says, or the mirror needs', async () => {
    const { clock, mirrors, resolver } = scene();
    const abort = new AbortController();
    const given = resolver.topmostOf('shop', replicaSet, abort.signal);
    const other = resolver.topmostOf('shop', ownerOf('apps/v1', 'ReplicaSet', 'gone'), new AbortController().signal);
    await settleMacrotasks();
    abort.abort();
    expect(await given).toEqual({ state: 'pending' });
    mirrors.put('ReplicaSet', 'web-1');
    await clock.advance(20_000);
    expect(await other).toMatchObject({ state: 'failed', message: expect.stringContaining('does not exist any more') as string });
    expect(clock.pending).toBe(0);
  });
});

describe('the policy that controls a pod', () => {
  const pod = { namespace: 'shop', labels: { app: 'web' }, topmost: deployment };
  const named = (name: string, facts: Parameters<typeof policyFor>[2] = {}) => {
    const policy = policyFor('Deployment', 'web', facts);
    return knownPolicy({
      ...policy,
      reference: { ...policy.reference, name, kind: facts.native === true ? 'VerticalPodAutoscaler' : 'VerticalPolicy' },
    });
  };

  it('is the earliest, then the one with the smallest name, a VerticalPolicy before a native object', () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web');
    const choose = (...known: ReturnType<typeof named>[]) => resolver.controlling(pod, bookOf(...known))?.key;
    expect(choose(named('b', { created: 5 }), named('c', { created: 4 }))).toBe('VerticalPolicy/shop/c');
    expect(choose(named('b'), named('a'))).toBe('VerticalPolicy/shop/a');
    expect(choose(named('a', { native: true }), named('a'))).toBe('VerticalPolicy/shop/a');
    expect(choose(named('b'), named('a', { native: true }))).toBe('VerticalPodAutoscaler/shop/a');
  });

  it('is none whose selector does not match, or whose target is not the topmost one', () => {
    const { mirrors, resolver } = scene();
    mirrors.put('Deployment', 'web');
    expect(resolver.controlling({ ...pod, labels: { app: 'other' } }, bookOf(named('a')))).toBeUndefined();
    expect(resolver.controlling({ ...pod, topmost: ownerOf('apps/v1', 'Deployment', 'other') }, bookOf(named('a')))).toBeUndefined();
  });
});
