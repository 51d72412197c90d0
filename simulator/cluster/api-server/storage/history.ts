import type { StoreEvent } from './stored.ts';

/** The last changes of one type, for watches that begin at an older revision. Bounded: what falls off is compacted. */
export class History {
  readonly #limit: number;
  #events: StoreEvent[] = [];
  #head = 0;
  /** Revisions up to this one can no longer be watched from. */
  #floor: number;

  constructor(limit: number, floor: number) {
    this.#limit = limit;
    this.#floor = floor;
  }

  /** The oldest revision that a watch may still begin after. */
  get floor(): number {
    return this.#floor;
  }

  push(event: StoreEvent): void {
    this.#events.push(event);
    if (this.#events.length - this.#head <= this.#limit) return;
    this.#floor = this.#events[this.#head]?.revision ?? this.#floor;
    this.#head += 1;
    if (this.#head >= this.#limit) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Forgets everything up to now, as a compaction of etcd does. */
  compact(revision: number): void {
    while (this.#head < this.#events.length && (this.#events[this.#head]?.revision ?? 0) <= revision) this.#head += 1;
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
    this.#floor = Math.max(this.#floor, revision);
  }

  /** Changes after the revision, oldest first; undefined when some of them are gone. */
  since(revision: number): readonly StoreEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }
}
