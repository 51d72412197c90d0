import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { realClock } from '../../core/runtime/clock.ts';

const day = 86_400_000;

// Node's own timers, faked: the real clock is what is looked at here.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

// Node takes a delay that does not fit into 31 bits for 1 ms: a timer of a month fired at once.
it('fires when its time has come, and not at once', () => {
  let fired = 0;
  realClock.setTimeout(() => (fired += 1), 60 * day);
  vi.advanceTimersByTime(59 * day);
  expect(fired).toBe(0);
  vi.advanceTimersByTime(day);
  expect(fired).toBe(1);
});

it('can be cancelled in each of its parts', () => {
  let fired = 0;
  const timer = realClock.setTimeout(() => (fired += 1), 60 * day);
  vi.advanceTimersByTime(30 * day);
  timer.cancel();
  vi.advanceTimersByTime(60 * day);
  expect(fired).toBe(0);
});
