import { emptyLoopState, exportLoopState, importLoopState, runLoop } from '../engine/loop/index.ts';
import type { LoopEngine } from './loop-engine.ts';

/** The engine of this repository. */
export const houseEngine: LoopEngine = {
  run: runLoop,
  empty: emptyLoopState,
  save: exportLoopState,
  restore: (saved, { savedAt, now, candidateTtlMs }) => {
    if (saved === undefined || saved === null) return { state: emptyLoopState(), problems: [] };
    // A node that was not needed then may have been needed since: nobody knows what happened in a longer silence.
    const watched = savedAt !== undefined && candidateTtlMs > 0 && now - savedAt <= candidateTtlMs;
    const usable = watched || typeof saved !== 'object' ? saved : { ...saved, unneeded: {} };
    const result = importLoopState(usable, now);
    return result.ok ? { state: result.state, problems: [] } : { state: emptyLoopState(), problems: result.problems };
  },
};
