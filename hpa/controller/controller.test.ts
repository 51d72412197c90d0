import { describe, expect, it } from 'vitest';
import { FakeCluster } from './cluster.fixture.ts';

/** The period and the second by which a timer lets a new view come first. */
const period = 16_000;

async function started(cluster: FakeCluster, config: Parameters<FakeCluster['controller']>[0] = {}) {
  const controller = cluster.controller(config);
  controller.start();
  await cluster.clock.advance(0);
  return controller;
}

describe('the replicas controller', () => {
  it('scales a Deployment, says so everywhere, and keeps the cooldown', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    const controller = await started(cluster);

    expect(target.replicas).toBe(6);
    expect(cluster.decisions[0]).toMatchObject({ from: 3, to: 6, wanted: 7, reason: 'ScaleUpLimit' });
    expect(cluster.events).toEqual([
      {
        policy: 'web',
        type: 'Normal',
        reason: 'SuccessfulRescale',
        message: 'New size: 6; reason: cpu resource utilization (percentage of request) above target',
      },
    ]);
    expect(cluster.status('web')).toMatchObject({
      observedGeneration: 1,
      currentReplicas: 3,
      desiredReplicas: 6,
      targets: 'cpu 186%/80%',
      lastScaleTime: '2026-01-01T12:00:00Z',
      lastScaleUpTime: '2026-01-01T12:00:00Z',
      lastDecision: { from: 3, to: 6, wanted: 7, reason: 'ScaleUpLimit', at: '2026-01-01T12:00:00Z' },
    });
    expect(cluster.condition('web', 'Accepted')).toBe('True/PolicyAccepted');
    expect(cluster.condition('web', 'AbleToScale')).toBe('True/SucceededRescale');
    expect(cluster.condition('web', 'CoolingDown')).toBe('True/RecentlyScaled');

    await cluster.clock.advance(179_999);
    expect(target.replicas).toBe(6);
    expect(cluster.condition('web', 'Held')).toBe('True/CoolingDown');
    await cluster.clock.advance(1);
    expect(target.replicas).toBe(10);
    await controller.stop();
  });

  it('remembers the cooldown over a restart from status', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    const first = await started(cluster);
    await first.stop();
    await cluster.clock.advance(60_000);

    const second = await started(cluster);
    expect(cluster.decisions.at(-1)).toMatchObject({ from: 6, to: 6, reason: 'CoolingDown' });
    await cluster.clock.advance(119_999);
    expect(target.replicas).toBe(6);
    await cluster.clock.advance(1);
    expect(target.replicas).toBe(10);
    await second.stop();
  });

  it('writes a status only when something changed', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 3);
    cluster.load.set('web', 800);
    cluster.setPolicy('web', {});
    const controller = await started(cluster);
    expect(cluster.statusPatches).toHaveLength(1);
    await cluster.clock.advance(10 * period);
    expect(cluster.decisions.length).toBeGreaterThan(9);
    expect(cluster.statusPatches).toHaveLength(1);
    await controller.stop();
  });

  it('evaluates a changed policy at once, and nothing else', async () => {
    const cluster = new FakeCluster();
    for (const name of ['a', 'b']) {
      cluster.addTarget(name, 3);
      cluster.load.set(name, 800);
      cluster.setPolicy(name, {});
    }
    const controller = await started(cluster);
    expect(cluster.decisions).toHaveLength(2);
    cluster.setPolicy('a', { minReplicas: 4 });
    await cluster.clock.advance(0);
    expect(cluster.decisions.map(({ subject, to }) => `${subject.name} ${to}`)).toEqual(['a 3', 'b 3', 'a 4']);
    await controller.stop();
  });

  it('falls in with the arrival of new views and evaluates once for each', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 3);
    cluster.load.set('web', 800);
    cluster.setPolicy('web', {});
    const controller = await started(cluster);
    const at: number[] = [];
    controller.onDecision((decision) => at.push((decision.at - Date.UTC(2026, 0, 1, 12)) / 1000));
    for (let second = 1; second <= 120; second += 1) {
      await cluster.clock.advance(1000);
      if (second % 15 === 4) controller.metricsChanged({ usage: true, queries: new Set() });
      await cluster.clock.advance(0);
    }
    expect(at).toEqual([4, 19, 34, 49, 64, 79, 94, 109]);
    await controller.stop();
  });

  it('retries a conflicting write with a fresh look, and decides anew', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    cluster.conflicts = [
      () => {
        target.version += 1;
      },
      () => {
        target.version += 1;
        target.replicas = 5;
      },
    ];
    const controller = await started(cluster);
    await cluster.clock.advance(1000);
    expect(target.replicas).toBe(7);
    expect(cluster.decisions).toHaveLength(1);
    // Decided from the 5 that somebody else set, with the 3 pods that were measured.
    expect(cluster.decisions[0]).toMatchObject({ from: 5, to: 7, wanted: 7 });
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['SuccessfulRescale']);
    await controller.stop();
  });

  it('gives up after five conflicts and says what failed', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    cluster.conflicts = Array.from({ length: 5 }, () => () => {
      target.version += 1;
    });
    const controller = await started(cluster);
    await cluster.clock.advance(2000);
    expect(target.replicas).toBe(3);
    expect(cluster.condition('web', 'AbleToScale')).toBe('False/FailedUpdateScale');
    expect(cluster.decisions[0]).toMatchObject({ from: 3, to: 3, reason: 'FailedUpdateScale' });
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['FailedRescale']);
    expect(cluster.status('web').lastScaleUpTime).toBeUndefined();
    // No cooldown was begun by a scaling that did not happen.
    await cluster.clock.advance(period);
    expect(target.replicas).toBe(6);
    await controller.stop();
  });

  it('writes nothing when fenced', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    cluster.fencedBy = 'the lease is not held';
    const controller = await started(cluster);
    expect(target.replicas).toBe(3);
    expect(cluster.decisions[0]).toMatchObject({ to: 3, reason: 'NotLeader', holds: [{ by: 'rate-limit' }, { by: 'not-leader' }] });
    expect(cluster.events).toEqual([]);
    cluster.fencedBy = undefined;
    await cluster.clock.advance(period);
    expect(target.replicas).toBe(6);
    await controller.stop();
  });

  it('dry run decides and touches nothing', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    const controller = await started(cluster, { dryRun: true });
    expect(target.replicas).toBe(3);
    expect(cluster.statusPatches).toEqual([]);
    expect(cluster.events).toEqual([]);
    expect(cluster.decisions[0]).toMatchObject({ to: 3, wanted: 7, reason: 'DryRun' });
    await controller.stop();
  });
});

describe('bad input', () => {
  it.each([
    ['min above max', { minReplicas: 20 }, 'Accepted', 'False/InvalidPolicy', 'spec.maxReplicas: 10 is less than minReplicas 20'],
    ['an unknown metric', { metrics: [{ type: 'Disk' }] }, 'Accepted', 'False/InvalidPolicy', 'spec.metrics[0].type: "Disk" is not one of'],
    [
      'a resource that nobody measures',
      { metrics: [{ type: 'Resource', resource: { name: 'storage', target: { type: 'AverageValue', averageValue: '1Gi' } } }] },
      'Accepted',
      'False/NotSupportedYet',
      'spec.metrics[0].resource.name',
    ],
    [
      'a target that does not exist',
      { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nope' } },
      'AbleToScale',
      'False/FailedGetScale',
      'Deployment shop/nope does not exist; create it or correct spec.scaleTargetRef.name',
    ],
    [
      'a kind without scale',
      { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web' } },
      'AbleToScale',
      'False/FailedGetScale',
      'spec.scaleTargetRef names kind DaemonSet of apps/v1, which has no scale subresource',
    ],
    [
      'a kind that nobody knows',
      { scaleTargetRef: { apiVersion: 'example.dev/v1', kind: 'Widget', name: 'web' } },
      'AbleToScale',
      'False/FailedGetScale',
      'spec.scaleTargetRef names kind Widget of example.dev/v1, which the API server does not know',
    ],
    [
      'a broken apiVersion',
      { scaleTargetRef: { apiVersion: 'a/b/c', kind: 'Deployment', name: 'web' } },
      'AbleToScale',
      'False/FailedGetScale',
      'spec.scaleTargetRef.apiVersion "a/b/c" is not GROUP/VERSION',
    ],
  ])('%s is said in one condition and disturbs nobody', async (...[, spec, type, expected, text]) => {
    const cluster = new FakeCluster();
    const bad = cluster.addTarget('web', 3);
    const good = cluster.addTarget('good', 3);
    cluster.load.set('web', 1860);
    cluster.load.set('good', 1860);
    cluster.setPolicy('web', spec);
    cluster.setPolicy('good', {});
    const controller = await started(cluster);
    await cluster.clock.advance(4 * period);
    expect(cluster.condition('web', type)).toBe(expected);
    expect(cluster.status('web').conditions.find((each) => each.type === type)?.message).toContain(text);
    expect(cluster.status('web').lastDecision.message).toContain(text);
    expect(bad.replicas).toBe(3);
    expect(good.replicas).toBe(6);
    // Said once, not every period.
    expect(cluster.events.filter(({ policy }) => policy === 'web')).toHaveLength(1);
    expect(cluster.statusPatches.filter(({ name }) => name === 'web')).toHaveLength(1);
    await controller.stop();
  });

  it('recovers when the policy is corrected', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', { minReplicas: 20 });
    const controller = await started(cluster);
    cluster.setPolicy('web', { minReplicas: 2 });
    await cluster.clock.advance(0);
    expect(cluster.condition('web', 'Accepted')).toBe('True/PolicyAccepted');
    expect(target.replicas).toBe(6);
    await controller.stop();
  });

  it('a crash in one evaluation leaves the others alone', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 3);
    const good = cluster.addTarget('good', 3);
    cluster.load.set('good', 1860);
    cluster.setPolicy('web', {});
    cluster.setPolicy('good', {});
    const controller = cluster.controller();
    controller.onDecision(() => {
      throw new Error('a listener broke');
    });
    Object.defineProperty(cluster.policies.get('shop/web')?.spec, 'maxReplicas', {
      get: () => {
        throw new Error('impossible object');
      },
    });
    controller.start();
    await cluster.clock.advance(0);
    expect(good.replicas).toBe(6);
    expect(cluster.logger.lines.some(({ level, fields }) => level === 'error' && fields['policy'] === 'shop/web')).toBe(true);
    await controller.stop();
  });
});

describe('unknown data', () => {
  it('never shrinks while metrics are gone, and shows since when', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 6);
    cluster.setPolicy('web', {});
    cluster.source = { healthy: false, reason: 'source-unavailable', detail: '503', since: cluster.clock.now(), lastSuccess: undefined };
    const controller = await started(cluster);
    await cluster.clock.advance(40 * period);
    expect(target.replicas).toBe(6);
    expect(cluster.condition('web', 'ScalingActive')).toBe('False/FailedGetResourceMetric');
    expect(cluster.condition('web', 'Held')).toBe('True/MissingData');
    expect(cluster.status('web').lastDecision.message).toContain('source-unavailable, since 12:00:00');
    await controller.stop();
  });

  it('shrinks no sooner than the window and the cooldown allow', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 6);
    cluster.load.set('web', 10);
    cluster.setPolicy('web', {});
    const controller = await started(cluster);
    await cluster.clock.advance(299_000);
    expect(target.replicas).toBe(6);
    await cluster.clock.advance(2 * period);
    expect(target.replicas).toBe(1);
    await controller.stop();
  });
});

describe('two on one target', () => {
  it('two policies on one target both hold', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('web', {});
    cluster.setPolicy('web2', { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 5 });
    const controller = await started(cluster);
    await cluster.clock.advance(3 * period);
    expect(target.replicas).toBe(3);
    expect(cluster.condition('web', 'Held')).toBe('True/Conflict');
    expect(cluster.status('web2').lastDecision.message).toContain('HorizontalPolicy shop/web scales Deployment shop/web too');
    await controller.stop();
  });

  it("a policy that only watches stands in nobody's way", async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setPolicy('watch', { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, mode: 'DryRun' });
    cluster.setPolicy('web', {});
    const controller = await started(cluster);
    expect(target.replicas).toBe(6);
    expect(cluster.decisions.find(({ subject }) => subject.name === 'watch')).toMatchObject({ wanted: 7, reason: 'DryRun' });
    await controller.stop();
  });

  it('a native HorizontalPodAutoscaler on the target holds the policy', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.nativeHpas.set('shop/old', {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'old', namespace: 'shop' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5 },
    });
    cluster.setPolicy('web', {});
    const controller = await started(cluster);
    expect(target.replicas).toBe(3);
    expect(cluster.decisions[0]?.message).toContain('HorizontalPodAutoscaler shop/old scales Deployment shop/web too');
    await controller.stop();
  });

  it('overlapping selectors of different targets stop both', async () => {
    const cluster = new FakeCluster();
    const a = cluster.addTarget('a', 3, { app: 'shared' });
    const b = cluster.addTarget('b', 3, { app: 'shared' });
    cluster.load.set('a', 1860);
    cluster.load.set('b', 1860);
    cluster.setPolicy('a', {});
    const controller = await started(cluster);
    // As upstream, the first may act once before the second is known.
    expect(a.replicas).toBeGreaterThan(3);
    cluster.setPolicy('b', {});
    await cluster.clock.advance(2 * period);
    expect(b.replicas).toBe(3);
    expect(cluster.condition('a', 'ScalingActive')).toBe('False/AmbiguousSelector');
    expect(cluster.condition('b', 'ScalingActive')).toBe('False/AmbiguousSelector');
    cluster.deletePolicy('b');
    await cluster.clock.advance(period);
    expect(cluster.condition('a', 'ScalingActive')).toBe('True/ValidMetricFound');
    await controller.stop();
  });
});

describe('what others are told', () => {
  it('what pods will ask for while there are none', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 0);
    cluster.setPolicy('web', {}, {});
    const controller = await started(cluster);
    expect(controller.intents()).toMatchObject([{ currentReplicas: 0, shape: { requests: { cpu: 1000, memory: 2 ** 30 * 1000 } } }]);
    await controller.stop();
  });

  it.each(['DryRun', 'Paused'])('no replicas that mode %s will not set', async (mode) => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', { mode }, {});
    const controller = await started(cluster);
    expect(controller.intents()).toMatchObject([{ currentReplicas: 4, wantedReplicas: 4 }]);
    await controller.stop();
  });

  it('intents, claims and metrics', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 4);
    cluster.load.set('web', 1350);
    cluster.setPolicy('web', {}, {});
    const controller = await started(cluster);
    expect(controller.intents()).toMatchObject([{ target: { name: 'web' }, currentReplicas: 4, wantedReplicas: 7 }]);
    expect(controller.intents()[0]?.shape?.requests).toEqual({ cpu: 1000, memory: 2 ** 30 * 1000 });
    expect(controller.claims()).toMatchObject([{ controller: 'hpa', dimension: 'replicas', measures: 'cpu' }]);
    const text = await cluster.registry.metrics();
    expect(text).toContain('horizontal_pod_autoscaler_controller_reconciliations_total{action="scale_up",error="none"} 1');
    expect(text).toContain(
      'horizontal_pod_autoscaler_controller_metric_computation_total{action="scale_up",error="none",metric_type="Resource"} 1',
    );
    expect(text).toContain('horizontal_pod_autoscaler_controller_num_horizontal_pod_autoscalers 1');
    expect(text).toContain('horizontal_pod_autoscaler_controller_desired_replicas{namespace="shop",hpa_name="web"} 7');
    cluster.deletePolicy('web');
    expect(await cluster.registry.metrics()).not.toContain('hpa_name="web"');
    expect(controller.decisions()).toEqual([]);
    await controller.stop();
  });

  it('evaluateAll answers all decisions at once', async () => {
    const cluster = new FakeCluster();
    for (const name of ['b', 'a']) {
      cluster.addTarget(name, 3);
      cluster.load.set(name, 800);
      cluster.setPolicy(name, {});
    }
    const controller = await started(cluster);
    const decisions = await controller.evaluateAll();
    expect(decisions.map(({ subject }) => subject.name)).toEqual(['a', 'b']);
    await controller.stop();
  });

  it('leaves no timer behind', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 3);
    cluster.load.set('web', 800);
    cluster.setPolicy('web', {});
    const controller = await started(cluster);
    await controller.stop();
    expect(cluster.clock.pending).toBe(0);
  });
});
