import type { QueryHistory } from '../../core/model/metrics-view.ts';

/** Bounds of the memory of query values. */
export interface SeriesStoreConfig {
  /** Points that one key keeps, the newest. Default 240: one hour at 15 s; 16 bytes each. */
  readonly points: number;
  /** Keys that are kept. Default 10 000, which is 37 MiB with 240 points. For a new one beyond, the key that was recorded least recently is given up. */
  readonly maxKeys: number;
}

export const defaultSeriesStoreConfig: SeriesStoreConfig = { points: 240, maxKeys: 10_000 };

/** Recent values of queries by their key (`queryKey`). */
export interface SeriesStore {
  /** Number of keys. */
  readonly size: number;
  /**
   * Notes what a query came to at an instant of our clock; NaN when it is unknown. The same instant again replaces the value; an earlier one means that our
   * clock was set back: what is later is dropped, so that time rises.
   */
  record(key: string, at: number, value: number): void;
  /** Copies of the points up to and with `upTo`; `undefined` when there are none. */
  history(key: string, upTo: number): QueryHistory | undefined;
  forget(key: string): void;
}

/** Time and value in turn; `count` points, of which the first stands at point `start`. */
interface Ring {
  numbers: Float64Array;
  start: number;
  count: number;
}

/** Points for which a new ring has room: most queries live short or long, and the short ones need not have an hour's room. */
const firstPoints = 15;

/** Makes an empty {@link SeriesStore}. */
export function createSeriesStore(config: SeriesStoreConfig = defaultSeriesStoreConfig): SeriesStore {
  const points = Math.max(1, Math.floor(config.points));
  const maxKeys = Math.max(1, Math.floor(config.maxKeys));
  /** In the order in which they were last recorded, the oldest first. */
  const rings = new Map<string, Ring>();

  const ringOf = (key: string): Ring => {
    const known = rings.get(key);
    if (known !== undefined) {
      rings.delete(key);
      rings.set(key, known);
      return known;
    }
    if (rings.size >= maxKeys) {
      const [oldest] = rings.keys();
      if (oldest !== undefined) rings.delete(oldest);
    }
    const ring: Ring = { numbers: new Float64Array(2 * Math.min(firstPoints, points)), start: 0, count: 0 };
    rings.set(key, ring);
    return ring;
  };

  return {
    get size() {
      return rings.size;
    },
    record: (key, at, value) => {
      const ring = ringOf(key);
      while (ring.count > 0 && timeAt(ring, ring.count - 1) >= at) ring.count--;
      append(ring, points, at, value);
    },
    history: (key, upTo) => {
      const ring = rings.get(key);
      if (ring === undefined) return undefined;
      let { count } = ring;
      while (count > 0 && timeAt(ring, count - 1) > upTo) count--;
      return count === 0 ? undefined : copyOf(ring, count);
    },
    forget: (key) => {
      rings.delete(key);
    },
  };
}

function append(ring: Ring, points: number, at: number, value: number): void {
  const room = ring.numbers.length / 2;
  if (ring.count === room && room < points) grow(ring, Math.min(points, room * 2));
  else if (ring.count === room) {
    ring.start = (ring.start + 1) % room;
    ring.count--;
  }
  const position = positionOf(ring, ring.count);
  ring.numbers[position] = at;
  ring.numbers[position + 1] = value;
  ring.count++;
}

function grow(ring: Ring, room: number): void {
  const { timestamps, values } = copyOf(ring, ring.count);
  ring.numbers = new Float64Array(2 * room);
  ring.start = 0;
  for (let point = 0; point < ring.count; point++) {
    ring.numbers[2 * point] = timestamps[point] ?? 0;
    ring.numbers[2 * point + 1] = values[point] ?? Number.NaN;
  }
}

/** Where the point stands, counted from the oldest. */
function positionOf({ numbers, start }: Ring, point: number): number {
  return 2 * ((start + point) % (numbers.length / 2));
}

function timeAt(ring: Ring, point: number): number {
  return ring.numbers[positionOf(ring, point)] ?? 0;
}

function copyOf(ring: Ring, count: number): QueryHistory {
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  for (let point = 0; point < count; point++) {
    const position = positionOf(ring, point);
    timestamps[point] = ring.numbers[position] ?? 0;
    values[point] = ring.numbers[position + 1] ?? Number.NaN;
  }
  return { timestamps, values };
}
