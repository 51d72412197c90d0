import type { Clock, Random, Timer } from '../model/clock.ts';

/** What a handler may ask for; nothing means done. */
export interface WorkResult {
  /** Handle the key again after so long. */
  readonly requeueAfterMs?: number | undefined;
}

export interface WorkQueueOptions {
  /** For metrics and log lines. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Handles one key. A throw puts the key back after its back-off; a return resets the back-off. The signal aborts when the queue is shut down.
   */
  readonly handle: (key: string, signal: AbortSignal) => Promise<WorkResult | void>;
  /** Keys handled at a time; default 1. A key is never handled twice at a time. */
  readonly workers?: number;
  /** First back-off of a failing key in milliseconds, doubled with every failure; default 1000. */
  readonly baseDelayMs?: number;
  /** Longest back-off in milliseconds; default 300 000. */
  readonly maxDelayMs?: number;
  readonly hooks?: WorkQueueHooks;
}

/** What metrics and logs are fed from. Times are milliseconds of the clock. */
export interface WorkQueueHooks {
  /** A key came in that was not waiting already. */
  readonly added?: (depth: number) => void;
  /** A key was taken; `waitedMs` from the moment it was due. */
  readonly taken?: (depth: number, waitedMs: number) => void;
  readonly done?: (tookMs: number, failed: boolean) => void;
  readonly retried?: () => void;
  /** A handler threw; the key comes again after `delayMs`. */
  readonly failed?: (key: string, error: unknown, delayMs: number) => void;
}

/** Timers above this fire at once in Node; waking early only means waiting again. */
const longestTimerMs = 2 ** 31 - 1;

interface Delayed {
  readonly due: number;
  timer: Timer;
}

/**
 * A queue of keys. A key that waits already is not added twice; one that is added while it is handled is handled once more afterwards.
 * `add` never runs a handler by itself: it returns first.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #abort = new AbortController();
  /** Waiting keys with the time at which they became due, first in first out. */
  readonly #ready = new Map<string, number>();
  readonly #processing = new Set<string>();
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #idle: (() => void)[] = [];
  #started = false;
  #closed = false;
  #pumping = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait and are due; not those that are handled or delayed. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Keys that are being handled. */
  get processing(): number {
    return this.#processing.size;
  }

  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** Begins to handle; what was added before is kept. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    this.#ready.set(key, this.#options.clock.monotonic());
    this.#options.hooks?.added?.(this.#ready.size);
    this.#pump();
  }

  /** Adds the key after `ms`; if it is to be added earlier already, that stands. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    // Whole milliseconds: a clock that counts from the epoch cannot stand at a fraction, and a timer that fires a fraction early would be set again and again.
    const due = this.#options.clock.monotonic() + Math.ceil(ms);
    const held = this.#delayed.get(key);
    if (held !== undefined) {
      if (held.due <= due) return;
      held.timer.cancel();
    }
    this.#delayed.set(key, { due, timer: this.#wake(key, due) });
  }

  #wake(key: string, due: number): Timer {
    const { clock } = this.#options;
    return clock.setTimeout(
      () => {
        const held = this.#delayed.get(key);
        if (held === undefined) return;
        if (clock.monotonic() < due) {
          held.timer = this.#wake(key, due);
          return;
        }
        this.#delayed.delete(key);
        this.add(key);
      },
      Math.min(longestTimerMs, due - clock.monotonic()),
    );
  }

  /** Adds the key after its back-off: doubled with every call since {@link forget}, with up to half of it taken off at random. Answers the delay. */
  addRateLimited(key: string): number {
    const { baseDelayMs = 1000, maxDelayMs = 300_000, random } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    // 2^1023 is the last finite power.
    const full = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(failures, 1000));
    const delay = full * (1 - random() / 2);
    this.#options.hooks?.retried?.();
    this.addAfter(key, delay);
    return delay;
  }

  /** Resets the back-off of a key. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures of a key since its back-off was last reset. */
  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Forgets a key that no longer exists: its back-off and its delayed turn. */
  remove(key: string): void {
    this.forget(key);
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
    this.#ready.delete(key);
    this.#again.delete(key);
    this.#checkIdle();
  }

  /** Resolves when nothing is due and nothing is handled; delayed keys do not count. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /**
   * Takes no more keys and drops those that wait. Resolves when the handlers under way have ended. With `finishReady` what is due is
   * handled first; with `abort` the handlers' signal is aborted.
   */
  shutdown(options: { readonly finishReady?: boolean; readonly abort?: boolean } = {}): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#again.clear();
    if (options.finishReady !== true || !this.#started) this.#ready.clear();
    if (options.abort === true) this.#abort.abort();
    this.#checkIdle();
    return this.idle();
  }

  get #isIdle(): boolean {
    return this.#processing.size === 0 && (this.#ready.size === 0 || !this.#started);
  }

  #checkIdle(): void {
    if (!this.#isIdle) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  #pump(): void {
    if (!this.#started || this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      const workers = this.#options.workers ?? 1;
      for (const [key, due] of this.#ready) {
        if (this.#processing.size >= workers) break;
        this.#ready.delete(key);
        this.#processing.add(key);
        this.#options.hooks?.taken?.(this.#ready.size, this.#options.clock.monotonic() - due);
        void this.#process(key);
      }
    });
  }

  async #process(key: string): Promise<void> {
    const { clock, handle, hooks } = this.#options;
    const begun = clock.monotonic();
    let failure: { readonly error: unknown } | undefined;
    let result: WorkResult | void = undefined;
    try {
      result = await handle(key, this.#abort.signal);
    } catch (error) {
      failure = { error };
    }
    this.#processing.delete(key);
    hooks?.done?.(clock.monotonic() - begun, failure !== undefined);
    if (failure !== undefined) {
      const delay = this.addRateLimited(key);
      hooks?.failed?.(key, failure.error, delay);
    } else {
      this.forget(key);
      if (result?.requeueAfterMs !== undefined) this.addAfter(key, result.requeueAfterMs);
    }
    if (this.#again.delete(key)) this.add(key);
    this.#pump();
    this.#checkIdle();
  }
}
