import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Duration, formatDuration, humanDuration, parseDurationMs, tryParseDurationMs } from './duration.ts';

describe('parseDurationMs', () => {
  it.each([
    ['15.03s', 15_030],
    ['1m0s', 60_000],
    ['10.5s', 10_500],
    ['500ms', 500],
    ['1h2m3s', 3_723_000],
    ['1h2m3.5s', 3_723_500],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['5.s', 5000],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['100μs', 0.1],
    ['1ns', 0.000_001],
    ['-1m30s', -90_000],
    ['+2s', 2000],
    ['0', 0],
    ['-0', 0],
    ['90', 90_000],
    ['0.25', 250],
    ['1m1m', 120_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it('takes a number as seconds', () => {
    expect(parseDurationMs(90)).toBe(90_000);
    expect(parseDurationMs(0.5)).toBe(500);
  });

  it.each(
    ['', '-', '.', 's', '.s', '1', '1d', '1 s', '1m ', '1e3s', 's1', '1mm', '300000h1000000000000h', '9999999h'].filter(
      (text) => text !== '1',
    ),
  )('refuses %j', (text) => {
    expect(tryParseDurationMs(text)).toBeUndefined();
    expect(() => parseDurationMs(text)).toThrowError(expect.objectContaining({ code: 'DURATION_INVALID' }));
  });

  it('refuses what is no finite number', () => {
    expect(tryParseDurationMs(Number.NaN)).toBeUndefined();
    expect(tryParseDurationMs(Infinity)).toBeUndefined();
    expect(tryParseDurationMs(undefined)).toBeUndefined();
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [0.000_001, '1ns'],
    [0.1, '100µs'],
    [1.5, '1.5ms'],
    [500, '500ms'],
    [1500, '1.5s'],
    [60_000, '1m0s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [3_723_500, '1h2m3.5s'],
    [-90_000, '-1m30s'],
    [86_400_000, '24h0m0s'],
    [15_034.567, '15.034567s'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('is read back as the same length', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (milliseconds) => {
        expect(parseDurationMs(formatDuration(milliseconds))).toBe(milliseconds === 0 ? 0 : milliseconds);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (nanoseconds) => {
        expect(parseDurationMs(formatDuration(nanoseconds / 1e6))).toBeCloseTo(nanoseconds / 1e6, 9);
      }),
    );
  });
});

describe('humanDuration', () => {
  it.each([
    [0, '0s'],
    [0.4, '1ms'],
    [850, '850ms'],
    [1000, '1s'],
    [180_000, '3m'],
    [260_000, '4m 20s'],
    [7_500_000, '2h 5m'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
    [-180_000, '-3m'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(humanDuration(milliseconds)).toBe(text);
  });
});

describe('Duration', () => {
  it('is a length whatever it was written in', () => {
    expect(Duration.parse('90s').equals(Duration.ofSeconds(90))).toBe(true);
    expect(JSON.stringify([Duration.ofMs(90_000)])).toBe('["1m30s"]');
    expect(Duration.parse('1m').seconds).toBe(60);
  });
});
