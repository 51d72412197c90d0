import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// Somebody set 6 replicas instead of 12. The samples of the six still covered the time when twelve shared the load, so it looked as if half of them were enough.
describe('samples from before a change of size', () => {
  it('shrink nothing; those from after it may', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 12);
    cluster.load.set('web', 800);
    cluster.setPolicy('web', { maxReplicas: 20, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
    const controller = cluster.controller();
    controller.start();
    await cluster.clock.advance(20_000);
    expect(target.replicas).toBe(12);
    // By hand; the usage is that of a share of the load that is soon twice as much.
    target.replicas = 6;
    target.version += 1;
    cluster.load.set('web', 400);
    await cluster.clock.advance(12_000);
    expect(target.replicas).toBe(6);
    expect(cluster.condition('web', 'Held')).toBe('True/MissingData');
    expect(cluster.status('web').lastDecision.message).toContain('before the last change of the number of replicas');
    // It is no more than a matter of the window: a load that stays low is followed.
    await cluster.clock.advance(45_000);
    expect(target.replicas).toBe(3);
    await controller.stop();
  });
});
