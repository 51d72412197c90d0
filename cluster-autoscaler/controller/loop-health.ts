import type { Clock } from '../../core/model/index.ts';
import { humanDuration } from '../../core/units/index.ts';
import type { NodesHealthConfig } from '../config.ts';

/** Whether the loop still turns and succeeds (§2). */
export interface LoopHealth {
  /** The controller begins to work, or stops. */
  working(works: boolean): void;
  begun(): void;
  succeeded(): void;
  /** One sentence about what is wrong; `undefined`: nothing, or nothing is to be done. */
  check(): string | undefined;
}

export function createLoopHealth(clock: Clock, { maxInactivityMs, maxFailingMs, maxStartupMs }: NodesHealthConfig): LoopHealth {
  let since: number | undefined;
  let begun = 0;
  let succeeded: number | undefined;
  return {
    working: (works) => {
      since = works ? clock.monotonic() : undefined;
      begun = clock.monotonic();
      succeeded = undefined;
    },
    begun: () => {
      begun = clock.monotonic();
    },
    succeeded: () => {
      succeeded = clock.monotonic();
    },
    check: () => {
      if (since === undefined) return undefined;
      const now = clock.monotonic();
      const over = (at: number, mostMs: number): boolean => now - at > mostMs;
      if (over(begun, maxInactivityMs)) return `no loop of the node controller has begun for ${humanDuration(now - begun)}`;
      if (succeeded === undefined) {
        return over(since, maxStartupMs)
          ? `no loop of the node controller has succeeded since it began ${humanDuration(now - since)} ago`
          : undefined;
      }
      return over(succeeded, maxFailingMs)
        ? `no loop of the node controller has succeeded for ${humanDuration(now - succeeded)}`
        : undefined;
    },
  };
}
