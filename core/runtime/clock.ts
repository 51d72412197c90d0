import type { Clock, Timer } from '../model/clock.ts';

/** Real time. Timers are unreferenced: whoever must keep the process alive holds something else (a server, a watch). */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (fn, ms) => realTimer(fn, ms),
};

/** Node fires a timer of more than this, 24.8 days, at once. */
const longestTimerMs = 2 ** 31 - 1;

function realTimer(fn: () => void, ms: number): Timer {
  let handle: NodeJS.Timeout;
  const arm = (left: number): void => {
    const part = Math.min(Math.max(0, left), longestTimerMs);
    handle = setTimeout(() => (left > part ? arm(left - part) : fn()), part);
    handle.unref();
  };
  arm(ms);
  return { cancel: () => clearTimeout(handle) };
}

/** Time that runs `speed` times as fast as real time from the moment of the call; `startAt` is its first wall time (default: now). */
export function scaledClock(speed: number, startAt: number = Date.now()): Clock {
  if (!(speed > 0) || !Number.isFinite(speed)) throw new RangeError(`clock speed must be a positive number, got ${speed}`);
  const origin = performance.now();
  const elapsed = (): number => (performance.now() - origin) * speed;
  return {
    now: () => startAt + elapsed(),
    monotonic: elapsed,
    setTimeout: (fn, ms) => realTimer(fn, ms / speed),
  };
}

interface PendingTimer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/**
 * Time that moves only when it is told to. `settle` lets everything that the last timers started (promises, in-process requests)
 * come to rest before time moves on; the embedded cluster supplies one that knows about requests in flight.
 */
export class VirtualClock implements Clock {
  #now: number;
  readonly #start: number;
  #order = 0;
  #heap: PendingTimer[] = [];
  #settle: () => Promise<void>;

  constructor(startAt = Date.UTC(2026, 0, 1), settle: () => Promise<void> = settleMacrotasks) {
    this.#now = startAt;
    this.#start = startAt;
    this.#settle = settle;
  }

  /** Replaces the settling rule, for example by one that also waits for requests in flight. */
  useSettle(settle: () => Promise<void>): void {
    this.#settle = settle;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  setTimeout(fn: () => void, ms: number): Timer {
    const timer: PendingTimer = { at: this.#now + Math.max(0, ms), order: this.#order++, fn, cancelled: false };
    pushTimer(this.#heap, timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  }

  /** Number of timers that wait; for tests that look for leaks. */
  get pending(): number {
    return this.#heap.filter((timer) => !timer.cancelled).length;
  }

  /** Moves time forward by `ms`, firing timers in order and settling after each instant. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      this.#fireDue();
      await this.#settle();
    }
    this.#now = end;
  }

  /** Advances until `condition` holds, at most `limitMs`; answers whether it held. */
  async advanceUntil(condition: () => boolean | Promise<boolean>, limitMs: number, stepMs = 1000): Promise<boolean> {
    const end = this.#now + limitMs;
    await this.#settle();
    while (!(await condition())) {
      if (this.#now >= end) return false;
      await this.advance(Math.min(stepMs, end - this.#now));
    }
    return true;
  }

  /** Advances until the promise has settled, and answers it; throws when that takes longer than `limitMs`. */
  async settled<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let isSettled = false;
    const end = (): void => {
      isSettled = true;
    };
    promise.then(end, end);
    if (!(await this.advanceUntil(() => isSettled, limitMs))) throw new Error(`the promise has not settled within ${limitMs} virtual ms`);
    return promise;
  }

  #peek(): PendingTimer | undefined {
    while (this.#heap[0]?.cancelled === true) popTimer(this.#heap);
    return this.#heap[0];
  }

  #fireDue(): void {
    for (let next = this.#peek(); next !== undefined && next.at <= this.#now; next = this.#peek()) {
      popTimer(this.#heap);
      next.fn();
    }
  }
}

/** A few turns of the event loop: enough for promise chains and streams without sockets. */
export async function settleMacrotasks(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function before(a: PendingTimer, b: PendingTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function pushTimer(heap: PendingTimer[], timer: PendingTimer): void {
  let index = heap.push(timer) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(timer, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function popTimer(heap: PendingTimer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
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
}
