import { parseTime } from '../../../core/model/condition.ts';
import type { SeriesSample } from '../../../core/model/metric-query.ts';
import { Quantity } from '../../../core/units/quantity.ts';
import { isRecord } from './get-document.ts';

/** Value, time and window of one item. */
export type Measured = Pick<SeriesSample, 'milli' | 'timestamp' | 'windowMs'>;

/** Where an item has the length of its window in whole seconds: `window` in custom v1beta1 and external v1beta1, `windowSeconds` in custom v1beta2. */
export type WindowField = 'window' | 'windowSeconds';

/** Longer texts are no quantity: a number of a million digits must not keep the event loop busy. */
const maxValueLength = 100;

/** The items of a metric list, or `undefined` when the document is not one. An empty Go list may be written as null. */
export function itemsOf(document: Readonly<Record<string, unknown>>, kind: string): readonly unknown[] | undefined {
  if (document['kind'] !== kind) return undefined;
  const items = document['items'] ?? [];
  return Array.isArray(items) ? (items as unknown[]) : undefined;
}

/**
 * What an item measured, or `undefined` when its value is no quantity or its timestamp no time. An item without a timestamp was measured at
 * `now`: upstream never looks at it, and adapters that compute a value when asked leave it out.
 */
export function measured(item: Readonly<Record<string, unknown>>, field: WindowField, now: number): Measured | undefined {
  const value = item['value'];
  const quantity = typeof value === 'string' && value.length > maxValueLength ? undefined : Quantity.tryParse(value);
  if (quantity === undefined) return undefined;
  const timestamp = timestampOf(item['timestamp'], now);
  if (timestamp === undefined) return undefined;
  return { milli: quantity.toMilli('up'), timestamp, windowMs: windowMs(item[field]) };
}

function timestampOf(value: unknown, now: number): number | undefined {
  if (value === undefined || value === null) return now;
  return typeof value === 'string' ? parseTime(value) : undefined;
}

function windowMs(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** String entries of a map of labels; anything else is no label. */
export function labelsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
