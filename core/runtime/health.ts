import { messageOf } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import { humanDuration } from '../units/duration.ts';

/** Answers `undefined` when all is well, else one sentence about what is not. A throw counts as a problem. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>;

export interface CheckResult {
  readonly name: string;
  readonly problem: string | undefined;
}

/** Runs all checks but the excluded ones, side by side. */
export function runChecks(checks: ReadonlyMap<string, HealthCheck>, excluded: ReadonlySet<string> = new Set()): Promise<CheckResult[]> {
  const due = [...checks].filter(([name]) => !excluded.has(name));
  return Promise.all(
    due.map(async ([name, check]) => {
      try {
        return { name, problem: await check() };
      } catch (error) {
        return { name, problem: messageOf(error) };
      }
    }),
  );
}

/** One line for each check, as the API server's health endpoints print them; with the reason, which is nothing secret here. */
export function renderChecks(path: string, results: readonly CheckResult[]): string {
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`));
  const failed = results.some((result) => result.problem !== undefined);
  return `${[...lines, `${path} check ${failed ? 'failed' : 'passed'}`].join('\n')}\n`;
}

/** Tells whether a loop still turns. */
export interface LoopProgress {
  /** The loop ended a turn (well or not). */
  beat(): void;
  readonly check: HealthCheck;
}

/** Fails when the last turn ended more than `factor` (default 3) intervals ago. The time before the first turn counts from the call. */
export function loopProgress(options: { readonly clock: Clock; readonly intervalMs: number; readonly factor?: number }): LoopProgress {
  const { clock, intervalMs, factor = 3 } = options;
  let last = clock.monotonic();
  return {
    beat: () => {
      last = clock.monotonic();
    },
    check: () => {
      const since = clock.monotonic() - last;
      if (since <= factor * intervalMs) return undefined;
      return `no turn for ${humanDuration(since)}, expected one every ${humanDuration(intervalMs)}`;
    },
  };
}
