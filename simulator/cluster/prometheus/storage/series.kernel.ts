import type { Labels } from './labels.ts';

const firstCapacity = 16;

/** What became of a sample: the TSDB takes nothing older than what it has. */
export type AppendResult = 'appended' | 'same' | 'duplicate' | 'out-of-order';

/** The samples of one series in order of time, in typed arrays. A staleness marker is a sample without a value. */
export class Series {
  readonly labels: Labels;
  #times = new Float64Array(firstCapacity);
  #values = new Float64Array(firstCapacity);
  #stale = new Uint8Array(firstCapacity);
  #from = 0;
  #to = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  get length(): number {
    return this.#to - this.#from;
  }

  /** Epoch milliseconds of the newest sample; -Infinity without any. */
  get lastTime(): number {
    return this.#to === this.#from ? Number.NEGATIVE_INFINITY : this.#times[this.#to - 1]!;
  }

  get firstTime(): number {
    return this.#to === this.#from ? Number.POSITIVE_INFINITY : this.#times[this.#from]!;
  }

  append(time: number, value: number, stale = false): AppendResult {
    const last = this.lastTime;
    if (time < last) return 'out-of-order';
    if (time === last) {
      const at = this.#to - 1;
      return (this.#stale[at] === 1) === stale && (stale || Object.is(this.#values[at]!, value)) ? 'same' : 'duplicate';
    }
    if (this.#to === this.#times.length) this.#makeRoom();
    this.#times[this.#to] = time;
    this.#values[this.#to] = value;
    this.#stale[this.#to] = stale ? 1 : 0;
    this.#to += 1;
    return 'appended';
  }

  /** Index of the newest sample at or before `time`, within `[0, length)`; -1 when there is none. */
  indexAt(time: number): number {
    let low = this.#from;
    let high = this.#to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1 - this.#from;
  }

  timeOf(index: number): number {
    return this.#times[this.#from + index]!;
  }

  valueOf(index: number): number {
    return this.#values[this.#from + index]!;
  }

  isStale(index: number): boolean {
    return this.#stale[this.#from + index] === 1;
  }

  /** Adds the true samples of `[from, to]` to the two lists. */
  collect(from: number, to: number, into: { readonly times: number[]; readonly values: number[] }): void {
    for (let at = this.#from + this.indexAt(from - 1e-3) + 1; at < this.#to && this.#times[at]! <= to; at++) {
      if (this.#stale[at] === 1) continue;
      into.times.push(this.#times[at]!);
      into.values.push(this.#values[at]!);
    }
  }

  /** Forgets what is older than `time`. */
  forgetBefore(time: number): void {
    this.#from += this.indexAt(time - 1e-3) + 1;
    if (this.#from === this.#to) this.#from = this.#to = 0;
  }

  #makeRoom(): void {
    const length = this.#to - this.#from;
    // Half of it is forgotten already: the rest moves down instead of into more memory.
    if (this.#from >= this.#to / 2) {
      this.#times.copyWithin(0, this.#from, this.#to);
      this.#values.copyWithin(0, this.#from, this.#to);
      this.#stale.copyWithin(0, this.#from, this.#to);
    } else {
      this.#times = grown(this.#times, this.#from, this.#to);
      this.#values = grown(this.#values, this.#from, this.#to);
      const stale = new Uint8Array(this.#times.length);
      stale.set(this.#stale.subarray(this.#from, this.#to));
      this.#stale = stale;
    }
    this.#from = 0;
    this.#to = length;
  }
}

function grown(array: Float64Array, from: number, to: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.ceil((to - from) * 1.5) + firstCapacity);
  larger.set(array.subarray(from, to));
  return larger;
}
