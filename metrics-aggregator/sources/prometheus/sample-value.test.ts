import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFloatText, parseMilliText, parseTimestamp } from './sample-value.ts';

describe('thousandths of a value', () => {
  test.each<[string, bigint]>([
    ['0', 0n],
    ['-0', 0n],
    ['1', 1000n],
    ['0.1', 100n],
    ['0.3', 300n],
    ['0.30000000000000004', 300n],
    ['0.25', 250n],
    ['0.0004', 0n],
    ['0.0005', 1n],
    ['-0.0005', -1n],
    ['-0.0004', 0n],
    ['2.9995', 3000n],
    ['1234.5678', 1_234_568n],
    ['1000000000000000000', 1_000_000_000_000_000_000_000n],
    ['1e18', 1_000_000_000_000_000_000_000n],
    ['1E+18', 1_000_000_000_000_000_000_000n],
    ['9007199254740993', 9_007_199_254_740_993_000n],
    ['1.5e-3', 2n],
    ['1.4e-3', 1n],
    ['5e-324', 0n],
    ['+2', 2000n],
    ['.5', 500n],
    ['5.', 5000n],
    ['1.7976931348623157e308', 17976931348623157n * 10n ** 295n],
  ])('%s', (text, milli) => {
    expect(parseMilliText(text)).toBe(milli);
  });

  test.each([
    'NaN',
    '+Inf',
    '-Inf',
    'Inf',
    '',
    '.',
    '-',
    '1e',
    '1e999',
    '1e999999999',
    'e5',
    '0x10',
    '1_000',
    ' 1',
    '1 ',
    '1,5',
    '١',
    `${'9'.repeat(900)}`,
  ])('%j is none', (text) => {
    expect(parseMilliText(text)).toBeUndefined();
  });

  test('a float comes within half a thousandth, and whole thousandths come exactly', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e12, max: 1e12 }), (value) => {
        const milli = parseMilliText(String(value));
        expect(milli).toBeDefined();
        expect(Math.abs(Number(milli) / 1000 - value)).toBeLessThanOrEqual(0.0005 + Math.abs(value) * 1e-15);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (milli) => {
        expect(parseMilliText(String(Number(milli) / 1000))).toBe(milli);
      }),
    );
  });
});

test('floats', () => {
  expect(['NaN', '+Inf', 'Inf', '-Inf', '1.5', '-2e3', '.5'].map(parseFloatText)).toEqual([
    Number.NaN,
    Infinity,
    Infinity,
    -Infinity,
    1.5,
    -2000,
    0.5,
  ]);
  expect(['', 'nan', '0x1', ' 1', '1 ', 'Infinity', '1e'].map(parseFloatText)).toEqual(Array.from({ length: 7 }, () => undefined));
});

test('timestamps', () => {
  expect(parseTimestamp(1_700_000_000.123)).toBe(1_700_000_000_123);
  expect(parseTimestamp(-1)).toBe(-1000);
  expect(['1', null, undefined, Number.NaN, Infinity, 1e15].map(parseTimestamp)).toEqual(Array.from({ length: 6 }, () => undefined));
});
