import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// A scaling is dated by the answer to its write, and evaluations follow the polls of metrics. With both 15 s apart the last scaling was 14.98 s old at the next evaluation,
// still within the period of 15 s of the default rules, and it was the one after that which acted: growth took twice as long as upstream's.
describe('a rate limit whose period is that of the polls', () => {
  it.each(['HorizontalPolicy', 'HorizontalPodAutoscaler'])('lets a %s grow as soon as the period is over', async (kind) => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 1);
    cluster.load.set('web', 8_000);
    cluster.writeDelayMs = 20;
    const spec = { maxReplicas: 40, behavior: {} };
    if (kind === 'HorizontalPolicy') cluster.setPolicy('web', { ...spec, cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } });
    else cluster.setHpa('web', spec);
    const controller = cluster.controller({ adoptHpas: true });
    controller.start();
    const grown: [number, number][] = [];
    const begun = cluster.clock.now();
    for (let polls = 0; polls < 4; polls += 1) {
      controller.metricsChanged({ usage: true, queries: new Set() });
      for (let ms = 0, before = target.replicas; ms < 15_000; ms += 10) {
        await cluster.clock.advance(10);
        if (target.replicas !== before) grown.push([target.replicas, cluster.clock.now() - begun]);
        before = target.replicas;
      }
    }
    expect(grown.map(([replicas]) => replicas)).toEqual([5, 10, 20, 40]);
    for (const [index, [, at]] of grown.entries()) expect(at).toBeLessThanOrEqual(15_000 * index + 200);
    await controller.stop();
  });
});
