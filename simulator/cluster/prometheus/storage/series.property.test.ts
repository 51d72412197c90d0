import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Labels } from './labels.ts';
import { Series } from './series.kernel.ts';

interface Entry {
  readonly time: number;
  readonly value: number;
  readonly stale: boolean;
}

const entries = fc.array(fc.record({ step: fc.integer({ min: 1, max: 50 }), value: fc.double({ noNaN: true }), stale: fc.boolean() }), {
  maxLength: 120,
});

function filled(steps: readonly { readonly step: number; readonly value: number; readonly stale: boolean }[]): {
  series: Series;
  list: Entry[];
} {
  const series = new Series(Labels.empty);
  const list: Entry[] = [];
  let time = 0;
  for (const { step, value, stale } of steps) {
    time += step;
    expect(series.append(time, value, stale)).toBe('appended');
    list.push({ time, value, stale });
  }
  return { series, list };
}

describe('a series', () => {
  it('gives the true samples of a window, ends included, whatever has been forgotten', () => {
    fc.assert(
      fc.property(entries, fc.nat(3000), fc.nat(3000), fc.nat(3000), (steps, one, other, forget) => {
        const { series, list } = filled(steps);
        series.forgetBefore(forget);
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const kept = list.filter(({ time }) => time >= forget);
        const into = { times: [] as number[], values: [] as number[] };
        series.collect(from, to, into);
        const wanted = kept.filter(({ time, stale }) => !stale && time >= from && time <= to);
        expect(into.times).toEqual(wanted.map(({ time }) => time));
        expect(into.values).toEqual(wanted.map(({ value }) => value));
        expect(series.length).toBe(kept.length);
        const index = series.indexAt(to);
        const newest = kept.findLast(({ time }) => time <= to);
        expect(index < 0 ? undefined : [series.timeOf(index), series.isStale(index)]).toEqual(
          newest === undefined ? undefined : [newest.time, newest.stale],
        );
      }),
    );
  });

  it('goes on after forgetting, in the memory that it has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 60 }), (count, window) => {
        const series = new Series(Labels.empty);
        for (let time = 1; time <= count; time++) {
          series.append(time, time * 2);
          series.forgetBefore(time - window);
        }
        const into = { times: [] as number[], values: [] as number[] };
        series.collect(0, count, into);
        expect(into.values).toEqual(into.times.map((time) => time * 2));
        expect(into.times.at(0)).toBe(Math.max(1, count - window));
      }),
    );
  });

  it('takes nothing old, and one value for each instant', () => {
    const series = new Series(Labels.empty);
    series.append(10, 1);
    expect(series.append(9, 1)).toBe('out-of-order');
    expect(series.append(10, 1)).toBe('same');
    expect(series.append(10, 2)).toBe('duplicate');
    expect(series.append(10, 1, true)).toBe('duplicate');
    expect([series.length, series.valueOf(0)]).toEqual([1, 1]);
  });
});
