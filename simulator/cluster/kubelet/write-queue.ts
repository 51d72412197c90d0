import type { Clock, Timer } from '../../../core/model/clock.ts';

export interface WriteQueueOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  /** Told of every failed attempt; the job is tried again after a while. */
  readonly onProblem: (subject: string, error: unknown) => void;
}

const firstRetryMs = 500;
const lastRetryMs = 30_000;

/**
 * Writes by key: one in flight per key, so many over all; asking for a key again while it is in flight runs its job once more afterwards.
 * A job that throws is tried again with growing delay until it succeeds or the key is forgotten.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #jobs = new Map<string, () => Promise<void>>();
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #retries = new Map<string, { readonly timer: Timer; readonly attempt: number }>();
  readonly #idle: (() => void)[] = [];
  #stopped = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#running.size > 0 || this.#waiting.size > 0;
  }

  add(key: string, job: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#jobs.set(key, job);
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    // A change does not cut the delay after a failure short: a refused write would otherwise be repeated at the rate of events.
    if (this.#retries.has(key)) return;
    this.#waiting.add(key);
    this.#pump();
  }

  forget(key: string): void {
    this.#jobs.delete(key);
    this.#waiting.delete(key);
    this.#again.delete(key);
    this.#retries.get(key)?.timer.cancel();
    this.#retries.delete(key);
    this.#settle();
  }

  /** Resolves when nothing is in flight or waits for its turn; retries that wait for their time do not count. */
  async idle(): Promise<void> {
    if (!this.busy) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  stop(): void {
    this.#stopped = true;
    for (const key of this.#jobs.keys()) this.forget(key);
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return;
      this.#waiting.delete(key);
      const job = this.#jobs.get(key);
      if (job !== undefined) void this.#run(key, job, 0);
    }
  }

  async #run(key: string, job: () => Promise<void>, attempt: number): Promise<void> {
    this.#running.add(key);
    let failed = false;
    try {
      await job();
    } catch (error) {
      failed = true;
      this.#options.onProblem(key, error);
    }
    this.#running.delete(key);
    if (failed && this.#jobs.has(key)) this.#retryLater(key, attempt);
    else if (this.#again.delete(key)) this.#waiting.add(key);
    else if (!this.#waiting.has(key)) this.#jobs.delete(key);
    this.#pump();
    this.#settle();
  }

  #retryLater(key: string, attempt: number): void {
    this.#again.delete(key);
    const delay = Math.min(lastRetryMs, firstRetryMs * 2 ** attempt);
    const timer = this.#options.clock.setTimeout(() => {
      this.#retries.delete(key);
      const job = this.#jobs.get(key);
      if (job !== undefined && !this.#running.has(key)) void this.#run(key, job, attempt + 1);
    }, delay);
    this.#retries.set(key, { timer, attempt });
  }

  #settle(): void {
    if (this.busy) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
