import { expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// Of equal wishes in the window the oldest was taken for the one that holds: "until" came too early, and moved with every evaluation, which wrote a status each time.
it('a stabilization hold ends when the newest of the wishes that hold leaves the window', async () => {
  const cluster = new FakeCluster();
  cluster.addTarget('web', 4);
  cluster.load.set('web', 800);
  cluster.setPolicy('web', { cooldown: { scaleDownSeconds: 0 } });
  const controller = cluster.controller();
  controller.start();
  await cluster.clock.advance(100_000);
  const newest = cluster.decisions.at(-1)?.at ?? 0;
  cluster.load.set('web', 200);
  await cluster.clock.advance(60_000);
  const holds = cluster.decisions.slice(-3).map(({ holds: of }) => of.find(({ by }) => by === 'stabilization')?.until);
  expect(holds).toEqual([newest + 300_000, newest + 300_000, newest + 300_000]);
  expect(cluster.targets.get('web')?.replicas).toBe(4);
  await controller.stop();
});
