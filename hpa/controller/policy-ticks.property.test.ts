import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeCluster, FakePods } from './cluster.fixture.ts';

const period = 15_000;
const names = Array.from({ length: 12 }, (_, index) => `app-${index}`);

/** Quick enough that a run of an hour scales many times. */
const specs: readonly object[] = [
  {},
  { cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } },
  { cooldown: { scaleUpSeconds: 30, scaleDownSeconds: 60 }, behavior: { scaleDown: { stabilizationWindowSeconds: 30 } } },
  {
    cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 },
    behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] }, scaleDown: { stabilizationWindowSeconds: 0 } },
  },
  { mode: 'DryRun' },
  { minReplicas: 3, maxReplicas: 5 },
];

interface Step {
  /** Milli-cores of each pod, by target; `undefined` leaves it as it is, 0 takes the samples away. */
  readonly loads: readonly (number | undefined)[];
  /** Somebody sets a target's size, and the new pods are not seen yet. */
  readonly manual?: { readonly target: number; readonly replicas: number } | undefined;
}

/** Replicas of all targets after every step. */
async function play(steps: readonly Step[], batched: boolean, refreshes = { perSecond: 0, burst: 0 }) {
  const cluster = new FakeCluster();
  for (const [index, name] of names.entries()) {
    cluster.addTarget(name, 4);
    cluster.load.set(name, 500);
    cluster.setPolicy(name, specs[index % specs.length] ?? {});
  }
  const pods = new FakePods(cluster);
  const controller = cluster.controller({ refreshes }, batched ? pods : undefined);
  controller.start();
  await cluster.clock.advance(0);
  const sizes: number[][] = [];
  for (const { loads, manual } of steps) {
    for (const [index, load] of loads.entries()) {
      const name = names[index] ?? '';
      if (load === 0) cluster.load.delete(name);
      else if (load !== undefined) cluster.load.set(name, load);
    }
    const target = manual === undefined ? undefined : cluster.targets.get(names[manual.target] ?? '');
    if (target !== undefined && manual !== undefined) {
      cluster.unseen.set(names[manual.target] ?? '', manual.replicas - target.replicas);
      target.replicas = manual.replicas;
      target.version += 1;
    }
    pods.sync();
    controller.metricsChanged({ usage: true, queries: new Set() });
    await cluster.clock.advance(period);
    sizes.push(names.map((name) => cluster.targets.get(name)?.replicas ?? -1));
  }
  const evaluations = cluster.decisions.length;
  await controller.stop();
  return { sizes, evaluations, cluster };
}

const load = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.integer({ min: 100, max: 2000 }) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const step: fc.Arbitrary<Step> = fc.record({ loads: fc.array(load, { minLength: names.length, maxLength: names.length }) });

describe('policies decided together', () => {
  it('have the same sizes at every step as those decided one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const together = await play(steps, true);
        const alone = await play(steps, false);
        expect(together.sizes).toEqual(alone.sizes);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('are evaluated by themselves only when something changes', async () => {
    const steps = Array.from({ length: 40 }, () => ({ loads: [] }));
    const together = await play(steps, true);
    const alone = await play(steps, false);
    expect(together.sizes).toEqual(alone.sizes);
    expect(alone.evaluations).toBeGreaterThanOrEqual(40 * names.length);
    expect(together.evaluations).toBeLessThan(alone.evaluations / 5);
  });

  it('are looked after in turn, so that a size which somebody has set is not overlooked', async () => {
    const steps: Step[] = Array.from({ length: 60 }, (_, at) => ({
      loads: [],
      manual: at === 40 ? { target: 5, replicas: 6 } : undefined,
    }));
    const overlooked = await play(steps, true);
    expect(overlooked.sizes.at(-1)?.[5], 'above its maximum of 5').toBe(6);
    const { sizes, cluster } = await play(steps, true, { perSecond: 0.2, burst: 3 });
    // 3 of 12 in every period: each has its turn after four.
    expect(sizes[45]?.[5]).toBe(5);
    expect(cluster.status('app-5').currentReplicas).toBe(5);
  });
});
