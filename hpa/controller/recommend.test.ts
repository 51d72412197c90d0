import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { defaultHpaConfig } from '../config.ts';
import { FakeCluster } from './cluster.fixture.ts';
import { recommend, scaleOfWorkload } from './recommend.ts';

function hpa(name: string, spec: object): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'shop' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 10, ...spec },
  };
}

function run(cluster: FakeCluster, policies: readonly KubeObject[]) {
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
