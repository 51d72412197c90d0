import { minLimit } from './limits.ts';

/** One of the limits that an estimation obeys. A function is asked anew at each start. 0 = no limit, negative = nothing may be added. */
export interface Threshold {
  /** Nodes, empty ones included. */
  readonly nodes: number | (() => number);
  /** Milliseconds since the start. */
  readonly durationMs: number | (() => number);
}

/** Says how many nodes one estimation may add; {@link start} begins the next. */
export interface EstimationLimiter {
  start(): void;
  /** Whether a node may be added now; a yes counts it. Ask right before adding. */
  permit(): boolean;
  /** Yeses since the start. */
  readonly granted: number;
}

/**
 * Upstream's threshold based limiter: the smallest positive of all limits holds, a negative one forbids everything. `stopwatch` answers
 * milliseconds since any fixed moment; without it time limits are not looked at (but a negative one forbids).
 */
export function createLimiter(thresholds: readonly Threshold[], stopwatch?: () => number): EstimationLimiter {
  let maxNodes = 0;
  let maxDurationMs = 0;
  let startedAt = 0;
  let granted = 0;
  const expired = (): boolean => maxDurationMs > 0 && stopwatch !== undefined && stopwatch() - startedAt > maxDurationMs;
  return {
    start: () => {
      maxNodes = 0;
      maxDurationMs = 0;
      for (const { nodes, durationMs } of thresholds) {
        maxNodes = minLimit(maxNodes, valueOf(nodes));
        maxDurationMs = minLimit(maxDurationMs, valueOf(durationMs));
      }
      granted = 0;
      startedAt = stopwatch?.() ?? 0;
    },
    permit: () => {
      if (maxNodes < 0 || maxDurationMs < 0 || (maxNodes > 0 && granted >= maxNodes) || expired()) return false;
      granted += 1;
      return true;
    },
    get granted() {
      return granted;
    },
  };
}

function valueOf(limit: number | (() => number)): number {
  return typeof limit === 'number' ? limit : limit();
}
