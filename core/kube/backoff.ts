import type { Random } from '../model/clock.ts';

/** Settings of {@link createBackoff}, in milliseconds. */
export interface BackoffOptions {
  /** Upper bound of the first delay. */
  readonly baseMs: number;
  /** Upper bound of every delay. */
  readonly capMs: number;
  readonly random: Random;
}

/** Delays that grow with every failure in a row. */
export interface Backoff {
  /** The next delay in milliseconds. */
  next(): number;
  /** After progress: the next delay is short again. */
  reset(): void;
  /** Failures in a row. */
  readonly failures: number;
}

/**
 * Exponential back-off with full jitter: a delay drawn evenly from (0, min(cap, base·2ⁿ)]. Full jitter spreads a herd of clients that
 * failed at the same instant better than a jittered tail does.
 */
export function createBackoff({ baseMs, capMs, random }: BackoffOptions): Backoff {
  let failures = 0;
  return {
    next: () => fullJitter({ baseMs, capMs, random }, failures++),
    reset: () => {
      failures = 0;
    },
    get failures() {
      return failures;
    },
  };
}

/** The delay in milliseconds before retry number `attempt` (from 0). Never 0, so that a loop around it always yields. */
export function fullJitter({ baseMs, capMs, random }: BackoffOptions, attempt: number): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 40));
  return Math.max(1, bound * (1 - random()));
}
