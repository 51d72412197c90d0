import { describe, expect, it } from 'vitest';
import {
  cappedIntegral,
  clip,
  constant,
  integral,
  leak,
  maximum,
  modulate,
  periodic,
  points,
  ramp,
  scale,
  shift,
  steps,
  sum,
} from './load-series.ts';
import { batch, diurnal, flashCrowd, jitter, noise, onOff } from './load-shapes.ts';

const second = 1000;

describe('series of straight pieces', () => {
  it('steps hold and jump', () => {
    const series = steps([
      { at: 0, value: 10 },
      { at: 60 * second, value: 100 },
    ]);
    expect([-1, 0, 59_999, 60_000, 1e9].map((time) => series.at(time))).toEqual([0, 10, 10, 100, 100]);
    expect(integral(series, 0, 120 * second)).toBe(10 * 60_000 + 100 * 60_000);
    expect(series.pieces(30_000, 90_000)).toEqual([
      { from: 30_000, to: 60_000, start: 10, end: 10 },
      { from: 60_000, to: 90_000, start: 100, end: 100 },
    ]);
  });

  it('ramps and points interpolate', () => {
    const series = ramp({ from: 0, to: 100, start: 0, end: 50 });
    expect(series.at(-5)).toBe(0);
    expect(series.at(50)).toBe(25);
    expect(series.at(200)).toBe(50);
    expect(integral(series, 0, 100)).toBe(2500);
    expect(
      integral(
        points(
          [
            { at: 0, value: 1 },
            { at: 10, value: 3 },
          ],
          'linear',
        ),
        -10,
        20,
      ),
    ).toBe(10 + 20 + 30);
    expect(() =>
      points(
        [
          { at: 10, value: 1 },
          { at: 0, value: 1 },
        ],
        'hold',
      ),
    ).toThrow(/order of time/);
  });

  it('clips with corners, so that integrals stay exact', () => {
    const series = clip(ramp({ from: 0, to: 100, start: -50, end: 150 }), 0, 100);
    // 0 until 25, up to 100 at 75, then level.
    expect(integral(series, 0, 100)).toBeCloseTo((50 * 100) / 2 + 25 * 100, 9);
    expect(series.pieces(0, 100)).toHaveLength(3);
  });

  it('takes the part under a cap', () => {
    const series = ramp({ from: 0, to: 100, start: 0, end: 100 });
    expect(cappedIntegral(series, 50, 0, 100)).toBe(1250 + 2500);
    expect(cappedIntegral(series, 200, 0, 100)).toBe(5000);
    expect(cappedIntegral(series, 0, 0, 100)).toBe(0);
  });

  it('adds, scales, shifts and modulates', () => {
    const series = sum(constant(1), scale(steps([{ at: 10, value: 2 }]), 3), shift(ramp({ from: 0, to: 10, start: 0, end: 10 }), 20));
    expect([0, 10, 25, 40].map((time) => series.at(time))).toEqual([1, 7, 12, 17]);
    expect(integral(series, 0, 40)).toBeCloseTo(40 + 6 * 30 + 50 + 100, 9);
    expect(
      integral(
        modulate(
          ramp({ from: 0, to: 10, start: 0, end: 10 }),
          steps([
            { at: 0, value: 1 },
            { at: 5, value: 2 },
          ]),
        ),
        0,
        10,
      ),
    ).toBe(12.5 + 75);
  });

  it('repeats', () => {
    const series = onOff({ on: 10, off: 1, onMs: 5, offMs: 5 });
    expect([0, 4, 5, 9, 10, 15, -1].map((time) => series.at(time))).toEqual([10, 10, 1, 1, 10, 1, 1]);
    expect(integral(series, 0, 1000)).toBe(5500);
    expect(integral(periodic(ramp({ from: 0, to: 10, start: 0, end: 10 }), 10), 3, 33)).toBeCloseTo(150, 9);
    const runs = batch({ value: 7, everyMs: 100, durationMs: 10 });
    expect([0, 89, 90, 99, 100].map((time) => runs.at(time))).toEqual([0, 0, 7, 7, 0]);
  });

  it('follows the day and the week', () => {
    const hour = 3_600_000;
    const series = diurnal({ mean: 100, amplitude: 50, weekend: 0.5 });
    expect(series.at(14 * hour)).toBeCloseTo(150, 6);
    expect(series.at(2 * hour)).toBeCloseTo(50, 6);
    expect(series.at((5 * 24 + 14) * hour)).toBeCloseTo(75, 6);
    expect(series.at((7 * 24 + 14) * hour)).toBeCloseTo(150, 6);
    // Thursday 1 January 2026, midnight: the third day of the week is the second after it, a Saturday.
    const dated = diurnal({ mean: 100, amplitude: 0, weekend: 0.5, origin: Date.UTC(2026, 0, 1) });
    expect([0, 1, 2, 3, 4].map((days) => dated.at((days * 24 + 12) * hour))).toEqual([100, 100, 50, 50, 100]);
  });

  it('lets a crowd come and go', () => {
    const series = flashCrowd({ base: 10, peak: 110, at: 100, rampMs: 10, holdMs: 100, decayMs: 50 });
    expect([0, 100, 105, 150, 210].map((time) => series.at(time))).toEqual([10, 10, 60, 110, 110]);
    expect(series.at(260)).toBeCloseTo(60, 9);
    expect(series.at(10_000)).toBe(10);
    expect(maximum(series, 0, 1000)).toBe(110);
  });

  it('leaks without end', () => {
    expect(integral(leak({ start: 5, perSecond: 2 }), -1000, 2000)).toBe(5000 + 10_000 + 4000);
  });

  it('makes the same noise for the same seed, however it is read', () => {
    const series = noise({ seed: 7, stddev: 3, everyMs: 1000 });
    const values = Array.from({ length: 4000 }, (_, index) => series.at(index * 1000 + 500));
    expect(values).toEqual(Array.from({ length: 4000 }, (_, index) => noise({ seed: 7, stddev: 3, everyMs: 1000 }).at(index * 1000)));
    const mean = values.reduce((left, right) => left + right, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(deviation).toBeGreaterThan(2.85);
    expect(deviation).toBeLessThan(3.15);
    expect(noise({ seed: 8, stddev: 3 }).at(0)).not.toBe(series.at(0));
    expect(jitter(constant(100), { relative: 0, seed: 1 }).at(5)).toBe(100);
  });
});
