/**
 * Load over time as straight pieces. Every series is piecewise linear on purpose: sums, clips, integrals, the share of many
 * replicas and a queue in front of them can then be worked out exactly, whatever the tick of who asks.
 *
 * Time is in milliseconds since the origin of whoever uses the series; values are of any unit (requests per second, milli-cores, bytes).
 */
export interface LoadSeries {
  /** Value at one instant; at a jump the one after it. */
  at(time: number): number;
  /** Pieces that cover `[from, to]` in order and without gaps; empty when `to <= from`. */
  pieces(from: number, to: number): readonly Piece[];
  /** Set when the value never changes: a short cut for what is asked all the time. */
  readonly level?: number;
}

/** A straight line from `start` at `from` to `end` at `to`. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** One point of a series made of points. */
export interface LoadPoint {
  /** Milliseconds since the origin. */
  readonly at: number;
  readonly value: number;
}

export type Interpolation = 'hold' | 'linear';

/** Value of a piece at an instant inside it. */
export function pieceAt(piece: Piece, time: number): number {
  const length = piece.to - piece.from;
  return length <= 0 ? piece.start : piece.start + ((piece.end - piece.start) * (time - piece.from)) / length;
}

/** The part of a piece between two instants inside it. */
export function cutPiece(piece: Piece, from: number, to: number): Piece {
  const start = from <= piece.from ? piece.start : pieceAt(piece, from);
  const end = to >= piece.to ? piece.end : pieceAt(piece, to);
  return { from: Math.max(from, piece.from), to: Math.min(to, piece.to), start, end };
}

/** Exact integral in value × milliseconds. */
export function integral(series: LoadSeries, from: number, to: number): number {
  if (series.level !== undefined) return series.level * Math.max(0, to - from);
  let sum = 0;
  for (const piece of series.pieces(from, to)) sum += ((piece.start + piece.end) / 2) * (piece.to - piece.from);
  return sum;
}

/** Exact integral of the smaller of series and `cap`, in value × milliseconds. */
export function cappedIntegral(series: LoadSeries, cap: number, from: number, to: number): number {
  if (series.level !== undefined) return Math.min(cap, series.level) * Math.max(0, to - from);
  let sum = 0;
  for (const piece of series.pieces(from, to)) sum += cappedPiece(piece, cap);
  return sum;
}

function cappedPiece(piece: Piece, cap: number): number {
  const { start, end } = piece;
  const length = piece.to - piece.from;
  if (start <= cap && end <= cap) return ((start + end) / 2) * length;
  if (start >= cap && end >= cap) return cap * length;
  const below = Math.min(start, end);
  // The share of the piece that lies under the cap is a triangle's side.
  const share = (cap - below) / Math.abs(end - start);
  return ((below + cap) / 2) * length * share + cap * length * (1 - share);
}

/** The largest value in `[from, to]`. */
export function maximum(series: LoadSeries, from: number, to: number): number {
  if (series.level !== undefined) return series.level;
  let largest = series.at(from);
  for (const piece of series.pieces(from, to)) largest = Math.max(largest, piece.start, piece.end);
  return largest;
}

export function constant(value: number): LoadSeries {
  return {
    level: value,
    at: () => value,
    pieces: (from, to) => (to > from ? [{ from, to, start: value, end: value }] : []),
  };
}

/**
 * A series through points, which must be in order of time; two points of one time make a jump. `hold` keeps each value until the
 * next point. Before the first point and after the last one their values stand.
 */
export function points(list: readonly LoadPoint[], interpolation: Interpolation): LoadSeries {
  const first = list[0];
  if (first === undefined) return constant(0);
  for (let index = 1; index < list.length; index++) {
    const before = list[index - 1];
    const here = list[index];
    if (before !== undefined && here !== undefined && here.at < before.at) {
      throw new RangeError(`points must be in order of time: ${here.at} ms comes after ${before.at} ms`);
    }
  }
  const linear = interpolation === 'linear';
  const segment = (index: number, from: number, to: number): Piece => {
    const left = list[index];
    const right = list[index + 1];
    if (left === undefined) return { from, to, start: first.value, end: first.value };
    if (right === undefined || !linear) return { from, to, start: left.value, end: left.value };
    const whole = { from: left.at, to: right.at, start: left.value, end: right.value };
    return { from, to, start: pieceAt(whole, from), end: pieceAt(whole, to) };
  };
  return {
    at: (time) => segment(lastAtOrBefore(list, time), time, time).start,
    pieces: (from, to) => {
      const result: Piece[] = [];
      let time = from;
      for (let index = lastAtOrBefore(list, from); time < to; index++) {
        const end = Math.min(to, list[index + 1]?.at ?? Number.POSITIVE_INFINITY);
        if (end > time) result.push(segment(index, time, end));
        time = end;
      }
      return result;
    },
  };
}

/** Index of the last point not after `time`, -1 when all are later. */
function lastAtOrBefore(list: readonly LoadPoint[], time: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.at ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Values that jump at the given instants and hold; 0 before the first. */
export function steps(list: readonly LoadPoint[]): LoadSeries {
  return points([{ at: Number.NEGATIVE_INFINITY, value: 0 }, ...list], 'hold');
}

/** From `start` to `end` in a straight line between two instants, level before and after. */
export function ramp(options: { readonly from: number; readonly to: number; readonly start: number; readonly end: number }): LoadSeries {
  return points(
    [
      { at: options.from, value: options.start },
      { at: options.to, value: options.end },
    ],
    'linear',
  );
}

/** Grows without end, like leaked memory: `start` at the origin, `perSecond` more each second. */
export function leak(options: { readonly start: number; readonly perSecond: number }): LoadSeries {
  const at = (time: number): number => options.start + (options.perSecond * Math.max(0, time)) / 1000;
  return {
    at,
    pieces: (from, to) => {
      if (to <= from) return [];
      if (from < 0 && to > 0) {
        return [
          { from, to: 0, start: options.start, end: options.start },
          { from: 0, to, start: options.start, end: at(to) },
        ];
      }
      return [{ from, to, start: at(from), end: at(to) }];
    },
  };
}

/** The first `period` milliseconds of a series again and again, before the origin too. */
export function periodic(series: LoadSeries, period: number): LoadSeries {
  const phase = (time: number): number => time - Math.floor(time / period) * period;
  return {
    at: (time) => series.at(phase(time)),
    pieces: (from, to) => {
      const result: Piece[] = [];
      for (let cycle = Math.floor(from / period); cycle * period < to; cycle++) {
        const offset = cycle * period;
        for (const piece of series.pieces(Math.max(0, from - offset), Math.min(period, to - offset))) {
          result.push({ ...piece, from: piece.from + offset, to: piece.to + offset });
        }
      }
      return result;
    },
  };
}

/** The series `delay` milliseconds later. */
export function shift(series: LoadSeries, delay: number): LoadSeries {
  return {
    at: (time) => series.at(time - delay),
    pieces: (from, to) =>
      series.pieces(from - delay, to - delay).map((piece) => ({ ...piece, from: piece.from + delay, to: piece.to + delay })),
  };
}

export function scale(series: LoadSeries, factor: number): LoadSeries {
  if (series.level !== undefined) return constant(series.level * factor);
  return {
    at: (time) => series.at(time) * factor,
    pieces: (from, to) => series.pieces(from, to).map((piece) => ({ ...piece, start: piece.start * factor, end: piece.end * factor })),
  };
}

export function sum(...all: readonly LoadSeries[]): LoadSeries {
  return {
    at: (time) => all.reduce((total, series) => total + series.at(time), 0),
    pieces: (from, to) =>
      all.reduce<readonly Piece[]>(
        (total, series) => combine(total, series.pieces(from, to), (left, right) => left + right),
        constant(0).pieces(from, to),
      ),
  };
}

/** Keeps a series between two bounds; crossings become corners, so that it stays exact. */
export function clip(series: LoadSeries, lower: number, upper: number = Number.POSITIVE_INFINITY): LoadSeries {
  const bound = (value: number): number => Math.min(upper, Math.max(lower, value));
  if (series.level !== undefined) return constant(bound(series.level));
  return {
    at: (time) => bound(series.at(time)),
    pieces: (from, to) =>
      series
        .pieces(from, to)
        .flatMap((piece) => splitAt(piece, [lower, upper]))
        .map((piece) => ({ ...piece, start: bound(piece.start), end: bound(piece.end) })),
  };
}

/** A series times one that is constant between its jumps. */
export function modulate(series: LoadSeries, factor: LoadSeries): LoadSeries {
  return {
    at: (time) => series.at(time) * factor.at(time),
    pieces: (from, to) => combine(series.pieces(from, to), factor.pieces(from, to), (left, right) => left * right),
  };
}

/** Cuts a piece where it crosses one of the levels. */
export function splitAt(piece: Piece, levels: readonly number[]): Piece[] {
  const rise = piece.end - piece.start;
  if (rise === 0) return [piece];
  const cuts = levels
    .map((level) => piece.from + ((level - piece.start) / rise) * (piece.to - piece.from))
    .filter((time) => time > piece.from && time < piece.to)
    .sort((left, right) => left - right);
  const result: Piece[] = [];
  let from = piece.from;
  for (const cut of [...cuts, piece.to]) {
    result.push(cutPiece(piece, from, cut));
    from = cut;
  }
  return result;
}

/** Joins two covers of one span on their common corners. */
function combine(left: readonly Piece[], right: readonly Piece[], join: (left: number, right: number) => number): Piece[] {
  const result: Piece[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const a = left[i];
    const b = right[j];
    if (a === undefined || b === undefined) return result;
    const from = Math.max(a.from, b.from);
    const to = Math.min(a.to, b.to);
    if (to > from) {
      const cutA = cutPiece(a, from, to);
      const cutB = cutPiece(b, from, to);
      result.push({ from, to, start: join(cutA.start, cutB.start), end: join(cutA.end, cutB.end) });
    }
    if (a.to <= to) i += 1;
    if (b.to <= to) j += 1;
  }
}
