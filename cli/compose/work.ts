import type { Logger } from '../../core/runtime/logging.ts';
import type { Mirrors } from './mirrors.ts';

export interface Work {
  start(why: string): void;
  stop(why: string): Promise<void>;
  isWorking(): boolean;
}

/** What only the leader does. It begins when the mirrors are complete: nothing is decided on half a picture. */
export function createWork(deps: {
  aggregation: { start(): void; stop(): void };
  /** Absent in a process that only measures. */
  hpa: { start(): void; stop(): Promise<void> } | undefined;
  mirrors: Mirrors;
  logger: Logger;
  signal: AbortSignal;
}): Work {
  const { aggregation, hpa, mirrors, logger } = deps;
  let wanted = false;
  let term = 0;
  return {
    isWorking: () => wanted,
    start: (why) => {
      if (wanted || deps.signal.aborted) return;
      wanted = true;
      const mine = ++term;
      logger.info('starting to work', { why });
      const needed = hpa === undefined ? [mirrors.pods] : [mirrors.pods, mirrors.policies];
      void Promise.all(needed.map((mirror) => mirror.waitForSync(deps.signal))).then((synced) => {
        if (!synced.every(Boolean) || mine !== term || !wanted) return;
        hpa?.start();
        aggregation.start();
      });
    },
    stop: async (why) => {
      if (!wanted) return;
      wanted = false;
      term += 1;
      logger.info('stopping work', { why });
      aggregation.stop();
      await hpa?.stop();
    },
  };
}
