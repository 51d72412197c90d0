import type { ProviderFailure } from '../model.ts';

/** Why and until when a group is not scaled up (§4.4). */
export interface Backoff {
  /** Length of the present backoff, milliseconds. */
  readonly durationMs: number;
  /** Epoch milliseconds; holds at exactly this time, too. */
  readonly until: number;
  readonly lastFailure: number;
  readonly failure: ProviderFailure;
}

export interface BackoffOptions {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffResetMs: number;
}

/**
 * The backoff after a failure at `now`. It doubles only when the one before was over already; a failure during a backoff starts the same length
 * again (§25.14).
 */
export function backOff(
  before: Backoff | undefined,
  failure: ProviderFailure,
  { now, options }: { readonly now: number; readonly options: BackoffOptions },
): Backoff {
  let durationMs = before?.durationMs ?? options.initialBackoffMs;
  if (before !== undefined && before.until < now) durationMs = Math.min(2 * durationMs, options.maxBackoffMs);
  return { durationMs, until: now + durationMs, lastFailure: now, failure };
}

export function isBackedOff(backoff: Backoff | undefined, now: number): boolean {
  return backoff !== undefined && backoff.until >= now;
}

/** The last failure is so old that the next one starts over. */
export function isStale(backoff: Backoff, now: number, options: BackoffOptions): boolean {
  return backoff.lastFailure + options.backoffResetMs < now;
}
