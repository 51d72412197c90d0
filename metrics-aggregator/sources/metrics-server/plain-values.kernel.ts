import { tryParseDurationMs } from '../../../core/units/duration.ts';
import { tryParseMilli } from '../../../core/units/quantity.ts';

/**
 * Values of metrics.k8s.io out of ASCII bytes: what Metrics Server and prometheus-adapter write is read without a string, everything else by the
 * functions that read the text. NaN is unknown.
 */

/** Digits that are exact in a double. */
const maxDigits = 15;

/** Thousandths of a quantity, rounded up; NaN for a negative one. As {@link quantityMilli} of the text. */
export function milliAt(body: Buffer, from: number, to: number): number {
  let at = from;
  let digits = 0;
  for (; at < to; at++) {
    const digit = body[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    digits = digits * 10 + digit;
  }
  const milli = at === from || at - from > maxDigits ? -1 : scaled(digits, suffixCode(body, at, to));
  return milli >= 0 && milli <= Number.MAX_SAFE_INTEGER ? milli : quantityMilli(body.toString('latin1', from, to));
}

/** A suffix of no or one byte, or a binary one, as one number: the byte, and 256 more with an i behind it; -1 for anything else. */
function suffixCode(body: Buffer, at: number, to: number): number {
  if (at === to) return 0;
  if (at + 1 === to) return body[at]!;
  return at + 2 === to && body[at + 1] === 0x69 ? 256 + body[at]! : -1;
}

function scaled(digits: number, suffix: number): number {
  switch (suffix) {
    case 0x6e: // n
      return dividedUp(digits, 1e6);
    case 0x75: // u
      return dividedUp(digits, 1e3);
    case 0x6d: // m
      return digits;
    case 0:
      return digits * 1000;
    case 0x6b: // k
      return digits * 1e6;
    case 256 + 0x4b: // Ki
      return digits * 1_024_000;
    case 256 + 0x4d: // Mi
      return digits * 1_048_576_000;
    case 256 + 0x47: // Gi
      return digits * 1_073_741_824_000;
    default:
      return -1;
  }
}

/** By the rest, because a plain division can round a number just above an integer down to it. */
function dividedUp(digits: number, divisor: number): number {
  const rest = digits % divisor;
  return (digits - rest) / divisor + (rest > 0 ? 1 : 0);
}

/** Longer texts are no quantity: a number of a million digits must not keep the event loop busy. */
const maxQuantityLength = 100;

/** Thousandths of a quantity, rounded up; NaN for a negative one and for what is not a quantity. */
export function quantityMilli(value: unknown): number {
  if (typeof value === 'string' && value.length > maxQuantityLength) return Number.NaN;
  const milli = tryParseMilli(value);
  // No amount is below nothing: unknown, not zero.
  return milli !== undefined && milli >= 0 ? milli : Number.NaN;
}

/** 31 years: far below what a Go duration can hold. */
const maxWindowDigits = 9;

/** Milliseconds of a window, a Go duration. As {@link windowMs} of the text. */
export function windowMsAt(body: Buffer, from: number, to: number): number {
  // Nearly always seconds with or without a fraction, `15s` or `9.98s`.
  let digits = 0;
  let fractionDigits = -1;
  let at = from;
  for (; at < to - 1; at++) {
    const byte = body[at]!;
    if (byte >= 0x30 && byte <= 0x39) {
      digits = digits * 10 + (byte - 0x30);
      if (fractionDigits >= 0) fractionDigits++;
    } else if (byte === 0x2e && fractionDigits < 0) fractionDigits = 0;
    else break;
  }
  const plain = at === to - 1 && body[at] === 0x73 && at > from && at - from <= maxWindowDigits && (fractionDigits < 0 || at - from > 1);
  if (!plain) return windowMs(body.toString('latin1', from, to));
  // The arithmetic of core/units/duration.ts.
  const total = (digits * 1000) / 10 ** Math.max(0, fractionDigits);
  return Number.isInteger(total) || total > 1e9 ? total : Math.round(total * 1e6) / 1e6;
}

/** Longer texts are no duration that a server writes. */
const maxWindowLength = 64;

export function windowMs(value: unknown): number {
  return typeof value === 'string' && value.length <= maxWindowLength ? (tryParseDurationMs(value) ?? Number.NaN) : Number.NaN;
}

/** Days that were read last: all timestamps of an answer are of one or two. */
export interface DayCache {
  /** `yyyymmdd` as a number; 0 for none. */
  day: number;
  /** Epoch milliseconds at its beginning. */
  startMs: number;
}

/** Epoch milliseconds of a timestamp. As {@link timestampMs} of the text. */
export function timestampMsAt(cache: DayCache, body: Buffer, from: number, to: number): number {
  if (to - from !== 20 || body[from + 10] !== 0x54 || body[from + 19] !== 0x5a) return timestampMs(body.toString('latin1', from, to));
  const day =
    twoDigits(body, from) * 1_000_000 + twoDigits(body, from + 2) * 10_000 + twoDigits(body, from + 5) * 100 + twoDigits(body, from + 8);
  const hour = twoDigits(body, from + 11);
  const minute = twoDigits(body, from + 14);
  const second = twoDigits(body, from + 17);
  const separated = body[from + 4] === 0x2d && body[from + 7] === 0x2d && body[from + 13] === 0x3a && body[from + 16] === 0x3a;
  if (!separated || !(day > 0 && hour < 24 && minute < 60 && second < 60)) return timestampMs(body.toString('latin1', from, to));
  if (day !== cache.day) {
    cache.startMs = timestampMs(`${body.toString('latin1', from, from + 10)}T00:00:00Z`);
    cache.day = day;
  }
  return cache.startMs + hour * 3_600_000 + minute * 60_000 + second * 1000;
}

/** NaN when one is not a digit. */
function twoDigits(body: Buffer, at: number): number {
  const tens = body[at]! - 0x30;
  const ones = body[at + 1]! - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds of an RFC 3339 text, digits below a millisecond cut. `Date.parse` alone would take `1` for a time. */
export function timestampMs(value: unknown): number {
  return typeof value === 'string' && rfc3339.test(value) ? Date.parse(value) : Number.NaN;
}
