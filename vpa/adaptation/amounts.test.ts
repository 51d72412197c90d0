import { describe, expect, it } from 'vitest';
import { amountOf, amountsOf, largestAmount, quantityText, resourceNames, scaleAmount } from './amounts.ts';

describe('amountOf', () => {
  it.each([
    ['cpu', '250m', 250],
    ['cpu', '1', 1000],
    ['cpu', '100u', 1],
    ['memory', '64Mi', 67_108_864],
    ['memory', '1500m', 2],
    ['memory', '-1500m', -2],
    ['memory', '9007199254740993', 9_007_199_254_740_992],
    ['memory', '1Ei', 2 ** 60],
    ['nvidia.com/gpu', 2, 2],
  ])('%s %s is %d', (resource, value, amount) => {
    expect(amountOf(resource, value)).toBe(amount);
  });

  it.each([
    ['cpu', 'much'],
    ['memory', null],
    ['memory', {}],
    ['cpu', Number.NaN],
  ])('%s %s is unknown', (resource, value) => {
    expect(amountOf(resource, value)).toBeUndefined();
  });

  it('leaves out what is no quantity rather than reading it as zero', () => {
    expect(amountsOf({ cpu: '1', memory: 'lots' })).toEqual({ cpu: 1000 });
    expect(amountsOf(undefined)).toBeUndefined();
    expect(amountsOf(['1'])).toBeUndefined();
  });
});

describe('quantityText', () => {
  it.each([
    ['cpu', 224, '224m'],
    ['cpu', 2000, '2'],
    ['memory', 183_046_954, '183046954'],
    ['memory', 262_144_000, '262144k'],
    ['memory', largestAmount, '9223372036854775807'],
    ['cpu', largestAmount, '9223372036854775807m'],
    ['memory', 0, '0'],
  ])('%s %d is written %s', (resource, amount, text) => {
    expect(quantityText(resource, amount)).toBe(text);
  });
});

describe('scaleAmount', () => {
  it('rounds as told', () => {
    expect(scaleAmount(100, 200, 150)).toBe(133);
    expect(scaleAmount(100, 200, 150, 'up')).toBe(134);
    expect(scaleAmount(100, 300, 150, 'up')).toBe(200);
  });

  it('is exact beyond 2^53', () => {
    expect(scaleAmount(4_503_599_627_370_497, 3, 3)).toBe(4_503_599_627_370_497);
    expect(scaleAmount(1e12, 1e12, 1e12 - 1, 'up')).toBe(1_000_000_000_002);
  });

  it('is unchanged for a base of zero, and saturates', () => {
    expect(scaleAmount(5, 20, 0)).toBe(5);
    expect(scaleAmount(1e13, 1e13, 1)).toBe(largestAmount);
  });
});

it('names CPU and memory first', () => {
  expect(resourceNames({ zeta: 1, memory: 1, alpha: 1, cpu: 1 })).toEqual(['cpu', 'memory', 'alpha', 'zeta']);
});
