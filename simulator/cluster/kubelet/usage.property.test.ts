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
        async (specs, steps) => {
          const { clock, api, fleet } = harness();
          await fleet.addNode({ name: 'n1', cpu: '4', memory: '8Gi' });
          await fleet.start();
          specs.forEach(({ demand, request, limit, jumps }, index) => {
            const cpu = jumps ? `step:0s=${demand}m,7s=${Math.ceil(demand / 2)}m,19s=${demand}m` : `${demand}m`;
            api.put(
              'pods',
              boundPod(`p${index}`, {
                cpu: `${request}m`,
                annotations: { 'concertina.dev/sim-cpu': cpu },
                ...(limit === null ? {} : { cpuLimit: `${limit}m` }),
              }),
            );
          });
          await clock.advance(2000);
          const last = new Map<string, { cpu: number; restarts: number; at: number }>();
          let node = 0;
          for (const [round, step] of steps.entries()) {
            if (round % 3 === 2) fleet.killContainer({ namespace: 'default', name: 'p0' }, 'c', { code: 1, reason: 'Error' });
            await clock.advance(step);
            let total = 0;
            for (const [index, { limit }] of specs.entries()) {
              const container = fleet.pod('default', `p${index}`)!.containers[0]!;
              total += container.cpuMilli;
              expect(container.cpuMilli).toBeLessThanOrEqual(limit ?? 4000);
              const before = last.get(`p${index}`);
              if (before !== undefined && before.restarts === container.restarts && container.state === 'running') {
                expect(container.cpuSeconds).toBeGreaterThanOrEqual(before.cpu - 1e-9);
                const most = (((limit ?? 4000) / 1000) * (clock.now() - before.at)) / 1000;
                expect(container.cpuSeconds - before.cpu).toBeLessThanOrEqual(most + 1e-6);
              }
              last.set(`p${index}`, { cpu: container.cpuSeconds, restarts: container.restarts, at: clock.now() });
            }
            // A load that jumps between two looks of one second may be seen before the node has shared it out anew.
            if (specs.every(({ jumps }) => !jumps) && round % 3 !== 2) expect(total).toBeLessThanOrEqual(4000 + 1e-6);
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
