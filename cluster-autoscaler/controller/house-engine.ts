import { emptyLoopState, exportLoopState, importLoopState, runLoop } from '../engine/loop/index.ts';
import type { LoopEngine } from './loop-engine.ts';

/** Nobody knows what was needed in a longer silence; as long as the engine believes the marks on nodes. */
const unwatchedMs = 30 * 60_000;

/** The engine of this repository. */
export const houseEngine: LoopEngine = {
  run: runLoop,
  empty: emptyLoopState,
  save: exportLoopState,
  restore: (saved, { savedAt, now }) => {
    if (saved === undefined || saved === null) return { state: emptyLoopState(), problems: [] };
    const watched = savedAt !== undefined && now - savedAt <= unwatchedMs;
    // A node that was not needed then may have been needed since.
    const usable = watched || typeof saved !== 'object' ? saved : { ...saved, unneeded: {} };
    const result = importLoopState(usable, now);
    return result.ok ? { state: result.state, problems: [] } : { state: emptyLoopState(), problems: result.problems };
  },
};
