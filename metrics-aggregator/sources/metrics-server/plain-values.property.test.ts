import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tryParseDurationMs } from '../../../core/units/duration.ts';
import { tryParseMilli } from '../../../core/units/quantity.ts';
import { milliAt, timestampMs, timestampMsAt, windowMs, windowMsAt } from './plain-values.kernel.ts';

/** In the middle of other bytes, as it stands in an answer. */
function within<T>(text: string, read: (body: Buffer, from: number, to: number) => T): T {
  const body = Buffer.from(`"9s${text}9n"`);
  return read(body, 3, body.length - 3);
}

const digits = fc.stringMatching(/^[0-9]{0,17}$/);
const suffix = fc.constantFrom(
  '',
  'n',
  'u',
  'm',
  'k',
  'M',
  'G',
  'T',
  'P',
  'E',
  'Ki',
  'Mi',
  'Gi',
  'Ti',
  'Pi',
  'Ei',
  'e3',
  'E-2',
  'i',
  'x',
  'ni',
  ' ',
  'K',
);

describe('values out of bytes are those of the text', () => {
  it('quantities', () => {
    const text = fc
      .tuple(fc.constantFrom('', '-', '+'), digits, fc.constantFrom('', '', '.'), digits, suffix)
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: text }, fc.stringMatching(/^[ -~]{0,6}$/)), (quantity) => {
        const milli = tryParseMilli(quantity);
        expect(within(quantity, milliAt)).toBe(milli === undefined || milli < 0 ? Number.NaN : milli);
      }),
      { numRuns: 3000 },
    );
  });

  it('windows', () => {
    const part = fc
      .tuple(digits, fc.constantFrom('', '.'), digits, fc.constantFrom('s', 's', 's', 'ms', 'm', 'h', 'us', '', 'x'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          part,
          fc.array(part, { maxLength: 3 }).map((parts) => parts.join('')),
        ),
        (window) => {
          expect(within(window, windowMsAt)).toBe(windowMs(window));
          expect(windowMs(window)).toBe((window.length <= 64 ? tryParseDurationMs(window) : undefined) ?? Number.NaN);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('timestamps', () => {
    const number = (max: number, width: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(width, '0'));
    const text = fc
      .tuple(
        number(9999, 4),
        number(13, 2),
        number(32, 2),
        number(25, 2),
        number(61, 2),
        number(61, 2),
        fc.constantFrom('Z', 'Z', '.5Z', '.123456789Z', '+01:00', 'z', '', '-'),
      )
      .map(([year, month, day, hour, minute, second, zone]) => `${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
    const cache = { day: 0, startMs: 0 };
    fc.assert(
      fc.property(fc.oneof(text, fc.stringMatching(/^[0-9TZ:.-]{20}$/)), (timestamp) => {
        const expected = timestampMs(timestamp);
        expect(within(timestamp, (body, from, to) => timestampMsAt(cache, body, from, to))).toBe(expected);
        expect(
          within(timestamp, (body, from, to) => timestampMsAt(cache, body, from, to)),
          'from the cache',
        ).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('are no time when the text is none of RFC 3339, whatever Date.parse says', () => {
    expect(['1', 'Nov 22, 2026', '2026-11-22', '2026-11-22T06:07:13', '2026-13-01T00:00:00Z', 7, undefined].map(timestampMs)).toEqual(
      Array.from({ length: 7 }, () => Number.NaN),
    );
    expect(timestampMs('2026-11-22T06:07:13+01:00')).toBe(Date.UTC(2026, 10, 22, 5, 7, 13));
  });
});
