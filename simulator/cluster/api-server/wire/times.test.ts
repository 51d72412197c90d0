import { describe, expect, it } from 'vitest';
import { canonicalTime } from './times.ts';

describe('times on the wire', () => {
  it.each([
    ['microTime', '2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.123456Z'],
    ['microTime', '2026-01-02T04:04:06.500000+01:00', '2026-01-02T03:04:06.500000Z'],
    ['microTime', '2026-12-31T23:30:00.000001-00:45', '2027-01-01T00:15:00.000001Z'],
    ['time', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['time', '2026-01-02T03:04:05.999Z', '2026-01-02T03:04:05Z'],
    ['time', '2024-02-29T00:00:00+05:30', '2024-02-28T18:30:00Z'],
  ] as const)('a %s %s is stored as %s', (kind, given, stored) => {
    expect(canonicalTime(given, kind)).toBe(stored);
  });

  const micro = '2006-01-02T15:04:05.000000Z07:00';
  const whole = '2006-01-02T15:04:05Z07:00';
  it.each([
    ['microTime', '2026-01-02T03:04:05Z', `as "${micro}": cannot parse "Z" as ".000000"`],
    ['microTime', '2026-01-02T03:04:05.123Z', `as "${micro}": cannot parse ".123Z" as ".000000"`],
    ['microTime', '2026-01-02T03:04:05.1234567Z', `as "${micro}": cannot parse ".1234567Z" as ".000000"`],
    ['time', 'yesterday', `as "${whole}": cannot parse "yesterday" as "2006"`],
    ['time', '2026-01-02', `as "${whole}": cannot parse "" as "T"`],
    ['time', '2026-01-02 03:04:05Z', `as "${whole}": cannot parse " 03:04:05Z" as "T"`],
    ['time', '2026-01-02T03:04:05', `as "${whole}": cannot parse "" as "Z07:00"`],
    ['time', '2026-01-02T03:04:05Z!', `as "${whole}": extra text: "!"`],
  ] as const)('a %s %s is refused', (kind, given, why) => {
    expect(() => canonicalTime(given, kind)).toThrow(`parsing time "${given}" ${why}`);
  });

  it.each([
    ['2026-13-01T00:00:00Z', 'month'],
    ['2026-02-29T00:00:00Z', 'day'],
    ['2026-01-00T00:00:00Z', 'day'],
    ['2026-01-01T24:00:00Z', 'hour'],
    ['2026-01-01T00:60:00Z', 'minute'],
    ['2026-01-01T00:00:60Z', 'second'],
  ])('%s: %s out of range', (given, part) => {
    expect(() => canonicalTime(given, 'time')).toThrow(`parsing time "${given}": ${part} out of range`);
  });
});
