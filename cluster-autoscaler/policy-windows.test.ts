import { describe, expect, it } from 'vitest';
import { openUntil } from './policy-windows.ts';

const window = { start: '0 8 * * MON-FRI', timeZone: 'Europe/Berlin', durationMs: 10 * 3_600_000 };

describe('openUntil', () => {
  it('is open from the start, included, until the end, excluded', () => {
    // A Thursday; Berlin is an hour ahead of UTC.
    const start = Date.UTC(2026, 0, 15, 7);
    const end = start + 10 * 3_600_000;
    expect(openUntil(window, start - 1)).toBeUndefined();
    expect(openUntil(window, start)).toBe(end);
    expect(openUntil(window, end - 1)).toBe(end);
    expect(openUntil(window, end)).toBeUndefined();
  });

  it('follows the clocks of its zone', () => {
    expect(openUntil(window, Date.UTC(2026, 6, 15, 6))).toBe(Date.UTC(2026, 6, 15, 16));
    expect(openUntil(window, Date.UTC(2026, 6, 15, 5, 59, 59, 999))).toBeUndefined();
  });

  it('is not open at a weekend', () => {
    expect(openUntil(window, Date.UTC(2026, 0, 17, 9))).toBeUndefined();
  });
});
