import { describe, expect, it } from 'vitest';
import { erlangC, latencyOf } from './latency.ts';

describe('latency', () => {
  it('agrees with known values of Erlang C', () => {
    expect(erlangC(1, 0.5)).toBeCloseTo(0.5, 12);
    // Two servers at 75 %: 2·0.75² / (1 + 0.75) · … = 9/14.
    expect(erlangC(2, 1.5)).toBeCloseTo(9 / 14, 12);
    expect(erlangC(10, 8)).toBeCloseTo(0.4092, 4);
    expect([erlangC(3, 0), erlangC(3, 3)]).toEqual([0, 1]);
  });

  it('has no finite answer while nobody serves', () => {
    const model = { kind: 'mmc' } as const;
    expect(latencyOf(model, { demand: 1, capacity: 0, servers: 0, queue: 0 }).meanMs).toBe(Number.POSITIVE_INFINITY);
    expect(latencyOf(model, { demand: 0, capacity: 0, servers: 0, queue: 0 }).meanMs).toBe(0);
  });

  it('falls with every server at the same load', () => {
    const at = (servers: number): number => latencyOf({ kind: 'mmc' }, { demand: 90, capacity: 100 * servers, servers, queue: 0 }).meanMs;
    expect(at(1)).toBeCloseTo(100, 9);
    expect(at(2)).toBeLessThan(at(1));
    expect(at(4)).toBeGreaterThanOrEqual(10);
  });
});
