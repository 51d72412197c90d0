import { setMaxListeners } from 'node:events';
import type { Logger } from '../../core/runtime/logging.ts';
import type { Mirrors } from './mirrors.ts';

export interface Work {
  start(why: string): void;
  stop(why: string): Promise<void>;
  isWorking(): boolean;
}

/** A component that works while this copy leads. */
export interface Worker {
  start(): void;
  stop(): Promise<void>;
}

/** What only the leader does. It begins when the mirrors are complete: nothing is decided on half a picture. */
export function createWork(deps: {
  aggregation: { start(): void; stop(): void };
  /** Absent in a process that does not decide on replicas. */
  hpa: Worker | undefined;
  /** Absent in a process that does not decide on requests. */
  vpa: Worker | undefined;
  /** Absent in a process that scales no node groups. */
  nodes?: Worker | undefined;
  mirrors: Mirrors;
  logger: Logger;
  signal: AbortSignal;
}): Work {
  const { aggregation, hpa, vpa, nodes, mirrors, logger } = deps;
  let wanted = false;
  let term = 0;
  // Every mirror waits on it: Node warns from eleven on.
  setMaxListeners(0, deps.signal);
  return {
    isWorking: () => wanted,
    start: (why) => {
      if (wanted || deps.signal.aborted) return;
      wanted = true;
      const mine = ++term;
      logger.info('starting to work', { why });
      const synced = async (needed: readonly { waitForSync(signal?: AbortSignal): Promise<boolean> }[]): Promise<boolean> => {
        const all = await Promise.all(needed.map((mirror) => mirror.waitForSync(deps.signal)));
        return all.every(Boolean) && mine === term && wanted;
      };
      void synced(hpa === undefined ? [mirrors.pods] : [mirrors.pods, mirrors.policies]).then((ready) => {
        if (!ready) return;
        hpa?.start();
        aggregation.start();
      });
      if (nodes !== undefined && mirrors.nodes !== undefined) {
        void synced([mirrors.pods, ...mirrors.nodes.needed]).then((ready) => {
          if (ready) nodes.start();
        });
      }
      // Replicas do not wait for what only requests need.
      const { vertical } = mirrors;
      if (vpa === undefined || vertical === undefined) return;
      const needed = [mirrors.pods, vertical.verticalPolicies, vertical.nativeVpas, vertical.budgets, ...Object.values(vertical.workloads)];
      void synced(needed).then((ready) => {
        if (ready) vpa.start();
      });
    },
    stop: async (why) => {
      if (!wanted) return;
      wanted = false;
      term += 1;
      logger.info('stopping work', { why });
      aggregation.stop();
      await Promise.all([hpa?.stop(), vpa?.stop(), nodes?.stop()]);
    },
  };
}
