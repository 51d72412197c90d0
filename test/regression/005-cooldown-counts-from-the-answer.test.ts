import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// A scaling was dated by the moment of its decision. With an API server that took 8 s to carry it out, the next one came 172 s after it instead of 180 s.
describe('the cooldown after a slow write', () => {
  it('counts from the answer', async () => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 2);
    cluster.load.set('web', 4_000);
    cluster.setPolicy('web', { maxReplicas: 100 });
    cluster.writeDelayMs = 8_000;
    const controller = cluster.controller();
    controller.start();
    const changes: number[] = [];
    for (let second = 0, before = target.replicas; second < 400; second += 1) {
      await cluster.clock.advance(1_000);
      if (target.replicas !== before) changes.push(cluster.clock.now());
      before = target.replicas;
      cluster.writeDelayMs = changes.length === 0 ? 8_000 : 0;
    }
    const [first = 0, second = 0] = changes;
    expect(second - first).toBeGreaterThanOrEqual(180_000);
    expect(second - first).toBeLessThanOrEqual(196_000);
    await controller.stop();
  });
});
