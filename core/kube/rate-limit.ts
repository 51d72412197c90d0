import { sleep, type Clock } from '../model/clock.ts';

/** `qps` requests a second on average, `burst` at once. */
export interface RateLimit {
  readonly qps: number;
  readonly burst: number;
}

/** A token bucket whose waiters are served in order of arrival. */
export interface RateLimiter {
  /** Resolves when the request may go out; rejects with the signal's reason when it aborts first, and gives its place back. */
  take(signal?: AbortSignal): Promise<void>;
  /** Takes a token if there is one now; for callers that drop rather than wait. */
  tryTake(): boolean;
}

/**
 * A token bucket on the injected clock. A waiter reserves its token at once (the balance goes below zero) and sleeps until it is due:
 * order is kept without a queue.
 */
export function createRateLimiter({ qps, burst }: RateLimit, clock: Clock): RateLimiter {
  if (!(qps > 0) || !(burst >= 1)) throw new RangeError(`a rate limit needs qps > 0 and burst >= 1, got ${qps} and ${burst}`);
  let tokens = burst;
  let filledAt = clock.monotonic();
  const fill = (): void => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * qps);
    filledAt = now;
  };
  return {
    tryTake: () => {
      fill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    take: async (signal) => {
      signal?.throwIfAborted();
      fill();
      tokens -= 1;
      if (tokens >= 0) return;
      if (await sleep(clock, (-tokens / qps) * 1000, signal)) return;
      tokens += 1;
      signal?.throwIfAborted();
    },
  };
}
