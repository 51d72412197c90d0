import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// The measured ratio is multiplied by the pods that are known. With a watch of pods that had fallen silent, half of the pods were not known, and the target was shrunk
// to what that half needed.
describe('a mirror of pods that is behind', () => {
  const run = async (spoil: (cluster: FakeCluster) => void) => {
    const cluster = new FakeCluster();
    const target = cluster.addTarget('web', 10);
    // 60 % of a request at a target of 80 %: 10 pods need 8.
    cluster.load.set('web', 600);
    cluster.setPolicy('web', { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
    spoil(cluster);
    const controller = cluster.controller();
    controller.start();
    await cluster.clock.advance(30_000);
    await controller.stop();
    return { cluster, target };
  };

  it('shrinks to what all pods need when all are known', async () => {
    const { target } = await run(() => undefined);
    expect(target.replicas).toBe(8);
  });

  it('does not shrink while the target counts more pods than are known, and says so', async () => {
    const { cluster, target } = await run((each) => each.unseen.set('web', 5));
    expect(target.replicas).toBe(10);
    expect(cluster.condition('web', 'Held')).toBe('True/MissingData');
    expect(cluster.status('web').lastDecision.message).toContain('counts 10 pods, of which only 5 are known');
  });

  it('does not shrink when nothing was heard of pods for minutes', async () => {
    const { cluster, target } = await run((each) => (each.podsAgeMs = 160_000));
    expect(target.replicas).toBe(10);
    expect(cluster.status('web').lastDecision.message).toContain('nothing was heard of pods for 160 s');
  });
});
