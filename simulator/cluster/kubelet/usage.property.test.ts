import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundPod, harness } from './testing/harness.ts';

const podSpec = fc.record({
  demand: fc.integer({ min: 0, max: 4000 }),
  request: fc.integer({ min: 0, max: 500 }),
  limit: fc.option(fc.integer({ min: 501, max: 3000 })),
  jumps: fc.boolean(),
});

describe('usage on a node', () => {
  it('stays within limits and the node, and counters go back only with a restart', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(podSpec, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 100, max: 15_000 }), { minLength: 2, maxLength: 8 }),
        fc.boolean(),
        async (specs, steps, kills) => {
          const { clock, api, fleet } = harness();
          await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
          await fleet.start();
          specs.forEach(({ demand, request, limit, jumps }, index) => {
            const cpu = jumps ? `step:0s=${demand}m,7s=${Math.ceil(demand / 2)}m,19s=${demand}m` : `${demand}m`;
            const cpuLimit = limit === null ? {} : { cpuLimit: `${limit}m` };
            api.put('pods', boundPod(`p${index}`, { cpu: `${request}m`, annotations: { 'concertina.dev/sim-cpu': cpu }, ...cpuLimit }));
          });
          await clock.advance(2000);
          // Between two looks of one second a jump or a new container is not shared out yet.
          const bound = kills || specs.some(({ jumps }) => jumps) ? Number.POSITIVE_INFINITY : 4000 + 1e-6;
          const last = new Map<number, { cpu: number; restarts: number }>();
          let node = 0;
          for (const step of steps) {
            if (kills) fleet.killContainer({ namespace: 'default', name: 'p0' }, 'c', { code: 1, reason: 'Error' });
            await clock.advance(step);
            const containers = specs.map((_, index) => fleet.pod('default', `p${index}`)!.containers[0]!);
            expect(containers.reduce((total, { cpuMilli }) => total + cpuMilli, 0)).toBeLessThanOrEqual(bound);
            containers.forEach(({ cpuMilli, cpuSeconds, restarts, state }, index) => {
              const limit = specs[index]!.limit ?? 4000;
              expect(cpuMilli).toBeLessThanOrEqual(limit);
              const before = last.get(index);
              const same = before !== undefined && before.restarts === restarts && state === 'running';
              const used = same ? cpuSeconds - before.cpu : 0;
              expect(used).toBeGreaterThanOrEqual(-1e-9);
              expect(used).toBeLessThanOrEqual((limit / 1000) * (step / 1000) + 1e-6);
              last.set(index, { cpu: cpuSeconds, restarts });
            });
            const { cpuSeconds } = fleet.scrape('n1').node;
            expect(cpuSeconds).toBeGreaterThanOrEqual(node);
            node = cpuSeconds;
          }
          await fleet.stop();
        },
      ),
      { numRuns: 25 },
    );
  });
});
