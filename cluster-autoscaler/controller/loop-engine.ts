import type { Loop, LoopState } from '../engine/loop/model.ts';

/** The engine as the controller drives it. */
export interface LoopEngine {
  readonly run: Loop;
  /** The state before the first loop. */
  empty(): LoopState;
  /** What of a state outlives a restart, as JSON. */
  save(state: LoopState): unknown;
  /** A state out of what was saved; the empty one of what cannot be read. */
  restore(saved: unknown, now: number): LoopState;
}
