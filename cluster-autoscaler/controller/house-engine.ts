import { emptyLoopState, runLoop } from '../engine/loop/index.ts';
import type { LoopEngine } from './loop-engine.ts';

/** The engine of this repository. */
export const houseEngine: LoopEngine = {
  run: runLoop,
  empty: emptyLoopState,
  save: () => undefined,
  restore: () => emptyLoopState(),
};
