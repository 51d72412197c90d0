import type { LoopExtras, Pause } from './model.ts';

/** Knows for how long the loop has worked without a break. */
export interface Pace {
  /** Milliseconds of work between breaks; `undefined`: there are none. */
  readonly sliceMs: number | undefined;
  readonly due: () => boolean;
  /** The loop goes on. */
  readonly resumed: () => void;
}

/** Work that pauses now and then. */
export type Pausing<Answer> = Generator<Pause, Answer, unknown>;

/** Works without a break. */
export const withoutBreak: Pace = { sliceMs: undefined, due: () => false, resumed: () => undefined };

export function createPace({ stopwatch, sliceMs }: Pick<LoopExtras, 'stopwatch' | 'sliceMs'>): Pace {
  if (stopwatch === undefined || sliceMs === undefined) return withoutBreak;
  let since = stopwatch();
  return {
    sliceMs,
    due: () => stopwatch() - since >= sliceMs,
    resumed: () => {
      since = stopwatch();
    },
  };
}

const pause: Pause = { type: 'pause' };

/** Pauses if it is time to. To be asked after every few hundred microseconds of work. */
export function* breathe(pace: Pace): Pausing<void> {
  if (!pace.due()) return;
  yield pause;
  pace.resumed();
}

/** Does all of the work at once, whatever its pace; for tests. */
export function atOnce<Answer>(work: Pausing<Answer>): Answer {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}
