import type { Clock, Timer } from '../../../core/model/clock.ts';
import type { PodInfo } from './pod-info.ts';
import { type ClusterChange, looksAtPods, mayHelp } from './queue-hints.ts';

interface Entry {
  pod: PodInfo;
  /** Order among equal priorities: when the pod came. */
  readonly arrival: number;
  attempts: number;
  /** Clock time until which it stays back after a failure. */
  backoffUntil: number;
  /** Plugins that rejected it; empty when unknown. */
  plugins: ReadonlySet<string>;
  /** When it became unschedulable. */
  since: number;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly flushUnschedulableMs: number;
  /** Called when there is something to schedule. */
  readonly onReady: () => void;
}

/**
 * Pods to schedule: ready ones by priority and arrival; those that failed wait for an event that may help, or five minutes, and come back
 * no sooner than their back-off.
 */
export interface SchedulingQueue {
  /** Adds a pod, or its new version; a pod that waits is tried again when `retry`. */
  put(pod: PodInfo, retry: boolean): void;
  remove(key: string): void;
  pop(): PodInfo | undefined;
  /** The popped pod failed: it waits for an event that helps one of the plugins. */
  fail(pod: PodInfo, plugins: ReadonlySet<string>): void;
  /** The popped pod failed for no reason of its own (a write that was refused): it comes back after its back-off. */
  retry(pod: PodInfo): void;
  /** The popped pod is placed. */
  done(key: string): void;
  /** Tries the pods again that the change may help. */
  wake(change: ClusterChange): void;
  readonly ready: number;
  readonly waiting: number;
  stop(): void;
}

export function createSchedulingQueue(options: QueueOptions): SchedulingQueue {
  const { clock, onReady } = options;
  const entries = new Map<string, Entry>();
  const active: Entry[] = [];
  const activeKeys = new Set<string>();
  const unschedulable = new Map<string, Entry>();
  /** Those of them that other pods' placement may help: a placement must not cost a look at every pod that waits for room. */
  const awaitingPods = new Set<Entry>();
  const backingOff = new Map<string, Entry>();
  /** Popped and not reported on; `true` when an event came meanwhile that may have changed the verdict. */
  const inFlight = new Map<string, boolean>();
  let arrivals = 0;
  let backoffTimer: { readonly at: number; readonly timer: Timer } | undefined;
  let flushTimer: Timer | undefined;

  const unpark = (entry: Entry): void => {
    unschedulable.delete(entry.pod.key);
    awaitingPods.delete(entry);
  };
  const activate = (entry: Entry): void => {
    const { key } = entry.pod;
    unpark(entry);
    backingOff.delete(key);
    if (activeKeys.has(key)) return;
    activeKeys.add(key);
    pushEntry(active, entry);
    onReady();
  };
  const release = (entry: Entry): void => {
    if (entry.backoffUntil <= clock.monotonic()) {
      activate(entry);
      return;
    }
    unpark(entry);
    backingOff.set(entry.pod.key, entry);
    armBackoff(entry.backoffUntil);
  };
  const armBackoff = (at: number): void => {
    if (backoffTimer !== undefined && backoffTimer.at <= at) return;
    backoffTimer?.timer.cancel();
    const timer = clock.setTimeout(
      () => {
        backoffTimer = undefined;
        let next = Number.POSITIVE_INFINITY;
        for (const entry of Array.from(backingOff.values())) {
          if (entry.backoffUntil <= clock.monotonic()) activate(entry);
          else next = Math.min(next, entry.backoffUntil);
        }
        if (next < Number.POSITIVE_INFINITY) armBackoff(next);
      },
      Math.max(0, at - clock.monotonic()),
    );
    backoffTimer = { at, timer };
  };
  const armFlush = (): void => {
    flushTimer ??= clock.setTimeout(() => {
      flushTimer = undefined;
      const limit = clock.monotonic() - options.flushUnschedulableMs;
      for (const entry of Array.from(unschedulable.values())) if (entry.since <= limit) release(entry);
      if (unschedulable.size > 0) armFlush();
    }, 30_000);
  };
  const backOff = (entry: Entry): void => {
    const ms = Math.min(options.initialBackoffMs * 2 ** (entry.attempts - 1), options.maxBackoffMs);
    entry.backoffUntil = clock.monotonic() + ms;
  };

  return {
    put: (pod, retry) => {
      const known = entries.get(pod.key);
      if (known === undefined) {
        const entry: Entry = { pod, arrival: arrivals++, attempts: 0, backoffUntil: 0, plugins: new Set(), since: 0 };
        entries.set(pod.key, entry);
        activate(entry);
        return;
      }
      known.pod = pod;
      if (inFlight.has(pod.key)) {
        if (retry) inFlight.set(pod.key, true);
      } else if (retry && !activeKeys.has(pod.key)) release(known);
    },
    remove: (key) => {
      const entry = entries.get(key);
      if (entry !== undefined) unpark(entry);
      entries.delete(key);
      backingOff.delete(key);
      inFlight.delete(key);
      // The heap keeps the entry until it comes up; it is skipped then.
      activeKeys.delete(key);
    },
    pop: () => {
      for (let entry = popEntry(active); entry !== undefined; entry = popEntry(active)) {
        const { key } = entry.pod;
        if (entries.get(key) !== entry || !activeKeys.delete(key)) continue;
        entry.attempts += 1;
        inFlight.set(key, false);
        return entry.pod;
      }
      return undefined;
    },
    fail: (pod, plugins) => {
      const missed = inFlight.get(pod.key) === true;
      inFlight.delete(pod.key);
      const entry = entries.get(pod.key);
      if (entry === undefined) return;
      entry.plugins = plugins;
      entry.since = clock.monotonic();
      backOff(entry);
      if (missed) {
        release(entry);
        return;
      }
      unschedulable.set(pod.key, entry);
      if (looksAtPods(plugins)) awaitingPods.add(entry);
      armFlush();
    },
    retry: (pod) => {
      inFlight.delete(pod.key);
      const entry = entries.get(pod.key);
      if (entry === undefined) return;
      backOff(entry);
      release(entry);
    },
    done: (key) => {
      entries.delete(key);
      inFlight.delete(key);
    },
    wake: (change) => {
      for (const key of inFlight.keys()) inFlight.set(key, true);
      const looking = change.kind === 'pod-placed' || change.kind === 'pod-relabelled' ? awaitingPods : unschedulable.values();
      for (const entry of Array.from(looking)) if (mayHelp(entry.plugins, entry.pod, change)) release(entry);
    },
    get ready() {
      return activeKeys.size;
    },
    get waiting() {
      return unschedulable.size + backingOff.size;
    },
    stop: () => {
      backoffTimer?.timer.cancel();
      flushTimer?.cancel();
      entries.clear();
      activeKeys.clear();
    },
  };
}

function before(a: Entry, b: Entry): boolean {
  return a.pod.priority !== b.pod.priority ? a.pod.priority > b.pod.priority : a.arrival < b.arrival;
}

function pushEntry(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function popEntry(heap: Entry[]): Entry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || top === undefined || heap.length === 0) return top;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    let candidate = heap[child];
    if (candidate === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, candidate)) {
      candidate = right;
      child += 1;
    }
    if (!before(candidate, last)) break;
    heap[index] = candidate;
    index = child;
  }
  heap[index] = last;
  return top;
}
