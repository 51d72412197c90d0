import type { Clock, Timer } from '../../../core/model/clock.ts';

/** Something that wants to be called at one instant at a time; a new instant replaces the old one. */
export interface Wakeable {
  /** Epoch milliseconds; infinite when nothing is wanted. Only {@link Wakeups} writes it. */
  wakeAt: number;
  wake(now: number): void;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly item: Wakeable;
}

/**
 * Ten thousand deadlines behind one timer. Instants are rounded up to a quantum, so that what is due about the same time runs in one go
 * and virtual time takes few steps.
 */
export class Wakeups {
  readonly #clock: Clock;
  readonly #quantum: number;
  #heap: Entry[] = [];
  #order = 0;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(clock: Clock, quantumMs = 100) {
    this.#clock = clock;
    this.#quantum = quantumMs;
  }

  set(item: Wakeable, at: number): void {
    const rounded = Number.isFinite(at) ? Math.ceil(at / this.#quantum) * this.#quantum : Number.POSITIVE_INFINITY;
    if (rounded === item.wakeAt) return;
    item.wakeAt = rounded;
    if (!Number.isFinite(rounded) || this.#stopped) return;
    this.#push({ at: rounded, order: this.#order++, item });
    this.#arm();
  }

  clear(item: Wakeable): void {
    item.wakeAt = Number.POSITIVE_INFINITY;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#heap = [];
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || next.at >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = next.at;
    this.#timer = this.#clock.setTimeout(() => this.#fire(), next.at - this.#clock.now());
  }

  #fire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
      this.#pop();
      // An entry whose item wants another instant by now is stale.
      if (next.item.wakeAt !== next.at) continue;
      next.item.wakeAt = Number.POSITIVE_INFINITY;
      next.item.wake(now);
    }
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
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

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (let child = 1; child < heap.length; child = index * 2 + 1) {
      const right = heap[child + 1];
      let candidate = heap[child];
      if (right !== undefined && candidate !== undefined && before(right, candidate)) {
        candidate = right;
        child += 1;
      }
      if (candidate === undefined || !before(candidate, last)) break;
      heap[index] = candidate;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
