import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// A policy that was deleted (or paused) while its evaluation waited for the API server still set the scale, and left its selector behind: the next policy of
// the same Deployment was refused as ambiguous for ever.
describe('a policy that changes while its evaluation is under way', () => {
  const slow = async (change: (cluster: FakeCluster) => void) => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 3);
    cluster.load.set('web', 1_500);
    cluster.setPolicy('web', {});
    const controller = cluster.controller();
    controller.start();
    cluster.readDelayMs = 6_000;
    await cluster.clock.advance(3_000);
    change(cluster);
    await cluster.clock.advance(10_000);
    cluster.readDelayMs = 0;
    return { cluster, target, controller };
  };

  it('is not scaled for when it is deleted, and does not stand in the way of another', async () => {
    const { cluster, target, controller } = await slow((each) => each.deletePolicy('web'));
    await cluster.clock.advance(60_000);
    expect(target.replicas).toBe(3);
    expect(controller.decisions()).toEqual([]);
    cluster.setPolicy('other', { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } });
    await cluster.clock.advance(20_000);
    expect(cluster.condition('other', 'ScalingActive')).toBe('True/ValidMetricFound');
    expect(target.replicas).toBeGreaterThan(3);
    await controller.stop();
  });

  it('is not scaled for when it is paused', async () => {
    const { cluster, target, controller } = await slow((each) => each.setPolicy('web', { mode: 'Paused' }));
    await cluster.clock.advance(60_000);
    expect(target.replicas).toBe(3);
    expect(cluster.condition('web', 'Held')).toBe('True/Paused');
    await controller.stop();
  });
});
