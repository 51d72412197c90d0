/** A timer that was set on a {@link Clock}. */
export interface Timer {
  /** Stops the timer; harmless when it has fired or was cancelled. */
  cancel(): void;
}

/**
 * The only source of time. Real, scaled and virtual implementations are in `core/runtime/clock.ts`; the interface stands here
 * because every room above `units` takes it as a parameter.
 */
export interface Clock {
  /** Wall time in epoch milliseconds: what goes into objects that others read. */
  now(): number;
  /** Milliseconds that never go backwards and ignore wall-clock steps: what deadlines and lease expiry are measured with. */
  monotonic(): number;
  /** Calls `fn` once after `ms` of this clock's time. A pending timer never keeps the process alive. */
  setTimeout(fn: () => void, ms: number): Timer;
}

/** Resolves after `ms` of the clock's time; resolves early, with `false`, when the signal aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve(false);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      resolve(false);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve(true);
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A source of numbers in [0, 1): seeded in tests and simulations. */
export type Random = () => number;
