import { parseFloatText, parseTimestamp } from './sample-value.ts';

export type SeriesLabels = Readonly<Record<string, string>>;

/** One item of an instant vector, or a scalar, as it came. */
export interface InstantItem {
  readonly labels: SeriesLabels;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** As the server wrote it: a decimal number, `NaN`, `+Inf` or `-Inf`; empty for a native histogram. */
  readonly value: string;
  /** A native histogram, which is not one number. */
  readonly histogram: boolean;
}

/** One series of a range query. */
export interface RangeItem {
  readonly labels: SeriesLabels;
  /** Epoch milliseconds, rising. */
  readonly timestamps: Float64Array;
  /** NaN and infinities as they came. */
  readonly values: Float64Array;
  /** Points that are native histograms, and are left out. */
  readonly histograms: number;
}

/** `undefined` for what is no item of a vector. */
export function parseInstantItem(text: string): InstantItem | undefined {
  const item = parseObject(text);
  const labels = labelsOf(item?.['metric']);
  if (item === undefined || labels === undefined) return undefined;
  const value = pairOf(item['value']);
  if (value !== undefined) return { labels, ...value, histogram: false };
  const histogram: unknown = item['histogram'];
  if (!Array.isArray(histogram)) return undefined;
  const timestamp = parseTimestamp(histogram[0]);
  return timestamp === undefined ? undefined : { labels, timestamp, value: '', histogram: true };
}

/** `undefined` for what is no item of a matrix. */
export function parseRangeItem(text: string): RangeItem | undefined {
  const item = parseObject(text);
  const labels = labelsOf(item?.['metric']);
  if (item === undefined || labels === undefined) return undefined;
  const points: unknown = item['values'] ?? [];
  const histograms: unknown = item['histograms'] ?? [];
  if (!Array.isArray(points) || !Array.isArray(histograms)) return undefined;
  const timestamps = new Float64Array(points.length);
  const values = new Float64Array(points.length);
  for (const [index, point] of points.entries()) {
    const pair = pairOf(point);
    const value = pair && parseFloatText(pair.value);
    if (pair === undefined || value === undefined) return undefined;
    timestamps[index] = pair.timestamp;
    values[index] = value;
  }
  return { labels, timestamps, values, histograms: histograms.length };
}

function pairOf(value: unknown): { readonly timestamp: number; readonly value: string } | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const timestamp = parseTimestamp(value[0]);
  const text: unknown = value[1];
  return timestamp === undefined || typeof text !== 'string' ? undefined : { timestamp, value: text };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The labels of a series; `undefined` when one is no text. */
export function labelsOf(value: unknown): SeriesLabels | undefined {
  if (!isObject(value)) return undefined;
  for (const each of Object.values(value)) if (typeof each !== 'string') return undefined;
  return value as SeriesLabels;
}

/** Equal for equal label sets. */
export function labelKey(labels: SeriesLabels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
}
