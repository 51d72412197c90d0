import type { Loop, LoopState } from '../engine/loop/model.ts';

/** The engine as the controller drives it. */
export interface LoopEngine {
  readonly run: Loop;
  /** The state before the first loop. */
  empty(): LoopState;
  /** What of a state outlives a restart, as JSON. */
  save(state: LoopState): unknown;
  /**
   * A state out of what was saved. What cannot be read makes the empty one, with problems that say where it is wrong; nothing saved is no problem.
   * `savedAt` and `now` in epoch milliseconds; without `savedAt` it is not known how old it is. Since when nodes are unneeded is believed for so many
   * milliseconds after it was saved.
   */
  restore(
    saved: unknown,
    times: { readonly savedAt: number | undefined; readonly now: number; readonly candidateTtlMs: number },
  ): RestoredState;
}

export interface RestoredState {
  readonly state: LoopState;
  readonly problems: readonly string[];
}
