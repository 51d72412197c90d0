import type { Clock } from '../../core/model/clock.ts';
import type { Doubt } from '../../core/model/sample.ts';
import { judgeHeartbeat, noHeartbeat, type HeartbeatState } from '../engine/heartbeat.ts';
import type { Heartbeat } from './source-directory.ts';

/** Notices that a source takes in nothing new although it answers. */
export interface HeartbeatWatch {
  /** Listens once; gives up after a while, since the queries wait for it. */
  listen(source: string, heartbeat: Heartbeat): Promise<void>;
  doubt(source: string): Doubt | undefined;
  forget(source: string): void;
}

/** Queries of a source whose heartbeat takes longer are asked without it. */
const patienceMs = 2_000;

export function createHeartbeatWatch(clock: Clock): HeartbeatWatch {
  const states = new Map<string, HeartbeatState>();
  const doubts = new Map<string, Doubt | undefined>();
  return {
    listen: async (source, heartbeat) => {
      const limit = new AbortController();
      const late = new Promise<undefined>((resolve) => limit.signal.addEventListener('abort', () => resolve(undefined), { once: true }));
      const timer = clock.setTimeout(() => limit.abort(), patienceMs);
      const answer = await Promise.race([heartbeat(limit.signal).catch(() => undefined), late]);
      timer.cancel();
      // A heartbeat that cannot be heard says nothing: the queries tell for themselves that the source is away.
      if (answer?.ok !== true) return;
      const { state, doubt } = judgeHeartbeat(states.get(source) ?? noHeartbeat, answer.newest, { name: source, now: clock.now() });
      states.set(source, state);
      doubts.set(source, doubt);
    },
    doubt: (source) => doubts.get(source),
    forget: (source) => {
      states.delete(source);
      doubts.delete(source);
    },
  };
}
