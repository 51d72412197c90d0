import type { Clock } from '../../../core/model/clock.ts';

export interface Slicing {
  readonly clock: Clock;
  readonly turn: () => Promise<void>;
  readonly sliceMs: number;
  readonly signal: AbortSignal;
}

/** Most items without a turn: time that stands still must not make a slice endless. */
const mostItems = 256;

/** Calls `each` for every item, in slices between which the event loop turns; ends early when the signal aborts. */
export async function inSlices<T>(items: Iterable<T>, each: (item: T) => void, { clock, turn, sliceMs, signal }: Slicing): Promise<void> {
  let since = clock.monotonic();
  let count = 0;
  for (const item of items) {
    if (signal.aborted) return;
    each(item);
    count += 1;
    if (count < mostItems && clock.monotonic() - since < sliceMs) continue;
    await turn();
    since = clock.monotonic();
    count = 0;
  }
}
