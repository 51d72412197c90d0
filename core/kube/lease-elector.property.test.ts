import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../model/clock.ts';
import { createLeaseElector, type LeaseElector } from './lease-elector.ts';
import { createLeaseStore } from './lease-store-fake.ts';
import { VirtualClock } from './test-support.ts';

/** A clock of a process that can be paused: its timers fire late, but monotonic time goes on. Wall clocks are wrong by `skewMs`. */
function pausableClock(base: VirtualClock, skewMs: number): { readonly clock: Clock; pause(ms: number): void } {
  let pausedUntil = 0;
  return {
    clock: {
      now: () => base.now() + skewMs,
      monotonic: () => base.monotonic(),
      setTimeout: (fn, ms) => {
        let current = base.setTimeout(function fire() {
          const rest = pausedUntil - base.monotonic();
          if (rest > 0) current = base.setTimeout(fire, rest);
          else fn();
        }, ms);
        return { cancel: () => current.cancel() };
      },
    },
    pause: (ms) => {
      pausedUntil = base.monotonic() + ms;
    },
  };
}

describe('two candidates', () => {
  it('never lead at the same instant, whatever is late, lost, refused, paused or restarted, and one leads again afterwards', async () => {
    // A candidate is paused (its timers wait), or it is stopped and another takes its place.
    const incident = fc.record({
      who: fc.nat(1),
      kind: fc.constantFrom('pause' as const, 'restart' as const),
      ms: fc.integer({ min: 1, max: 30_000 }),
    });
    const network = fc.array(fc.tuple(fc.nat(3_000), fc.nat(3_000), fc.nat(9)), { minLength: 20, maxLength: 20 });
    const schedule = fc.record({
      skews: fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -1e9, max: 1e9 })),
      network,
      incidents: fc.array(fc.tuple(fc.integer({ min: 500, max: 15_000 }), incident), { maxLength: 8 }),
      jitter: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 8, maxLength: 8 }),
    });
    let leaders = 0;
    await fc.assert(
      fc.asyncProperty(schedule, async ({ skews, network: draws, incidents, jitter }) => {
        const base = new VirtualClock();
        const store = createLeaseStore(base);
        let draw = 0;
        store.delays(() => {
          const [before, after, luck] = draws[draw++ % draws.length] ?? [0, 0, 0];
          // One request in ten is stored without an answer; half of the rest are quick.
          return luck % 2 === 0 ? { before: before / 20, after: after / 20, lost: false } : { before, after, lost: luck === 9 };
        });
        let drawn = 0;
        const random = (): number => jitter[drawn++ % jitter.length] ?? 0;
        let serial = 0;
        const clocks = [pausableClock(base, skews[0]), pausableClock(base, skews[1])];
        const begin = (who: number): LeaseElector => {
          const clock = clocks[who]!.clock;
          const elector = createLeaseElector({
            client: store.client(''),
            clock,
            random,
            namespace: 'n',
            name: 'l',
            identity: `c${who}-${serial++}`,
          });
          elector.start();
          return elector;
        };
        // Processes that were stopped are still asked: what they hold must be closed too.
        const all = [begin(0), begin(1)];
        const running = [all[0]!, all[1]!];
        const check = (): void => {
          const open = all.filter((elector) => elector.isLeader());
          leaders += open.length;
          expect(open.length).toBeLessThanOrEqual(1);
          for (const elector of all) {
            const opened = !throws(() => elector.fence().check({ method: 'POST', path: '/x' }));
            expect(opened).toBe(elector.isLeader());
          }
        };
        const pass = async (ms: number): Promise<void> => {
          for (let passed = 0; passed < ms; passed += 250) {
            await base.advance(Math.min(250, ms - passed));
            check();
          }
        };
        for (const [after, { who, kind, ms }] of incidents) {
          await pass(after);
          if (kind === 'pause') clocks[who]!.pause(ms);
          else {
            void running[who]!.stop();
            running[who] = begin(who);
            all.push(running[who]!);
          }
          check();
        }
        // When the network is well again, somebody leads within a lease, a retry and the longest pause.
        store.delays(() => ({ before: 5, after: 5, lost: false }));
        await pass(60_000);
        expect(running.filter((elector) => elector.isLeader())).toHaveLength(1);
        const stopped = Promise.all(running.map((elector) => elector.stop()));
        await base.advance(40_000);
        await stopped;
      }),
      { numRuns: 25, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
    );
    // The property would hold of electors that never lead.
    expect(leaders).toBeGreaterThan(1_000);
  }, 60_000);
});

function throws(fn: () => void): boolean {
  try {
    fn();
    return false;
  } catch {
    return true;
  }
}
