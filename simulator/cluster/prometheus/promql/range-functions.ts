import { CompensatedSum, quantileOf } from './arithmetic.ts';
import type { Points, RangeVector } from './values.ts';

/** What a function of a range knows of the window and of its other arguments. */
export interface WindowContext {
  readonly window: Pick<RangeVector, 'from' | 'to'>;
  /** The instant of the evaluation, epoch milliseconds. */
  readonly at: number;
  /** The scalar argument; NaN when the function has none. */
  readonly scalar: number;
}

/** The value of one series, or undefined when too few samples are there. */
export type RangeFunction = (points: Points, context: WindowContext) => number | undefined;

function last(values: readonly number[]): number {
  return values.at(-1) ?? Number.NaN;
}

function first(values: readonly number[]): number {
  return values[0] ?? Number.NaN;
}

/**
 * The increase over the window, extrapolated to its ends: as far as the samples' average distance makes plausible (a tenth more), else half of
 * that distance; a counter is never extrapolated below zero. Every fall of a counter counts as a restart from zero.
 */
function extrapolated({ times, values }: Points, { from, to }: WindowContext['window'], isCounter: boolean): number | undefined {
  if (values.length < 2) return undefined;
  const change = last(values) - first(values);
  const increase = isCounter ? withResets(values, change) : change;
  const sampled = (last(times) - first(times)) / 1000;
  const distance = sampled / (values.length - 1);
  let toStart = (first(times) - from) / 1000;
  const toEnd = (to - last(times)) / 1000;
  if (isCounter && increase > 0 && first(values) >= 0) toStart = Math.min(toStart, sampled * (first(values) / increase));
  const threshold = distance * 1.1;
  const covered = sampled + (toStart < threshold ? toStart : distance / 2) + (toEnd < threshold ? toEnd : distance / 2);
  return increase * (covered / sampled);
}

/** Added one by one, in the real server's order: with very large counters the order shows. */
function withResets(values: readonly number[], change: number): number {
  let increase = change;
  for (let at = 1; at < values.length; at++) if (nth(values, at) < nth(values, at - 1)) increase += nth(values, at - 1);
  return increase;
}

function nth(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}

function rate(points: Points, { window }: WindowContext): number | undefined {
  const increase = extrapolated(points, window, true);
  return increase === undefined ? undefined : increase / ((window.to - window.from) / 1000);
}

/** Of the last two samples only. */
function instant({ times, values }: Points, isRate: boolean): number | undefined {
  if (values.length < 2) return undefined;
  const before = nth(values, values.length - 2);
  const change = isRate && last(values) < before ? last(values) : last(values) - before;
  const seconds = (last(times) - nth(times, times.length - 2)) / 1000;
  if (seconds === 0) return undefined;
  return isRate ? change / seconds : change;
}

function countOf({ values }: Points, counts: (value: number, before: number) => boolean): number {
  let count = 0;
  for (let at = 1; at < values.length; at++) if (counts(nth(values, at), nth(values, at - 1))) count += 1;
  return count;
}

function mean({ values }: Points): number {
  const sum = new CompensatedSum();
  let count = 0;
  for (const value of values) {
    count += 1;
    const so = sum.sum;
    if (!Number.isFinite(so) && !Number.isNaN(so)) {
      // An infinite mean stays so unless the opposite infinity or NaN comes.
      if (value === so || Number.isFinite(value)) continue;
    }
    sum.add(value / count - so / count);
  }
  return sum.value;
}

function variance({ values }: Points): number {
  const center = new CompensatedSum();
  const squares = new CompensatedSum();
  let count = 0;
  for (const value of values) {
    count += 1;
    const distance = value - center.value;
    center.add(distance / count);
    squares.add(distance * (value - center.value));
  }
  return squares.value / count;
}

function sumOf({ values }: Points): number {
  const sum = new CompensatedSum();
  for (const value of values) sum.add(value);
  return sum.value;
}

/** The least value by an order; NaN only when there is nothing else. */
function extreme({ values }: Points, before: (left: number, right: number) => boolean): number {
  let found = first(values);
  for (const value of values) if (before(value, found) || Number.isNaN(found)) found = value;
  return found;
}

/** Slope per second, and the value at `origin`, of the line through the samples by least squares. */
function regression({ times, values }: Points, origin: number): { readonly slope: number; readonly intercept: number } {
  const [x, y, xy, xx] = [new CompensatedSum(), new CompensatedSum(), new CompensatedSum(), new CompensatedSum()];
  const count = values.length;
  const constant = values.every((value) => value === first(values));
  for (let at = 0; at < count; at++) {
    const seconds = (nth(times, at) - origin) / 1000;
    x.add(seconds);
    y.add(nth(values, at));
    xy.add(seconds * nth(values, at));
    xx.add(seconds * seconds);
  }
  if (constant) {
    const value = first(values);
    return Number.isFinite(value) ? { slope: 0, intercept: value } : { slope: Number.NaN, intercept: Number.NaN };
  }
  const slope = (xy.value - (x.value * y.value) / count) / (xx.value - (x.value * x.value) / count);
  return { slope, intercept: y.value / count - (slope * x.value) / count };
}

export const rangeFunctions: Readonly<Record<string, RangeFunction>> = {
  rate,
  increase: (points, { window }) => extrapolated(points, window, true),
  delta: (points, { window }) => extrapolated(points, window, false),
  irate: (points) => instant(points, true),
  idelta: (points) => instant(points, false),
  changes: (points) => countOf(points, (value, before) => value !== before && !(Number.isNaN(value) && Number.isNaN(before))),
  resets: (points) => countOf(points, (value, before) => value < before),
  deriv: (points) => (points.values.length < 2 ? undefined : regression(points, first(points.times)).slope),
  predict_linear: (points, { at, scalar }) => {
    if (points.values.length < 2) return undefined;
    const { slope, intercept } = regression(points, at);
    return slope * scalar + intercept;
  },
  avg_over_time: mean,
  min_over_time: (points) => extreme(points, (left, right) => left < right),
  max_over_time: (points) => extreme(points, (left, right) => left > right),
  sum_over_time: sumOf,
  count_over_time: ({ values }) => values.length,
  last_over_time: ({ values }) => last(values),
  present_over_time: () => 1,
  quantile_over_time: ({ values }, { scalar }) => quantileOf(scalar, values),
  stddev_over_time: (points) => Math.sqrt(variance(points)),
  stdvar_over_time: variance,
};
