import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeriesStore, defaultSeriesStoreConfig } from './series-store.ts';

const pairs = (store: ReturnType<typeof createSeriesStore>, key: string, upTo = Infinity) => {
  const history = store.history(key, upTo);
  return history === undefined ? undefined : [...history.timestamps].map((time, point) => [time, history.values[point]]);
};

describe('the series store', () => {
  it('gives what was recorded up to an instant, as copies', () => {
    const store = createSeriesStore();
    store.record('q', 10, 1);
    store.record('q', 20, Number.NaN);
    const early = store.history('q', 20);
    store.record('q', 30, 3);
    expect(early).toEqual({ timestamps: Float64Array.of(10, 20), values: Float64Array.of(1, Number.NaN) });
    expect([pairs(store, 'q', 19), pairs(store, 'q', 9), pairs(store, 'other')]).toEqual([[[10, 1]], undefined, undefined]);
    early!.values[0] = 99;
    expect(pairs(store, 'q', 10)).toEqual([[10, 1]]);
  });

  it('replaces at the same instant, and drops what is later when the clock was set back', () => {
    const store = createSeriesStore();
    for (const [at, value] of [
      [10, 1],
      [20, 2],
      [20, 3],
      [30, 4],
      [15, 5],
    ] as const)
      store.record('q', at, value);
    expect(pairs(store, 'q')).toEqual([
      [10, 1],
      [15, 5],
    ]);
  });

  it('gives up the key that was recorded least recently', () => {
    const store = createSeriesStore({ points: 4, maxKeys: 2 });
    store.record('a', 1, 1);
    store.record('b', 1, 1);
    store.record('a', 2, 2);
    store.record('c', 2, 2);
    expect([store.size, pairs(store, 'a'), pairs(store, 'b'), pairs(store, 'c')]).toEqual([
      2,
      [
        [1, 1],
        [2, 2],
      ],
      undefined,
      [[2, 2]],
    ]);
    store.forget('a');
    expect([store.size, pairs(store, 'a')]).toEqual([1, undefined]);
  });

  it('keeps one hour at 15 s by default', () => {
    const store = createSeriesStore(defaultSeriesStoreConfig);
    for (let point = 0; point < 1000; point++) store.record('q', point * 15_000, point);
    const history = store.history('q', Infinity)!;
    expect([history.values.length, history.values[0], history.values.at(-1)]).toEqual([240, 760, 999]);
  });

  it('keeps the newest points, whatever their number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.array(fc.tuple(fc.integer({ min: -2, max: 5 }), fc.double()), { maxLength: 200 }),
        (points, steps) => {
          const store = createSeriesStore({ points, maxKeys: 1 });
          let expected: number[][] = [];
          let at = 0;
          for (const [step, value] of steps) {
            at += step;
            expected = [...expected.filter(([time = 0]) => time < at), [at, value]].slice(-points);
            store.record('q', at, value);
          }
          expect(pairs(store, 'q')).toEqual(steps.length === 0 ? undefined : expected);
        },
      ),
    );
  });
});
