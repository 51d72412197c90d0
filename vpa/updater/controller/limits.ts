import { createRateLimiter } from '../../../core/kube/rate-limit.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { UpdaterConfig } from '../../config.ts';
import { rateLimitOf } from '../engine/index.ts';

/** Waits for its turn; answers whether it came before the signal. */
export type Turn = (signal: AbortSignal) => Promise<boolean>;

/** Two buckets with the same settings, one for evictions and one for resizes. */
export interface Turns {
  readonly eviction: Turn;
  readonly inPlace: Turn;
}

export function createTurns(config: Pick<UpdaterConfig, 'evictionRateLimit' | 'evictionRateBurst'>, clock: Clock): Turns {
  return { eviction: turn(config, clock), inPlace: turn(config, clock) };
}

function turn(
  { evictionRateLimit, evictionRateBurst }: Pick<UpdaterConfig, 'evictionRateLimit' | 'evictionRateBurst'>,
  clock: Clock,
): Turn {
  const limit = rateLimitOf(evictionRateLimit, evictionRateBurst);
  if (limit === undefined) return (signal) => Promise.resolve(!signal.aborted);
  const limiter = createRateLimiter(limit, clock);
  return async (signal) => {
    if (signal.aborted) return false;
    try {
      await limiter.take(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  };
}
