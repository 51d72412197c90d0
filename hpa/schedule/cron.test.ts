import { describe, expect, it } from 'vitest';
import { cronAround, cronProblem, isTimeZone, nominalTime } from './cron.ts';

const at = (text: string): number => Date.parse(text);
const text = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

function around(pattern: string, zone: string, instant: string) {
  const { last, next } = cronAround(pattern, zone, at(instant));
  return [text(last), text(next)];
}

describe('cronAround', () => {
  it.each([
    ['between two times', '2026-01-05T10:00:00Z', '2026-01-05T07:00:00.000Z', '2026-01-06T07:00:00.000Z'],
    ['at a time: it is the last', '2026-01-05T07:00:00Z', '2026-01-05T07:00:00.000Z', '2026-01-06T07:00:00.000Z'],
    ['a millisecond before', '2026-01-05T06:59:59.999Z', '2026-01-02T07:00:00.000Z', '2026-01-05T07:00:00.000Z'],
    ['a millisecond after', '2026-01-05T07:00:00.001Z', '2026-01-05T07:00:00.000Z', '2026-01-06T07:00:00.000Z'],
  ])('%s', (_, instant, last, next) => {
    expect(around('0 8 * * MON-FRI', 'Europe/Berlin', instant)).toEqual([last, next]);
  });

  it('answers the same whatever was asked before', () => {
    const instants = [
      '2026-06-01T00:00:00Z',
      '2026-01-01T00:00:00Z',
      '2026-06-01T00:00:00Z',
      '2025-11-11T11:11:11Z',
      '2026-06-01T04:00:00Z',
    ];
    const forwards = instants.map((each) => around('30 5 * * *', 'America/New_York', each));
    const backwards = instants.toReversed().map((each) => around('30 5 * * *', 'America/New_York', each));
    expect(backwards.toReversed()).toEqual(forwards);
    expect(forwards[0]).toEqual(forwards[2]);
  });

  it('keeps to the clock on the wall when the clocks change', () => {
    expect(around('0 8 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')[1]).toBe('2026-03-29T06:00:00.000Z');
    expect(around('0 8 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')[1]).toBe('2026-10-25T07:00:00.000Z');
  });

  it('takes a time that is left out at the end of the gap, and one that comes twice the first time', () => {
    expect(around('30 2 * * *', 'Europe/Berlin', '2026-03-29T00:59:59Z')[1]).toBe('2026-03-29T01:00:00.000Z');
    expect(around('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')[1]).toBe('2026-10-25T00:30:00.000Z');
    expect(around('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')[1]).toBe('2026-10-26T01:30:00.000Z');
    // Two hours in one expression are no reason to come twice.
    expect(around('30 2,14 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')[1]).toBe('2026-10-25T13:30:00.000Z');
  });

  it('knows zones whose difference is no whole hour', () => {
    expect(around('0 9 * * *', 'Asia/Kathmandu', '2026-01-05T00:00:00Z')[1]).toBe('2026-01-05T03:15:00.000Z');
    // Lord Howe Island changes its clocks by half an hour.
    expect(around('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z')[1]).toBe('2026-10-03T15:30:00.000Z');
  });

  it('finds a day that comes every fourth year', () => {
    expect(around('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z')).toEqual(['2024-02-29T00:00:00.000Z', '2028-02-29T00:00:00.000Z']);
  });
});

describe('nominalTime', () => {
  it('tells what is meant from where the gap has moved it', () => {
    const moved = at('2026-03-29T01:00:00Z');
    expect(text(nominalTime('15 2 * * *', 'Europe/Berlin', moved))).toBe('2026-03-29T02:15:00.000Z');
    expect(text(nominalTime('0 3 * * *', 'Europe/Berlin', moved))).toBe('2026-03-29T03:00:00.000Z');
    expect(text(nominalTime('0 8 * * *', 'Europe/Berlin', at('2026-01-05T07:00:00Z')))).toBe('2026-01-05T08:00:00.000Z');
  });
});

describe('cronProblem', () => {
  it.each(['0 8 * * MON-FRI', '*/5 8-17 * * 1-5', '0 0 1 JAN *', '0 8  * * 7', '0 8 L * *'])('takes %s', (pattern) => {
    expect(cronProblem(pattern, 'Europe/Berlin')).toBeUndefined();
  });

  it.each([
    ['0 8 * *', 'is not a cron expression of five fields, like 0 8 * * MON-FRI'],
    ['0 0 8 * * *', 'is not a cron expression of five fields, like 0 8 * * MON-FRI'],
    ['@daily', 'is not a cron expression of five fields, like 0 8 * * MON-FRI'],
    // croner would put the present time in its place.
    ['? 8 * * *', 'is not a cron expression of five fields, like 0 8 * * MON-FRI'],
    ['61 8 * * *', 'is not a cron expression: Invalid value for minute: 61'],
    ['0 0 30 2 *', 'names a day that no year has'],
  ])('refuses %s', (pattern, problem) => {
    expect(cronProblem(pattern, 'UTC')).toBe(problem);
  });
});

describe('isTimeZone', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])('knows %s', (zone) => {
    expect(isTimeZone(zone)).toBe(true);
  });

  it.each(['', 'Europe/Bielefeld', '+02:00', 'Mars', '../etc/passwd'])('does not know %j', (zone) => {
    expect(isTimeZone(zone)).toBe(false);
  });
});
