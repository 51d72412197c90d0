import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { defaultHpaConfig } from '../config.ts';
import { FakeCluster } from './cluster.fixture.ts';
import { recommend, scaleOfWorkload, type RecommendInput } from './recommend.ts';

function hpa(name: string, spec: object): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'shop' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 10, ...spec },
  };
}

function run(cluster: FakeCluster, policies: readonly KubeObject[]) {
  return recommendations(cluster, policies).map(({ decision }) => decision);
}

function recommendations(cluster: FakeCluster, policies: readonly KubeObject[], parts: Partial<RecommendInput> = {}) {
  return recommend({
    policies,
    scaleOf: ({ name }) => {
      const target = cluster.targets.get(name);
      if (target === undefined) return `Deployment shop/${name} does not exist`;
      return { specReplicas: target.replicas, statusReplicas: target.replicas, selector: target.selector };
    },
    pods: cluster.view(),
    view: cluster.metrics(),
    now: cluster.clock.now(),
    config: { ...defaultHpaConfig, dryRun: true },
    ...parts,
  });
}

describe('recommend', () => {
  it('decides for policies and native objects alike and writes nothing', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.addTarget('native', 6);
    cluster.load.set('web', 1350);
    cluster.load.set('native', 100);
    cluster.setPolicy('web', {});
    const decisions = run(cluster, [cluster.policies.get('shop/web')!, hpa('native', {})]);
    expect(decisions.map(({ from, to, wanted }) => ({ from, to, wanted }))).toEqual([
      { from: 4, to: 7, wanted: 7 },
      // Without a history nothing of the past holds the shrink; native objects have no cooldown.
      { from: 6, to: 1, wanted: 1 },
    ]);
    expect(cluster.statusPatches).toEqual([]);
    expect(cluster.targets.get('web')?.replicas).toBe(4);
  });

  it('says why there is no decision', () => {
    const cluster = new FakeCluster();
    const decisions = run(cluster, [hpa('gone', {}), hpa('bad', { maxReplicas: 0 })]);
    expect(decisions.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'FailedGetScale: not evaluated: Deployment shop/gone does not exist',
      'InvalidPolicy: not evaluated: HorizontalPodAutoscaler shop/bad: spec.maxReplicas: 0 is too small; the least is 1',
    ]);
  });

  it('sees two on one target', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', {});
    const decisions = run(cluster, [cluster.policies.get('shop/web')!, hpa('web', {})]);
    expect(decisions.map(({ to, reason }) => ({ to, reason }))).toEqual([
      { to: 4, reason: 'Conflict' },
      { to: 4, reason: 'Conflict' },
    ]);
  });

  it('keeps a cooldown that status tells of', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', {});
    const raw = { ...cluster.policies.get('shop/web')!, status: { lastScaleUpTime: '2026-01-01T11:58:00Z' } };
    expect(run(cluster, [raw])[0]).toMatchObject({
      to: 4,
      reason: 'CoolingDown',
      holds: [{ by: 'cooldown', until: cluster.clock.now() + 60_000 }],
    });
  });

  it('counts the failures that status tells of, so that a fallback stands in', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.source = { healthy: false, reason: 'source-unavailable', detail: 'away', since: 0, lastSuccess: undefined };
    cluster.setPolicy('web', { fallback: { failureThreshold: 3, replicas: 6 } });
    const raw = cluster.policies.get('shop/web')!;
    expect(run(cluster, [raw])[0]).toMatchObject({ to: 4, wanted: null });
    const failing = {
      ...raw,
      status: { failingMetrics: [{ index: 0, metric: 'Resource cpu', failures: 2, since: '2026-01-01T11:59:00Z' }] },
    };
    expect(run(cluster, [failing])[0]).toMatchObject({ to: 6, wanted: 6 });
  });

  it('hears the annotations of a policy', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', {}, { annotations: { 'concertina.dev/paused': 'out' } });
    expect(run(cluster, [cluster.policies.get('shop/web')!])[0]).toMatchObject({ to: 4, wanted: 7, reason: 'Paused' });
  });

  it('knows a take-over from a conflict', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', {}, { annotations: { 'concertina.dev/transfer-from': 'HorizontalPodAutoscaler/old' } });
    const old = hpa('old', { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } });
    expect(run(cluster, [cluster.policies.get('shop/web')!, old])[0]?.holds).toEqual([
      {
        by: 'conflict',
        message:
          'HorizontalPodAutoscaler shop/old still scales Deployment shop/web; it is deleted as soon as this policy can decide, and this policy acts then',
      },
    ]);
  });

  it('sees policies that select the same pods, each kind among its own', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 2, { app: 'web' });
    cluster.addTarget('canary', 2, { app: 'web', track: 'canary' });
    for (const name of ['web', 'canary']) cluster.setPolicy(name, {});
    const policies = [...cluster.policies.values()];
    expect(run(cluster, policies).map(({ subject, reason }) => [subject.name, reason])).toEqual([
      ['web', 'AmbiguousSelector'],
      ['canary', 'AmbiguousSelector'],
    ]);
    expect(run(cluster, policies)[0]?.message).toContain('are selected by HorizontalPolicy shop/canary too');
    cluster.setPolicy('canary', { mode: 'DryRun' });
    expect(run(cluster, [...cluster.policies.values()])[0]?.reason, 'a policy that does not act stands in nobody’s way').not.toBe(
      'AmbiguousSelector',
    );
    const natives = run(cluster, [policies[0]!, hpa('canary', {})]);
    expect(natives.map(({ reason }) => reason)).not.toContain('AmbiguousSelector');
  });

  it('leaves out pods of others where the owners are known', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', {});
    const raw = cluster.policies.get('shop/web')!;
    const [known] = recommendations(cluster, [raw], { controllerOf: () => 'none' });
    // The pods of the fake cluster belong to nobody.
    expect(known?.evaluated?.input).toMatchObject({ pods: [], selection: { foreign: expect.any(Array) as unknown } });
    expect(known?.evaluated?.input.selection?.foreign).toHaveLength(4);
    expect(recommendations(cluster, [raw])[0]?.evaluated?.input.selection).toBeUndefined();
  });

  it('does not shrink once more on samples that begin before the last scaling', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 100);
    cluster.setPolicy('web', { cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } });
    const raw = cluster.policies.get('shop/web')!;
    expect(run(cluster, [raw])[0]).toMatchObject({ to: 1 });
    const scaled = { ...raw, status: { lastScaleDownTime: '2026-01-01T11:59:55Z' } };
    expect(run(cluster, [scaled])[0]).toMatchObject({ to: 4, reason: 'MissingData' });
  });

  it('hands over what each metric was, and which one wins', () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    const cpu = (averageUtilization: number) => ({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
    });
    const external = { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '1' } } };
    cluster.setPolicy('web', { metrics: [cpu(200), cpu(80), cpu(80), external] });
    const [only] = recommendations(cluster, [cluster.policies.get('shop/web')!]);
    expect(only?.evaluated?.metrics.map(({ name, outcome, wins, query }) => [name, outcome?.ok, wins, query?.kind])).toEqual([
      ['cpu', true, false, undefined],
      ['cpu', true, true, undefined],
      ['cpu', true, false, undefined],
      ['queue', false, false, 'external'],
    ]);
    cluster.targets.get('web')!.replicas = 12;
    const [above] = recommendations(cluster, [cluster.policies.get('shop/web')!]);
    expect(
      above?.evaluated?.metrics.map(({ outcome }) => outcome),
      'metrics are not read out of bounds',
    ).toEqual(Array(4).fill(undefined));
  });

  it('decides as the controller does that sees the same for the first time', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('grows', 4);
    cluster.load.set('grows', 1350);
    cluster.setPolicy('grows', {});
    cluster.addTarget('paused', 4);
    cluster.load.set('paused', 1350);
    cluster.setPolicy('paused', {}, { annotations: { 'concertina.dev/paused-replicas': '2' } });
    cluster.addTarget('above', 12);
    cluster.setPolicy('above', {});
    cluster.addTarget('dry', 4);
    cluster.load.set('dry', 1350);
    cluster.setPolicy('dry', { mode: 'DryRun' });
    const policies = [...cluster.policies.values()];
    const told = run(cluster, policies).map(({ subject, from, to, wanted, reason }) => ({ name: subject.name, from, to, wanted, reason }));
    const controller = cluster.controller();
    controller.start();
    await cluster.clock.advance(0);
    const acted = controller.decisions().map(({ subject, from, to, wanted, reason }) => ({ name: subject.name, from, to, wanted, reason }));
    await controller.stop();
    const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
    expect(told.toSorted(byName)).toEqual(acted.toSorted(byName));
  });

  it('takes a scale out of a workload record', () => {
    const workload = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      uid: '',
      labels: {},
      specReplicas: 3,
      statusReplicas: 2,
      readyReplicas: 2,
      updatedReplicas: 2,
      generation: 1,
      observedGeneration: 1,
      shape: undefined,
      templateLabels: {},
      owner: undefined,
      paused: false,
      created: undefined,
      deleted: undefined,
      selector: { matchesNothing: false, requirements: [{ key: 'app', operator: '=' as const, values: ['web'] }] },
    };
    expect(scaleOfWorkload(workload)).toEqual({ specReplicas: 3, statusReplicas: 2, selector: 'app=web' });
    expect(scaleOfWorkload({ ...workload, kind: 'DaemonSet', specReplicas: undefined })).toContain('has no scale subresource');
  });
});
