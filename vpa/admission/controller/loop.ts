import { sleep, type Clock } from '../../../core/model/clock.ts';

export interface LoopOptions {
  readonly clock: Clock;
  /** Between the end of a turn and the next one, milliseconds. */
  readonly intervalMs: number;
  /** Turns that are woken for do not follow each other faster. */
  readonly minGapMs?: number | undefined;
  /** May answer how long to wait for the next turn, if sooner than the interval. */
  readonly turn: (signal: AbortSignal) => Promise<number | undefined>;
  /** The turn failed; it is tried again after 1, 2, 4… s, at most the interval. */
  readonly onFailure: (error: unknown) => void;
}

/** One turn at a time, again and again. */
export interface Loop {
  /** The first turn begins at once. Starting again after `stop` is fine. */
  start(): void;
  /** A turn now, or right after the one that runs. */
  wake(): void;
  /** Aborts the turn that runs and resolves at its end. */
  stop(): Promise<void>;
}

export function createLoop(options: LoopOptions): Loop {
  const { clock, intervalMs, minGapMs = 0 } = options;
  let running: { readonly control: AbortController; readonly ended: Promise<void> } | undefined;
  let nap: AbortController | undefined;
  let woken = false;

  const run = async (signal: AbortSignal): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      woken = false;
      let pause = intervalMs;
      try {
        pause = Math.min(intervalMs, (await options.turn(signal)) ?? intervalMs);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        pause = Math.min(intervalMs, 1_000 * 2 ** failures++);
        options.onFailure(error);
      }
      if (minGapMs > 0) await sleep(clock, minGapMs, signal);
      if (!woken && !signal.aborted) await rest(Math.max(0, pause - minGapMs), signal);
    }
  };

  /** Until the time is over or somebody wakes or stops the loop. */
  const rest = async (ms: number, signal: AbortSignal): Promise<void> => {
    const control = new AbortController();
    const end = (): void => control.abort();
    nap = control;
    signal.addEventListener('abort', end, { once: true });
    await sleep(clock, ms, control.signal);
    signal.removeEventListener('abort', end);
    nap = undefined;
  };

  return {
    start: () => {
      if (running !== undefined) return;
      const control = new AbortController();
      running = { control, ended: run(control.signal) };
    },
    wake: () => {
      woken = true;
      nap?.abort();
    },
    stop: async () => {
      const stopping = running;
      if (stopping === undefined) return;
      stopping.control.abort();
      await stopping.ended;
      if (running === stopping) running = undefined;
    },
  };
}
