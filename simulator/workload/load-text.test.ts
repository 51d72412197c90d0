import { describe, expect, it } from 'vitest';
import { isConcertinaError } from '../../core/errors.ts';
import { integral } from './load-series.ts';
import { parseLoad } from './load-text.ts';

describe('load as text', () => {
  it.each([
    ['100', 5000, 100],
    ['constant:1.5k', 5000, 1500],
    ['step:0s=10,60s=100', 59_000, 10],
    ['step:0s=10,60s=100', 60_000, 100],
    ['ramp:0s=10,10m=100', 300_000, 55],
    ['onoff:on=100,off=10,onFor=5m,offFor=5m', 360_000, 10],
    ['batch:value=100,every=1h,for=5m', 3_500_000, 100],
    ['diurnal:mean=100,amplitude=50,peak=14h', 14 * 3_600_000, 150],
    ['flash:base=10,peak=500,at=5m,ramp=30s,hold=2m,decay=5m', 400_000, 500],
    ['10 + step:10s=5 + constant:1', 11_000, 16],
  ])('%s', (text, time, value) => {
    expect(parseLoad(text).at(time)).toBeCloseTo(value, 6);
  });

  it('never goes below zero', () => {
    const series = parseLoad('5 + noise:stddev=50,every=1s,seed=3');
    expect(Math.min(...Array.from({ length: 200 }, (_, index) => series.at(index * 1000)))).toBe(0);
    expect(integral(series, 0, 200_000)).toBeGreaterThan(0);
  });

  it('reads quantities in a unit', () => {
    expect(parseLoad('250m', { unit: 1000 }).at(0)).toBe(250);
    expect(parseLoad('ramp:0s=50Mi,10m=100Mi').at(600_000)).toBe(100 * 1024 * 1024);
  });

  it.each([
    ['fast', /"fast" is not a number/],
    ['square:1', /not key=value/],
    ['square:a=1', /not a kind of load/],
    ['step:0s', /not time=value/],
    ['step:soon=1', /not a duration/],
    ['onoff:on=1,onFor=1s', /offFor= is missing/],
  ])('says what is wrong with %s', (text, message) => {
    let thrown: unknown;
    try {
      parseLoad(text);
    } catch (error) {
      thrown = error;
    }
    expect(isConcertinaError(thrown, 'POLICY_INVALID')).toBe(true);
    expect((thrown as Error).message).toMatch(message);
  });
});
