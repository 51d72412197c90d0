import { describe, expect, it } from 'vitest';
import { ApiStatusError } from '../../core/kube/status-error.ts';
import { FakeCluster } from './cluster.fixture.ts';
import type { HpaController } from './controller.ts';

const period = 16_000;

async function started(cluster: FakeCluster, config: Parameters<FakeCluster['controller']>[0] = {}): Promise<HpaController> {
  const controller = cluster.controller(config);
  controller.start();
  await cluster.clock.advance(0);
  return controller;
}

const hpaStatus = (cluster: FakeCluster, name = 'web') => cluster.nativeHpas.get(`shop/${name}`)?.status as Record<string, unknown>;

describe('adopted HorizontalPodAutoscalers', () => {
  it('are left alone unless they are adopted', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setHpa('web', {});
    const controller = await started(cluster);
    await cluster.clock.advance(2 * period);
    expect(target.replicas).toBe(3);
    expect(hpaStatus(cluster)).toEqual({});
    await controller.stop();
  });

  it('are carried out by the same rules, without cooldowns, and show what upstream shows and nothing else', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setHpa('web', {});
    const controller = await started(cluster, { adoptHpas: true });
    expect(target.replicas).toBe(6);
    await cluster.clock.advance(period);
    expect(target.replicas, 'the next step a period later').toBe(10);
    const status = hpaStatus(cluster);
    expect(Object.keys(status).toSorted()).toEqual(['conditions', 'currentMetrics', 'currentReplicas', 'desiredReplicas', 'lastScaleTime']);
    expect((status['conditions'] as { type: string }[]).map(({ type }) => type).toSorted()).toEqual([
      'AbleToScale',
      'ScalingActive',
      'ScalingLimited',
    ]);
    expect(JSON.stringify(status['conditions'])).not.toContain('observedGeneration');
    await controller.stop();
  });

  it('get cooldowns when a flag says so', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setHpa('web', {});
    const controller = await started(cluster, { adoptHpas: true, adoptedCooldown: true });
    await cluster.clock.advance(4 * period);
    expect(target.replicas).toBe(6);
    await cluster.clock.advance(180_000);
    expect(target.replicas).toBe(10);
    await controller.stop();
  });

  it('are evaluated at once when their spec changes, although the API server keeps no generation of them', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setHpa('web', { maxReplicas: 3 });
    const controller = await started(cluster, { adoptHpas: true });
    expect(target.replicas).toBe(3);
    await cluster.clock.advance(1_000);
    cluster.setHpa('web', { maxReplicas: 5 });
    await cluster.clock.advance(100);
    expect(target.replicas).toBe(5);
    await controller.stop();
  });

  it('stand beside a policy of the same name on another target, and are held with it on the same one', async () => {
    const cluster = new FakeCluster();
    const web = cluster.addTarget('web', 3);
    const db = cluster.addTarget('db', 3);
    cluster.load.set('web', 1860);
    cluster.load.set('db', 1860);
    cluster.setPolicy('web', {});
    cluster.setHpa('web', {}, 'db');
    const controller = await started(cluster, { adoptHpas: true });
    expect([web.replicas, db.replicas]).toEqual([6, 6]);
    cluster.setHpa('web', {}, 'web');
    await cluster.clock.advance(10 * period);
    expect(web.replicas).toBe(6);
    expect(cluster.condition('web', 'Held')).toBe('True/Conflict');
    await controller.stop();
  });
});

describe('taking over from a HorizontalPodAutoscaler', () => {
  const annotations = { annotations: { 'concertina.dev/transfer-from': 'HorizontalPodAutoscaler/old' } };

  it('deletes it once the policy can decide, and acts from then on', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.source = { healthy: false, reason: 'source-unavailable', detail: '503', since: 0, lastSuccess: undefined };
    cluster.load.delete('web');
    cluster.setHpa('old', {}, 'web');
    cluster.setPolicy('web', {}, annotations);
    const controller = await started(cluster);
    await cluster.clock.advance(2 * period);
    expect(cluster.nativeHpas.has('shop/old'), 'kept while nothing can be decided').toBe(true);
    cluster.source = { healthy: true, lastSuccess: 0 };
    cluster.load.set('web', 1860);
    await cluster.clock.advance(period);
    expect(cluster.nativeHpas.has('shop/old')).toBe(false);
    await cluster.clock.advance(500);
    expect(target.replicas, 'without waiting for the next period').toBe(6);
    expect(cluster.events.map(({ reason }) => reason)).toContain('TakenOver');
    await controller.stop();
  });

  it('says which permission is missing, and waits', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setHpa('old', {}, 'web');
    cluster.deletion = new ApiStatusError({ code: 403, reason: 'Forbidden', message: 'forbidden' });
    cluster.setPolicy('web', {}, annotations);
    const controller = await started(cluster);
    await cluster.clock.advance(2 * period);
    expect(target.replicas).toBe(3);
    expect(cluster.condition('web', 'Held')).toBe('True/Conflict');
    const event = cluster.events.find(({ reason }) => reason === 'FailedTakeOver');
    expect(event?.message).toContain('grant delete on horizontalpodautoscalers.autoscaling or delete it yourself');
    await controller.stop();
  });

  it('knows what KEDA has made of a ScaledObject', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1860);
    cluster.setHpa('keda-hpa-web', {}, 'web');
    cluster.setPolicy('web', {}, { annotations: { 'concertina.dev/transfer-from': 'ScaledObject/web' } });
    const controller = await started(cluster);
    const message = cluster.status('web').conditions.find(({ type }) => type === 'Held')?.message;
    expect(message).toContain('ScaledObject shop/web still scales Deployment shop/web');
    expect(target.replicas).toBe(3);
    // KEDA takes its own object away when the ScaledObject is gone.
    cluster.deleteHpa('keda-hpa-web');
    await cluster.clock.advance(100);
    expect(target.replicas).toBe(6);
    await controller.stop();
  });
});

it('names adopted objects as what they are where pods are shared', async () => {
  const cluster = new FakeCluster();
  cluster.addTarget('web', 3, { app: 'shop' });
  cluster.addTarget('api', 3, { app: 'shop' });
  cluster.setHpa('web', {});
  cluster.setHpa('api', {});
  const controller = cluster.controller({ adoptHpas: true });
  controller.start();
  await cluster.clock.advance(2 * period);
  const conditions = (hpaStatus(cluster) as { conditions: { reason: string; message: string }[] }).conditions;
  expect(conditions.find(({ reason }) => reason === 'AmbiguousSelector')?.message).toContain('HorizontalPodAutoscaler shop/api');
  await controller.stop();
});

describe('annotations and schedules', () => {
  it('a pause is heeded at once, although annotations change no generation', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.setPolicy('web', {});
    cluster.load.set('web', 800);
    const controller = await started(cluster);
    await cluster.clock.advance(1_000);
    cluster.setPolicy('web', {}, { generation: 1, annotations: { 'concertina.dev/paused': 'out' } });
    cluster.load.set('web', 1860);
    await cluster.clock.advance(2 * period);
    expect(target.replicas).toBe(3);
    expect(cluster.condition('web', 'Held')).toBe('True/Paused');
    cluster.setPolicy('web', {}, { generation: 1 });
    await cluster.clock.advance(100);
    expect(target.replicas).toBe(6);
    await controller.stop();
  });

  it('a schedule raises the floor at the very second', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 800);
    // The clock stands at 12:00:00.
    cluster.setPolicy('web', { schedules: [{ name: 'noon', start: '1 12 * * *', end: '0 13 * * *', minReplicas: 5 }] });
    const controller = await started(cluster);
    await cluster.clock.advance(59_900);
    expect(target.replicas).toBe(3);
    await cluster.clock.advance(200);
    expect(target.replicas).toBe(5);
    await controller.stop();
  });
});
