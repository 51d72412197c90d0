import { describe, expect, it } from 'vitest';
import { ceilInt32, ceilInt64, isWithin, maxInt64, sumCapped, toInt32 } from './arithmetic.ts';

describe('integers as upstream has them, saturated', () => {
  it.each([
    [2.1, 3],
    [-0.5, 0],
    [1e12, 2_147_483_647],
    [-1e12, -2_147_483_648],
    [Infinity, 2_147_483_647],
    [Number.NaN, 0],
  ])('ceil of %d is %d', (value, expected) => {
    expect(Object.is(ceilInt32(value), expected)).toBe(true);
  });

  it('cuts toward zero', () => {
    expect([toInt32(64.8), toInt32(-1.9)]).toEqual([64, -1]);
  });

  it('has no average of nothing', () => {
    expect([ceilInt64(5 / 0), ceilInt64(0 / 0), ceilInt64(9.3e18)]).toEqual([undefined, undefined, maxInt64]);
  });

  it('caps a sum where it would pass 64 bits and ends it there', () => {
    expect(sumCapped([2n ** 62n, 2n ** 62n, -(2n ** 62n)])).toBe(maxInt64);
    expect(sumCapped([5n, -7n])).toBe(-2n);
  });
});

describe('tolerance', () => {
  it.each([
    [0.9, true],
    [1.1, true],
    [1.1000000000000003, false],
    [0.8999999999999999, false],
    [Number.NaN, false],
    [Infinity, false],
  ])('%d within 10 %%: %s', (ratio, within) => {
    expect(isWithin({ scaleUp: 0.1, scaleDown: 0.1 }, ratio)).toBe(within);
  });
});
