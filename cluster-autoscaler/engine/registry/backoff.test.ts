import { describe, expect, it } from 'vitest';
import { backOff, isBackedOff, isStale, type Backoff } from './backoff.ts';

const options = { initialBackoffMs: 300_000, maxBackoffMs: 1_800_000, backoffResetMs: 10_800_000 };
const failure = { class: 'other', code: 'timeout', message: 'nothing came' } as const;

function fail(before: Backoff | undefined, now: number): Backoff {
  return backOff(before, failure, { now, options });
}

describe('backoff', () => {
  it('holds for the first duration, at its end too', () => {
    const first = fail(undefined, 1_000);
    expect(first).toEqual({ durationMs: 300_000, until: 301_000, lastFailure: 1_000, failure });
    expect(isBackedOff(first, 301_000)).toBe(true);
    expect(isBackedOff(first, 301_001)).toBe(false);
    expect(isBackedOff(undefined, 0)).toBe(false);
  });

  it('doubles when it had ended, up to the longest', () => {
    let backoff = fail(undefined, 0);
    const lengths = [backoff.durationMs];
    for (let round = 0; round < 5; round++) {
      backoff = fail(backoff, backoff.until + 1);
      lengths.push(backoff.durationMs);
    }
    expect(lengths).toEqual([300_000, 600_000, 1_200_000, 1_800_000, 1_800_000, 1_800_000]);
  });

  it('starts again with the same length while it holds', () => {
    const again = fail(fail(undefined, 0), 100_000);
    expect([again.durationMs, again.until]).toEqual([300_000, 400_000]);
    expect(fail(again, again.until).durationMs).toBe(300_000);
  });

  it('is forgotten when the last failure is older than the reset time', () => {
    const backoff = fail(undefined, 0);
    expect(isStale(backoff, 10_800_000, options)).toBe(false);
    expect(isStale(backoff, 10_800_001, options)).toBe(true);
  });
});
