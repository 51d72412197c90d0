import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { raisedCapacity } from './increase.ts';

const size = (delta: number, target: number, desired?: number, max = 10): unknown => {
  const answer = raisedCapacity({ group: 'g', delta, target, max, desired });
  return 'refused' in answer ? answer.refused.code : answer.size;
};

describe('an increase', () => {
  it('is target and delta, up to the maximum', () => {
    expect(size(2, 3)).toBe(5);
    expect(size(7, 3)).toBe(10);
    expect(size(8, 3)).toBe('MaxSizeReached');
    expect(size(0, 3)).toBe('InvalidDelta');
    expect(size(Number.NaN, 3)).toBe('InvalidDelta');
  });

  it('counts what somebody else has raised, and goes on top of what somebody has lowered', () => {
    expect(size(2, 3, 4)).toBe(5);
    expect(size(2, 3, 7)).toBe(7);
    expect(size(2, 3, 1)).toBe(3);
    // Above the maximum already: not our doing, and not taken back.
    expect(size(2, 3, 12)).toBe(12);
  });

  it('never lowers a capacity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(20), fc.nat(20), fc.nat(20), (delta, target, desired, max) => {
        const answer = raisedCapacity({ group: 'g', delta, target, max, desired });
        if ('refused' in answer) return;
        expect(answer.size).toBeGreaterThanOrEqual(desired);
        expect(answer.size).toBeLessThanOrEqual(Math.max(max, desired));
      }),
    );
  });
});
