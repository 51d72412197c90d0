import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

test.each([
  ['', undefined],
  ['5', 5000],
  [' 0 ', 0],
  ['99999999', 3_600_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['Thu, 01 Jan 2037 00:00:00 GMT', 3_600_000],
  ['soon', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['2026', 2_026_000],
])('%j', (value, expected) => {
  expect(retryAfterMs(value, now)).toBe(expected);
});
