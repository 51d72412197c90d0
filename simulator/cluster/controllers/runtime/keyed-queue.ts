import type { Clock, Timer } from '../../../../core/model/clock.ts';
import { isConflict } from './api-errors.ts';

/** Milliseconds after which the key wants to be looked at again; nothing when it is at rest. */
export type ReconcileResult = number | undefined;

export interface KeyedQueueOptions {
  readonly clock: Clock;
  readonly reconcile: (key: string) => Promise<ReconcileResult>;
  /** Told about every failed reconcile but conflicts, which are ordinary. */
  readonly onError?: ((key: string, error: unknown) => void) | undefined;
  /** Keys worked on at the same time; default 8. One key never runs twice at once. */
  readonly concurrency?: number | undefined;
}

/** A work queue of keys: many notes of one key become one reconcile. */
export interface KeyedQueue {
  add(key: string): void;
  /** Adds the key after a delay on the injected clock; an earlier pending delay of the same key stands. */
  addAfter(key: string, ms: number): void;
  stop(): void;
  /** Nothing is queued or running; delayed keys do not count, time must pass for them. */
  idle(): boolean;
}

const firstBackoffMs = 10;
const maxBackoffMs = 60_000;

/**
 * Immediate work starts on the next turn of the event loop (`setImmediate`), not in a microtask: everything that one turn commits,
 * a thousand bindings say, is then one reconcile, and sockets get their turn in between. Delays use the clock.
 */
export function createKeyedQueue(options: KeyedQueueOptions): KeyedQueue {
  const { clock, reconcile } = options;
  const concurrency = options.concurrency ?? 8;
  const ready = new Set<string>();
  const running = new Set<string>();
  const again = new Set<string>();
  const delayed = new Map<string, { readonly at: number; readonly timer: Timer }>();
  const failures = new Map<string, number>();
  let stopped = false;
  let pumping = false;

  const add = (key: string): void => {
    if (stopped) return;
    if (running.has(key)) again.add(key);
    else ready.add(key);
    schedule();
  };
  const addAfter = (key: string, ms: number): void => {
    if (stopped) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const at = clock.monotonic() + ms;
    const pending = delayed.get(key);
    if (pending !== undefined && pending.at <= at) return;
    pending?.timer.cancel();
    const timer = clock.setTimeout(() => {
      delayed.delete(key);
      add(key);
    }, ms);
    delayed.set(key, { at, timer });
  };
  const schedule = (): void => {
    if (pumping || ready.size === 0 || running.size >= concurrency) return;
    pumping = true;
    setImmediate(pump);
  };
  const pump = (): void => {
    pumping = false;
    for (const key of ready) {
      if (stopped || running.size >= concurrency) break;
      ready.delete(key);
      running.add(key);
      void run(key);
    }
  };
  const run = async (key: string): Promise<void> => {
    try {
      const after = await reconcile(key);
      failures.delete(key);
      if (after !== undefined) addAfter(key, Math.max(after, 1));
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      if (!isConflict(error)) options.onError?.(key, error);
      addAfter(key, Math.min(firstBackoffMs * 2 ** count, maxBackoffMs));
    } finally {
      running.delete(key);
      if (again.delete(key) && !stopped) ready.add(key);
      schedule();
    }
  };

  return {
    add,
    addAfter,
    stop: () => {
      stopped = true;
      ready.clear();
      again.clear();
      for (const { timer } of delayed.values()) timer.cancel();
      delayed.clear();
    },
    idle: () => stopped || (ready.size === 0 && running.size === 0 && again.size === 0),
  };
}

/**
 * How long a controller of a big set waits before it looks at the set again after a pod changed: a look costs time in proportion to the
 * set, so a set of thousands must not be looked at for each of its pods. Small sets are looked at at once.
 */
export function coalesceMs(size: number): number {
  return size <= 500 ? 0 : Math.min(1000, Math.round(size / 10));
}
