import type { Clock, PodRecord, Timer } from '../../core/model/index.ts';
import type { WatchedSource } from './ports.ts';

/** When the next loop begins (§2). */
export interface LoopTrigger {
  /** A loop begins. */
  begun(): void;
  /** When the last pod was heard to have turned unschedulable, epoch milliseconds; `undefined`: none yet, or nobody listens. */
  lastPodAt(): number | undefined;
  /** The cluster was changed: a size was raised, a deletion was begun. */
  productive(): void;
  /** Resolves when the next loop is due; false: it was stopped. */
  wait(options?: { readonly mostMs?: number | undefined }): Promise<boolean>;
  stop(): void;
}

export interface LoopTriggerOptions {
  readonly clock: Clock;
  readonly scanIntervalMs: number;
  /** False: a plain ticker. */
  readonly frequent: boolean;
  readonly pods: Pick<WatchedSource<PodRecord>, 'onDelta'>;
}

/** Between the end of a loop and the next one that begins at once: what was just asked for should have begun to happen. */
const leastPauseMs = 1_000;
/** The same where a pod waits: it is not to wait for long. But the process belongs to others, too, for as long as the loop took. */
const leastPauseForPodMs = 500;

export function createLoopTrigger({ clock, scanIntervalMs, frequent, pods }: LoopTriggerOptions): LoopTrigger {
  let stopped = false;
  let wake: ((due: boolean) => void) | undefined;
  /** A pod has turned unschedulable since the last loop began. */
  let podWaits = false;
  let lastPodAt: number | undefined;
  let lastProductive = Number.NEGATIVE_INFINITY;
  const starts: [beforeLast: number, last: number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const unsubscribe = frequent
    ? pods.onDelta(({ old, new: pod }) => {
        if (pod?.unschedulable !== true || old?.unschedulable === true) return;
        podWaits = true;
        lastPodAt = clock.now();
        wake?.(true);
      })
    : () => undefined;
  const pause = (ms: number, untilPod: boolean): Promise<boolean> =>
    new Promise((resolve) => {
      let timer: Timer | undefined;
      const end = (due: boolean): void => {
        timer?.cancel();
        wake = undefined;
        resolve(due);
      };
      timer = clock.setTimeout(() => end(true), ms);
      // A stop ends every pause, a pod only those that wait for one.
      wake = (due) => {
        if (!due || untilPod) end(due);
      };
    });
  return {
    begun: () => {
      starts[0] = starts[1];
      starts[1] = clock.monotonic();
      podWaits = false;
    },
    lastPodAt: () => lastPodAt,
    productive: () => {
      lastProductive = clock.monotonic();
    },
    wait: async ({ mostMs = Number.POSITIVE_INFINITY } = {}) => {
      if (stopped) return false;
      const intervalMs = Math.min(scanIntervalMs, mostMs);
      if (!frequent) return pause(intervalMs, false);
      // The start of the loop before the last one: one that changed nothing may follow one that did.
      const again = lastProductive >= starts[0] && lastProductive !== Number.NEGATIVE_INFINITY;
      const tookMs = clock.monotonic() - starts[1];
      const leastMs = Math.min(intervalMs, leastPauseMs, Math.max(leastPauseForPodMs, tookMs));
      if (!(await pause(leastMs, false))) return false;
      if (podWaits) return true;
      return pause((again ? Math.min(leastPauseMs, intervalMs) : intervalMs) - leastMs, true);
    },
    stop: () => {
      stopped = true;
      unsubscribe();
      wake?.(false);
    },
  };
}
