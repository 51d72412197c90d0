import { clip, constant, modulate, periodic, points, shift, sum } from './load-series.ts';
import type { LoadPoint, LoadSeries, Piece } from './load-series.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export interface DiurnalOptions {
  readonly mean: number;
  /** Half the distance between the daily high and low; not more than the mean makes sense. */
  readonly amplitude: number;
  /** Time of day of the high, in milliseconds after midnight UTC; default 14:00. */
  readonly peakAt?: number;
  /** Factor for Saturday and Sunday; default 1. */
  readonly weekend?: number;
  /** What the origin is, in epoch milliseconds; default a Monday midnight. */
  readonly origin?: number;
  /** Length of a "day" in milliseconds, to play a week in minutes; default 24 hours. */
  readonly dayMs?: number;
}

/** A cosine day with a week around it, as straight pieces of 1/288 of a day (five minutes). */
export function diurnal(options: DiurnalOptions): LoadSeries {
  const dayMs = options.dayMs ?? day;
  const peak = ((options.peakAt ?? 14 * hour) / day) * dayMs;
  const corners: LoadPoint[] = [];
  const perDay = 288;
  for (let index = 0; index <= 7 * perDay; index++) {
    const at = (index / perDay) * dayMs;
    const factor = Math.floor(index / perDay) % 7 >= 5 ? (options.weekend ?? 1) : 1;
    const value = options.mean + options.amplitude * Math.cos((2 * Math.PI * (at - peak)) / dayMs);
    corners.push({ at, value: Math.max(0, value) * factor });
  }
  // The epoch was a Thursday: the Monday before it lies three days back.
  const phase = options.origin === undefined ? 0 : ((options.origin / day + 3) * dayMs) % (7 * dayMs);
  return shift(periodic(points(corners, 'linear'), 7 * dayMs), -phase);
}

/** A crowd that comes at once and goes slowly: linear rise, level, exponential decay with the given half-life. */
export function flashCrowd(options: {
  readonly base: number;
  readonly peak: number;
  readonly at: number;
  readonly rampMs: number;
  readonly holdMs: number;
  /** Half-life of the decay. */
  readonly decayMs: number;
}): LoadSeries {
  const { base, peak, at, rampMs, holdMs, decayMs } = options;
  const high = at + rampMs + holdMs;
  const corners: LoadPoint[] = [
    { at, value: base },
    { at: at + rampMs, value: peak },
    { at: high, value: peak },
  ];
  const perHalfLife = 4;
  for (let index = 1; index <= 8 * perHalfLife; index++) {
    corners.push({ at: high + (index / perHalfLife) * decayMs, value: base + (peak - base) * 0.5 ** (index / perHalfLife) });
  }
  corners.push({ at: high + 9 * decayMs, value: base });
  return points(corners, 'linear');
}

/** Starts on. */
export function onOff(options: { readonly on: number; readonly off: number; readonly onMs: number; readonly offMs: number }): LoadSeries {
  const period = options.onMs + options.offMs;
  return periodic(
    points(
      [
        { at: 0, value: options.on },
        { at: options.onMs, value: options.off },
      ],
      'hold',
    ),
    period,
  );
}

/** A run of `durationMs` at the end of every `everyMs`, as a cron job: the first one begins after `everyMs - durationMs`. */
export function batch(options: {
  readonly value: number;
  readonly base?: number;
  readonly everyMs: number;
  readonly durationMs: number;
}): LoadSeries {
  const quiet = options.everyMs - options.durationMs;
  return periodic(
    points(
      [
        { at: 0, value: options.base ?? 0 },
        { at: quiet, value: options.value },
      ],
      'hold',
    ),
    options.everyMs,
  );
}

export interface NoiseOptions {
  readonly seed: number;
  /** Each value stands so long; default 10 s. */
  readonly everyMs?: number;
}

/** Normal noise around 0, constant between its jumps, the same for the same seed however it is read. */
export function noise(options: NoiseOptions & { readonly stddev: number }): LoadSeries {
  const every = options.everyMs ?? 10_000;
  const value = (index: number): number => options.stddev * gaussian(options.seed, index);
  return {
    at: (time) => value(Math.floor(time / every)),
    pieces: (from, to) => {
      const result: Piece[] = [];
      for (let index = Math.floor(from / every); index * every < to; index++) {
        const start = Math.max(from, index * every);
        const end = Math.min(to, (index + 1) * every);
        if (end > start) result.push({ from: start, to: end, start: value(index), end: value(index) });
      }
      return result;
    },
  };
}

/** The series with noise in proportion to it; `relative` is the standard deviation as a share (0.1 is ten percent). Never below 0. */
export function jitter(series: LoadSeries, options: NoiseOptions & { readonly relative: number }): LoadSeries {
  return modulate(series, clip(sum(constant(1), noise({ ...options, stddev: options.relative })), 0));
}

/** A standard normal number from two hashes (Box-Muller): random access, no state. */
function gaussian(seed: number, index: number): number {
  const u = hash01(seed, index * 2) || Number.MIN_VALUE;
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * hash01(seed, index * 2 + 1));
}

/** In [0, 1); a finalizer of the murmur family over both words. */
function hash01(seed: number, index: number): number {
  let word = Math.imul(index ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed | 0, 0xc2b2ae35);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return ((word ^ (word >>> 16)) >>> 0) / 2 ** 32;
}
