import { describe, expect, it } from 'vitest';
import { parseCountOrPercent, Percent, resolveCount, truncatedPercent } from './percent.ts';

describe('Percent', () => {
  it('takes shares in integers', () => {
    expect(Percent.parse('7%').of(100, 'up')).toBe(7);
    expect(Percent.parse('50%').of(3, 'up')).toBe(2);
    expect(Percent.parse('50%').of(3, 'down')).toBe(1);
    expect(Percent.of(0).of(10, 'up')).toBe(0);
    expect(Percent.of(25).toString()).toBe('25%');
  });

  it.each(['50', '-5%', '5.5%', '%', '1e2%', ''])('refuses %j', (text) => {
    expect(() => Percent.parse(text)).toThrowError(expect.objectContaining({ code: 'PERCENT_INVALID' }));
  });

  it('refuses numbers that are no whole share', () => {
    expect(() => Percent.of(0.5)).toThrowError(expect.objectContaining({ code: 'PERCENT_INVALID' }));
    expect(() => Percent.of(-1)).toThrowError(expect.objectContaining({ code: 'PERCENT_INVALID' }));
  });
});

describe('parseCountOrPercent', () => {
  it('reads counts and shares', () => {
    expect(resolveCount(parseCountOrPercent(2), 10, 'up')).toBe(2);
    expect(resolveCount(parseCountOrPercent('25%'), 10, 'up')).toBe(3);
    expect(() => parseCountOrPercent('2')).toThrowError(expect.objectContaining({ code: 'PERCENT_INVALID' }));
    expect(() => parseCountOrPercent(-1)).toThrowError(expect.objectContaining({ code: 'PERCENT_INVALID' }));
  });
});

describe('truncatedPercent', () => {
  it('cuts, and stays exact beyond 2^53', () => {
    expect(truncatedPercent(559n, 1000n)).toBe(55);
    expect(truncatedPercent(9_007_199_254_740_993n * 89n, 9_007_199_254_740_993n * 100n)).toBe(89);
    expect(truncatedPercent(1n, 0n)).toBeUndefined();
  });
});
