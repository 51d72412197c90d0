import type { Clock, Timer } from '../../../core/model/clock.ts';
import type { Amounts, Recommendation } from '../../model.ts';
import type { KnownPolicy } from '../../ports.ts';

/** Passes out of turn, over the policies that ask for one. */
export interface EarlyPasses {
  /** Asks for a pass over the policy at that time, epoch milliseconds; the earliest counts. */
  ask(policyKey: string, at: number): void;
  /** Nothing is waited for any more for it: a pass over it begins. */
  taken(policyKeys: Iterable<string>): void;
  stop(): void;
}

/** Between two passes out of turn at the least, milliseconds: what asks comes in swarms. */
export const earlyGapMs = 5_000;

export function createEarlyPasses(clock: Clock, run: (keys: ReadonlySet<string>) => void): EarlyPasses {
  const due = new Map<string, number>();
  let timer: { readonly at: number; readonly handle: Timer } | undefined;
  let lastRun = Number.NEGATIVE_INFINITY;
  let stopped = false;

  const fire = (): void => {
    timer = undefined;
    const now = clock.now();
    const keys = new Set<string>();
    for (const [key, at] of due) if (at <= now) keys.add(key);
    for (const key of keys) due.delete(key);
    lastRun = now;
    if (keys.size > 0) run(keys);
    arm();
  };
  const arm = (): void => {
    if (stopped || due.size === 0) return;
    const at = Math.max(lastRun + earlyGapMs, Math.min(...due.values()));
    if (timer !== undefined && timer.at <= at) return;
    timer?.handle.cancel();
    timer = { at, handle: clock.setTimeout(fire, at - clock.now()) };
  };
  return {
    ask: (key, at) => {
      const before = due.get(key);
      if (before !== undefined && before <= at) return;
      due.set(key, at);
      arm();
    },
    taken: (keys) => {
      for (const key of keys) due.delete(key);
    },
    stop: () => {
      stopped = true;
      timer?.handle.cancel();
      due.clear();
    },
  };
}

/** Something is recommended that is outside of what was the recommended range before: not worth waiting for the next pass. */
export function hasLeapt(old: KnownPolicy | undefined, now: KnownPolicy | undefined): boolean {
  const before = old?.recommendation;
  const after = now?.recommendation;
  if (before === undefined || after === undefined || before === after) return false;
  return leapt(before, after);
}

function leapt(before: Recommendation, after: Recommendation): boolean {
  return after.containers.some(({ container, lowerBound, upperBound }) => {
    const old = before.containers.find((each) => each.container === container);
    return (
      old !== undefined && Object.entries(old.target).some(([resource, amount]) => isOutside(amount, resource, { lowerBound, upperBound }))
    );
  });
}

function isOutside(
  amount: number,
  resource: string,
  { lowerBound, upperBound }: { readonly lowerBound: Amounts; readonly upperBound: Amounts },
): boolean {
  const lower = lowerBound[resource];
  const upper = upperBound[resource];
  return (lower !== undefined && amount < lower) || (upper !== undefined && amount > upper);
}
