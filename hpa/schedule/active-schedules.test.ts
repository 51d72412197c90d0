import { describe, expect, it } from 'vitest';
import { activeSchedules } from './active-schedules.ts';
import type { ScalingSchedule } from './model.ts';

const at = (text: string): number => Date.parse(text);

function schedule(overrides: Partial<ScalingSchedule> = {}): ScalingSchedule {
  return {
    name: 'day',
    start: '0 8 * * *',
    end: '0 18 * * *',
    timeZone: 'UTC',
    minReplicas: 20,
    maxReplicas: undefined,
    rampMs: 0,
    ...overrides,
  };
}

/** `day open`, `day rising 3`; and the next change. */
function shown(schedules: readonly ScalingSchedule[], instant: string) {
  const { active, nextChangeAt } = activeSchedules(schedules, at(instant));
  const text = active.map(({ schedule: { name }, phase, step }) => `${name} ${phase}${phase === 'open' ? '' : ` ${step}`}`).join(', ');
  return [text, nextChangeAt === undefined ? undefined : new Date(nextChangeAt).toISOString().replace('.000Z', 'Z')];
}

describe('activeSchedules', () => {
  it.each([
    ['before the window', '2026-01-05T07:59:59.999Z', '', '2026-01-05T08:00:00Z'],
    ['at its first instant', '2026-01-05T08:00:00Z', 'day open', '2026-01-05T18:00:00Z'],
    ['at its last', '2026-01-05T17:59:59.999Z', 'day open', '2026-01-05T18:00:00Z'],
    ['after it', '2026-01-05T18:00:00Z', '', '2026-01-06T08:00:00Z'],
  ])('%s', (_, instant, active, next) => {
    expect(shown([schedule()], instant)).toEqual([active, next]);
  });

  it('goes over midnight', () => {
    const night = schedule({ name: 'night', start: '0 22 * * *', end: '0 6 * * *' });
    expect(shown([night], '2026-01-05T23:00:00Z')).toEqual(['night open', '2026-01-06T06:00:00Z']);
    expect(shown([night], '2026-01-06T05:00:00Z')).toEqual(['night open', '2026-01-06T06:00:00Z']);
    expect(shown([night], '2026-01-06T12:00:00Z')).toEqual(['', '2026-01-06T22:00:00Z']);
  });

  it('has several open at once, and the next change of any', () => {
    const lunch = schedule({ name: 'lunch', start: '0 12 * * *', end: '0 14 * * *' });
    expect(shown([schedule(), lunch], '2026-01-05T11:00:00Z')).toEqual(['day open', '2026-01-05T12:00:00Z']);
    expect(shown([schedule(), lunch], '2026-01-05T13:00:00Z')).toEqual(['day open, lunch open', '2026-01-05T14:00:00Z']);
  });

  it('opens once for the whole weekend', () => {
    const weekend = schedule({ name: 'weekend', start: '0 0 * * SAT', end: '0 0 * * MON' });
    expect(shown([weekend], '2026-01-04T15:00:00Z')).toEqual(['weekend open', '2026-01-05T00:00:00Z']);
  });

  it('a beginning and an end that mean the same time: the beginning counts', () => {
    const monday = schedule({ name: 'monday', start: '0 0 * * MON', end: '0 0 * * *' });
    expect(shown([monday], '2026-01-05T00:00:00Z')).toEqual(['monday open', '2026-01-06T00:00:00Z']);
    expect(shown([monday], '2026-01-06T00:00:00Z')).toEqual(['', '2026-01-12T00:00:00Z']);
  });

  it('names the window that opens next', () => {
    const once = schedule({ name: 'once', start: '0 12 5 1 *', end: '0 14 5 1 *' });
    expect(activeSchedules([schedule(), once], at('2026-01-05T20:00:00Z')).next).toEqual({
      name: 'day',
      opensAt: at('2026-01-06T08:00:00Z'),
    });
  });

  describe('when the clocks change', () => {
    const berlin = (start: string, end: string): readonly ScalingSchedule[] => [schedule({ start, end, timeZone: 'Europe/Berlin' })];

    it.each([
      [
        'a window around the gap keeps its ends on the wall',
        '0 1 * * *',
        '0 4 * * *',
        '2026-03-29T00:30:00Z',
        ['day open', '2026-03-29T02:00:00Z'],
      ],
      [
        'one that begins in the gap opens after it',
        '30 2 * * *',
        '0 5 * * *',
        '2026-03-29T01:00:00Z',
        ['day open', '2026-03-29T03:00:00Z'],
      ],
      ['one that ends in the gap closes there', '0 1 * * *', '30 2 * * *', '2026-03-29T01:00:00Z', ['', '2026-03-29T23:00:00Z']],
      ['one that lies in the gap does not open', '15 2 * * *', '45 2 * * *', '2026-03-29T01:00:00Z', ['', '2026-03-30T00:15:00Z']],
      ['nor is it announced', '15 2 * * *', '45 2 * * *', '2026-03-28T12:00:00Z', ['', '2026-03-30T00:15:00Z']],
      [
        'one that begins after its end in the gap opens',
        '45 2 * * *',
        '15 2 * * *',
        '2026-03-29T01:00:00Z',
        ['day open', '2026-03-30T00:15:00Z'],
      ],
      ['one in the repeated hour opens once', '15 2 * * *', '45 2 * * *', '2026-10-25T00:20:00Z', ['day open', '2026-10-25T00:45:00Z']],
      ['and not again', '15 2 * * *', '45 2 * * *', '2026-10-25T01:20:00Z', ['', '2026-10-26T01:15:00Z']],
      [
        'one over the repeated hour is an hour longer',
        '0 1 * * *',
        '0 4 * * *',
        '2026-10-25T02:30:00Z',
        ['day open', '2026-10-25T03:00:00Z'],
      ],
    ])('%s', (...[, start, end, instant, expected]) => {
      expect(shown(berlin(start, end), instant)).toEqual(expected);
    });
  });

  describe('a ramp', () => {
    const ramped = [schedule({ rampMs: 600_000 })];

    it.each([
      ['before it', '2026-01-05T07:49:59Z', '', '2026-01-05T07:51:00Z'],
      ['its first step raises nothing yet', '2026-01-05T07:50:00Z', '', '2026-01-05T07:51:00Z'],
      ['one step in', '2026-01-05T07:51:00Z', 'day rising 1', '2026-01-05T07:52:00Z'],
      ['just before the window', '2026-01-05T07:59:59Z', 'day rising 9', '2026-01-05T08:00:00Z'],
      ['whole at the start', '2026-01-05T08:00:00Z', 'day open', '2026-01-05T18:00:00Z'],
      ['still whole at the end', '2026-01-05T18:00:00Z', 'day falling 10', '2026-01-05T18:01:00Z'],
      ['one step down', '2026-01-05T18:01:00Z', 'day falling 9', '2026-01-05T18:02:00Z'],
      ['the last step', '2026-01-05T18:09:59Z', 'day falling 1', '2026-01-05T18:10:00Z'],
      ['over', '2026-01-05T18:10:00Z', '', '2026-01-06T07:51:00Z'],
    ])('%s', (_, instant, active, next) => {
      expect(shown(ramped, instant)).toEqual([active, next]);
    });

    it('does not fall after an end without a window', () => {
      const monday = [schedule({ start: '0 8 * * MON', end: '0 18 * * *', rampMs: 600_000 })];
      expect(shown(monday, '2026-01-05T18:05:00Z')[0]).toBe('day falling 5');
      expect(shown(monday, '2026-01-06T18:05:00Z')[0]).toBe('');
    });

    it('between two windows the higher step counts', () => {
      const close = [schedule({ start: '0 8,18 * * *', end: '50 17 * * *', rampMs: 1_200_000 })];
      expect(shown(close, '2026-01-05T17:54:00Z')[0]).toBe('day falling 8');
      expect(shown(close, '2026-01-05T17:58:00Z')[0]).toBe('day rising 9');
    });
  });
});
