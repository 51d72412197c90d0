import { standsAt } from './item-list.kernel.ts';
import { milliAt, timestampMsAt, windowMsAt, type DayCache } from './plain-values.kernel.ts';

/**
 * The parts of an item of metrics.k8s.io, straight from the bytes.
 *
 * An item is taken only if it is, byte for byte, of the shape that Metrics Server and prometheus-adapter write (Go's encoding of the type: fixed order of keys,
 * no spaces) with plain strings in it: ASCII without escapes, but for labels, which may hold anything that a JSON string holds without a backslash. What has that
 * shape is one whole JSON value with each key once, so nothing that is taken here would be read differently by `JSON.parse`. All else is left to it, item by
 * item: the functions answer -1 for it, and for the place -1, so that they can be chained.
 */
export interface PlainItem {
  readonly body: Buffer;
  readonly day: DayCache;
  /** What {@link takeString} found: where the bytes of the string are, without the quotes. */
  from: number;
  to: number;
  /** What {@link takeTimes} found. */
  timestampMs: number;
  windowMs: number;
  /** What {@link takeUsage} found; NaN is unknown. */
  cpuMilli: number;
  memoryMilli: number;
}

export function plainItem(body: Buffer): PlainItem {
  return { body, day: { day: 0, startMs: 0 }, from: 0, to: 0, timestampMs: 0, windowMs: 0, cpuMilli: 0, memoryMilli: 0 };
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

const creationKey = bytesOf(',"creationTimestamp":');
const labelsKey = bytesOf(',"labels":{');
const timestampKey = bytesOf('},"timestamp":"');
const windowKey = bytesOf('","window":"');
const cpuKey = bytesOf('","usage":{"cpu":"');
const memoryKey = bytesOf('","memory":"');
const usageEnd = bytesOf('"}}');
const nullText = bytesOf('null');
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const closeBrace = 0x7d;

/** From the closing quote of the last name in the metadata to that of the window. Times that cannot be used get their sentence from the other way. */
export function takeTimes(item: PlainItem, start: number): number {
  const { body } = item;
  let at = takeString(item, skipRest(body, start < 0 ? -1 : start + 1), timestampKey);
  if (at < 0) return -1;
  item.timestampMs = timestampMsAt(item.day, body, item.from, item.to);
  at = takeString(item, at, windowKey);
  if (at < 0) return -1;
  item.windowMs = windowMsAt(body, item.from, item.to);
  return Number.isNaN(item.timestampMs) || Number.isNaN(item.windowMs) ? -1 : at;
}

/** From a closing quote over `usage` with CPU and memory and the brace that closes what has it. */
export function takeUsage(item: PlainItem, start: number): number {
  const { body } = item;
  let at = takeString(item, start, cpuKey);
  if (at < 0) return -1;
  item.cpuMilli = milliAt(body, item.from, item.to);
  at = takeString(item, at, memoryKey);
  if (at < 0 || !standsAt(body, at, usageEnd)) return -1;
  item.memoryMilli = milliAt(body, item.from, item.to);
  return at + usageEnd.length;
}

/** From behind the names to the end of the metadata; -1 for anything unusual. */
function skipRest(body: Buffer, start: number): number {
  if (start < 0) return -1;
  let at = start;
  if (standsAt(body, at, creationKey)) {
    at += creationKey.length;
    if (body[at] === quote) at = skipString(body, at);
    else at = standsAt(body, at, nullText) ? at + nullText.length : -1;
    if (at < 0) return -1;
  }
  return standsAt(body, at, labelsKey) ? skipLabels(body, at + labelsKey.length) : at;
}

/** Behind the closing brace of an object of strings, from behind its opening one. */
function skipLabels(body: Buffer, start: number): number {
  if (body[start] === closeBrace) return start + 1;
  let at = start;
  for (;;) {
    at = skipString(body, at);
    if (at < 0 || body[at] !== colon) return -1;
    at = skipString(body, at + 1);
    if (at < 0) return -1;
    if (body[at] === closeBrace) return at + 1;
    if (body[at] !== comma) return -1;
    at++;
  }
}

/** Behind a string without escapes that opens here; -1 for anything else. */
function skipString(body: Buffer, at: number): number {
  if (body[at] !== quote) return -1;
  for (let next = at + 1; next < body.length; next++) {
    const byte = body[next]!;
    if (byte === quote) return next + 1;
    // Bytes that are no UTF-8 are replaced, not refused, when the text is decoded.
    if (byte < 0x20 || byte === backslash) return -1;
  }
  return -1;
}

/** Behind `head` an ASCII string without escapes: notes where it stands and answers where its closing quote is; -1 for anything else, and for `at` -1. */
export function takeString(item: PlainItem, at: number, head: Uint8Array): number {
  const { body } = item;
  if (at < 0 || !standsAt(body, at, head)) return -1;
  const from = at + head.length;
  for (let next = from; next < body.length; next++) {
    const byte = body[next]!;
    if (byte === quote) {
      item.from = from;
      item.to = next;
      return next;
    }
    if (byte < 0x20 || byte > 0x7e || byte === backslash) return -1;
  }
  return -1;
}
