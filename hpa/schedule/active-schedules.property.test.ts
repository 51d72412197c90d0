import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeSchedules } from './active-schedules.ts';
import type { ScalingSchedule } from './model.ts';

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Sao_Paulo'];

const clockTime = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));

const schedule = (zone: fc.Arbitrary<string>): fc.Arbitrary<ScalingSchedule> =>
  fc
    .record({
      start: clockTime,
      end: clockTime,
      days: fc.constantFrom('*', 'MON-FRI', '0,6', '3'),
      zone,
      ramp: fc.constantFrom(0, 0, 600, 3600, 7777),
    })
    .filter(({ start, end }) => start[0] !== end[0] || start[1] !== end[1])
    .map(({ start, end, days, zone: timeZone, ramp }) => ({
      name: 'x',
      start: `${start[1]} ${start[0]} * * ${days}`,
      end: `${end[1]} ${end[0]} * * *`,
      timeZone,
      minReplicas: 5,
      maxReplicas: undefined,
      rampMs: ramp * 1000,
    }));

// Around both changes of the clocks of the year, and anywhere else.
const instant = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 2, 6), max: Date.UTC(2026, 3, 8) }),
  fc.integer({ min: Date.UTC(2026, 9, 1), max: Date.UTC(2026, 10, 4) }),
  fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) }),
);

const minute = 60_000;

/** What anybody would do by hand in UTC: go back minute by minute to the last beginning or end. */
function isOpenByHand({ start, end }: ScalingSchedule, now: number): boolean {
  for (let at = Math.floor(now / minute) * minute; now - at < 9 * 24 * 60 * minute; at -= minute) {
    if (matches(start, at)) return true;
    if (matches(end, at)) return false;
  }
  return false;
}

function matches(pattern: string, at: number): boolean {
  const date = new Date(at);
  const [minutes, hours, , , days = ''] = pattern.split(' ');
  if (Number(minutes) !== date.getUTCMinutes() || Number(hours) !== date.getUTCHours()) return false;
  const day = date.getUTCDay();
  const listed: Readonly<Record<string, readonly number[]>> = {
    '*': [0, 1, 2, 3, 4, 5, 6],
    'MON-FRI': [1, 2, 3, 4, 5],
    '0,6': [0, 6],
    '3': [3],
  };
  return listed[days]!.includes(day);
}

describe('activeSchedules', () => {
  it('is open when it is by hand, in UTC', () => {
    fc.assert(
      fc.property(schedule(fc.constant('UTC')), instant, (each, now) => {
        const open = activeSchedules([each], now).active.some(({ phase }) => phase === 'open');
        expect(open).toBe(isOpenByHand(each, now));
      }),
      { numRuns: 150 },
    );
  });

  it('stays the same until the change that it names, and is another one then', () => {
    fc.assert(
      fc.property(
        fc.array(schedule(fc.constantFrom(...zones)), { minLength: 1, maxLength: 3 }),
        instant,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, now, share) => {
          const shown = (at: number): string =>
            JSON.stringify(activeSchedules([...all], at).active.map(({ phase, step, until }) => [phase, step, until]));
          const { nextChangeAt } = activeSchedules([...all], now);
          if (nextChangeAt === undefined) return;
          expect(nextChangeAt).toBeGreaterThan(now);
          const between = Math.floor(now + (nextChangeAt - 1 - now) * share);
          expect(shown(between)).toBe(shown(now));
          // Of two ramps that cross, the lower one changes behind the higher one.
          const isAnother = shown(nextChangeAt) !== shown(now);
          expect(isAnother || all.some(({ rampMs }) => rampMs > 0)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('depends on the instant only, not on what was asked before', () => {
    fc.assert(
      fc.property(schedule(fc.constantFrom(...zones)), fc.array(instant, { minLength: 2, maxLength: 6 }), (each, instants) => {
        const list = [each];
        for (const now of instants) expect(activeSchedules(list, now)).toEqual(activeSchedules([{ ...each }], now));
      }),
      { numRuns: 100 },
    );
  });

  it('is never open for more than a day longer by the clocks than it says', () => {
    fc.assert(
      fc.property(schedule(fc.constantFrom(...zones)), instant, (each, now) => {
        const [open] = activeSchedules([each], now).active;
        if (open?.phase !== 'open') return;
        // The end comes every day, at the latest an hour late.
        expect((open.until ?? Infinity) - now).toBeLessThanOrEqual(25 * 60 * minute);
      }),
      { numRuns: 200 },
    );
  });
});
