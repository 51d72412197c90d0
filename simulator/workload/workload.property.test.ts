import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { createWorkloadModel, points, integral } from './index.ts';
import type { LoadPoint, PodIdentity, WorkloadModel } from './index.ts';

const start = Date.UTC(2026, 0, 1);

function pod(index: number): PodIdentity {
  return {
    namespace: 'default',
    name: `web-${index}`,
    uid: `u${index}`,
    labels: { app: 'web' },
    annotations: {},
    owners: [],
    containers: ['c'],
  };
}

const load = fc
  .array(fc.record({ gap: fc.integer({ min: 0, max: 30_000 }), value: fc.integer({ min: 0, max: 500 }) }), { minLength: 1, maxLength: 8 })
  .map((steps) => {
    let at = 0;
    return steps.map(({ gap, value }): LoadPoint => ({ at: (at += gap), value }));
  });
const mode = fc.constantFrom('hold', 'linear') as fc.Arbitrary<'hold' | 'linear'>;
const ticks = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 });

function model(list: readonly LoadPoint[], interpolation: 'hold' | 'linear'): WorkloadModel {
  const workload = createWorkloadModel({ clock: new VirtualClock(start), random: () => 0.5 });
  workload.define({
    name: 'web',
    namespace: 'default',
    selector: { app: 'web' },
    load: points(list, interpolation),
    cpuPerRequest: 10,
    baseCpu: 5,
    memory: { base: 1e6 },
  });
  return workload;
}

describe('workload model', () => {
  it('uses exactly the CPU that is asked for while nothing is throttled', () => {
    fc.assert(
      fc.property(load, mode, ticks, fc.integer({ min: 1, max: 6 }), (list, interpolation, steps, replicas) => {
        const workload = model(list, interpolation);
        const containers = Array.from({ length: replicas }, (_, index) => workload.start(pod(index), 'c', { at: start }));
        for (const container of containers) container.setServing(start, true);
        let now = start;
        for (const step of steps) {
          now += step;
          for (const container of containers) container.cpu(now);
        }
        const used = containers.reduce((total, container) => total + container.cpu(now), 0);
        const asked = integral(points(list, interpolation), 0, now - start) * 10 + 5 * replicas * (now - start);
        expect(Math.abs(used - asked)).toBeLessThanOrEqual(1e-9 * asked + 1e-3);
      }),
    );
  });

  it('never uses more than the ceiling, never goes back, and does not depend on who looks when', () => {
    fc.assert(
      fc.property(
        load,
        mode,
        ticks,
        fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 5 }),
        (list, interpolation, steps, ceilings) => {
          const often = model(list, interpolation);
          const once = model(list, interpolation);
          const build = (workload: WorkloadModel): ReturnType<WorkloadModel['start']>[] =>
            ceilings.map((ceiling, index) => {
              const container = workload.start(pod(index), 'c', { at: start });
              container.setCeiling(start, ceiling);
              container.setServing(start, true);
              return container;
            });
          const watched = build(often);
          const unwatched = build(once);
          let now = start;
          let before = watched.map(() => 0);
          for (const step of steps) {
            now += step;
            const here = watched.map((container) => container.cpu(now));
            here.forEach((work, index) => {
              const used = work - (before[index] ?? 0);
              expect(used).toBeGreaterThanOrEqual(-1e-6);
              expect(used).toBeLessThanOrEqual((ceilings[index] ?? 0) * step * (1 + 1e-9) + 1e-3);
            });
            before = here;
          }
          unwatched.forEach((container, index) => {
            const expected = before[index] ?? 0;
            expect(Math.abs(container.cpu(now) - expected)).toBeLessThanOrEqual(1e-6 * expected + 1);
          });
          const totals = often.results('web', now)!;
          expect(totals.totals.served + totals.totals.dropped + totals.queue).toBeCloseTo(totals.totals.arrived, 3);
          expect(totals.queue).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('keeps the queue within its bound and loses nothing', () => {
    fc.assert(
      fc.property(
        load,
        mode,
        ticks,
        fc.record({ maxQueue: fc.integer({ min: 0, max: 1000 }), ceiling: fc.integer({ min: 6, max: 2000 }) }),
        (list, interpolation, steps, { maxQueue, ceiling }) => {
          const workload = createWorkloadModel({ clock: new VirtualClock(start), random: () => 0.5 });
          workload.define({
            name: 'web',
            namespace: 'default',
            selector: { app: 'web' },
            load: points(list, interpolation),
            cpuPerRequest: 7,
            memory: { base: 0 },
            maxQueue,
          });
          const container = workload.start(pod(0), 'c', { at: start });
          container.setCeiling(start, ceiling);
          container.setServing(start, true);
          let now = start;
          for (const step of steps) {
            now += step;
            const results = workload.results('web', now)!;
            expect(results.queue).toBeLessThanOrEqual(maxQueue * (1 + 1e-9));
            expect(results.totals.served + results.totals.dropped + results.queue).toBeCloseTo(results.totals.arrived, 3);
            expect(results.totals.dropped).toBeGreaterThanOrEqual(-1e-9);
          }
        },
      ),
    );
  });
});
