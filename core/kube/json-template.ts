import { isAscii } from 'node:buffer';
import { parseRange, type JsonRange } from './json-range.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const brace = 0x7d;
const bracket = 0x5d;

/** Begins the text that stands in for a hole while a template is taken apart. Documents that hold an escaped NUL have no template. */
const marker = '\u0000hole ';
const escapedNul = String.raw`\u0000`;

/** Shorter stretches are compared here: the way into a native comparison costs as much as some 30 bytes. */
const nativeBytes = 32;

/**
 * A document with holes: everything that documents of one make have in common, and the string values in which they differ.
 *
 * A document is of the template exactly when it is byte for byte the same outside of the holes and has a string without escapes in each
 * hole. Then the two have the same tokens but for those strings, so that the parsed document is the parsed template with other texts put in:
 * no parser has to see it.
 */
export interface JsonTemplate {
  readonly bytes: Buffer;
  /** From and to of every string value that may become a hole, without its quotes. */
  readonly strings: readonly number[];
  /** Which of the strings are holes. */
  readonly holes: readonly boolean[];
  /** What stands before, between and behind the holes. */
  readonly fixed: readonly Buffer[];
  readonly plan: Plan | undefined;
  /** Holes whose text the plan puts somewhere; the others are in what is left out. */
  readonly used: readonly boolean[];
}

/** What documents come without. */
export interface Omissions {
  /** Leave `managedFields` out. */
  readonly trimManagedFields: boolean;
  /** Fields that nobody reads, as paths in the object such as `status.podIPs` or, in every element of a list, `spec.volumes.*.projected`;
   * `[field]` and `[field=text]` take the elements that have such a field: `status.conditions.[type=Ready].message`. */
  readonly omit?: readonly string[] | undefined;
}

/** How a document is built: a copy of `base`, in which these keys come from a hole (its number) or from a copy further down. */
interface Plan {
  readonly base: object;
  readonly keys: readonly (string | number)[];
  readonly parts: readonly (Plan | number)[];
}

/** A template without holes: it says what one document looked like, and matches nothing. */
export function templateOf(range: JsonRange): JsonTemplate {
  const bytes = Buffer.from(range.bytes.subarray(range.start, range.end));
  const strings = stringValues(bytes);
  return { bytes, strings, holes: strings.map(() => false), fixed: [], plan: undefined, used: [] };
}

/** The template that both are of, or `undefined` when they differ in more than strings. */
export function commonTemplate(template: JsonTemplate, other: JsonTemplate, omissions: Omissions): JsonTemplate | undefined {
  const { bytes, strings } = template;
  if (strings.length !== other.strings.length || bytes.includes(escapedNul)) return undefined;
  const holes: boolean[] = [];
  const fixed: Buffer[] = [];
  let fixedFrom = 0;
  let at = 0;
  let otherAt = 0;
  for (let index = 0; index <= strings.length; index += 2) {
    const from = strings[index] ?? bytes.length;
    const otherFrom = other.strings[index] ?? other.bytes.length;
    if (!sameBytes(template, at, from, { bytes: other.bytes, from: otherAt, to: otherFrom })) return undefined;
    if (index === strings.length) break;
    at = strings[index + 1] ?? from;
    otherAt = other.strings[index + 1] ?? otherFrom;
    const isHole = template.holes[index] === true || !sameBytes(template, from, at, { bytes: other.bytes, from: otherFrom, to: otherAt });
    holes[index] = isHole;
    if (!isHole) continue;
    fixed.push(bytes.subarray(fixedFrom, from));
    fixedFrom = at;
  }
  fixed.push(bytes.subarray(fixedFrom));
  const plan = planOf(fixed, omissions);
  if (plan === undefined) return undefined;
  const put = new Set(holesOf(plan));
  return { bytes, strings, holes, fixed, plan, used: fixed.map((_, index) => put.has(index)) };
}

/**
 * The parsed document when it is of the template, else `undefined`. What stands outside of the holes is shared by all documents of the
 * template, and frozen.
 */
export function parseByTemplate({ fixed, plan, used }: JsonTemplate, { bytes, start, end }: JsonRange): unknown {
  if (plan === undefined) return undefined;
  const values: string[] = [];
  let at = start;
  for (const stretch of fixed) {
    if (stretch !== fixed[0]) {
      const close = plainEnd(bytes, at, end);
      if (close === -1) return undefined;
      values.push(used[values.length] === true ? bytes.toString('latin1', at, close) : '');
      at = close;
    }
    const next = at + stretch.length;
    if (next > end || !standsAt(stretch, bytes, at)) return undefined;
    at = next;
  }
  return at === end ? build(plan, values) : undefined;
}

function build({ base, keys, parts }: Plan, values: readonly string[]): unknown {
  const copy = (Array.isArray(base) ? base.slice() : { ...base }) as Record<string | number, unknown>;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index];
    const part = parts[index];
    if (key !== undefined && part !== undefined) copy[key] = typeof part === 'number' ? values[part] : build(part, values);
  }
  return copy;
}

/** Parses the template with a marked text in every hole and looks where they come out. */
function planOf(fixed: readonly Buffer[], { trimManagedFields, omit = [] }: Omissions): Plan | undefined {
  const pieces = fixed.flatMap((stretch, index) => (index === 0 ? [stretch] : [Buffer.from(`${escapedNul}hole ${index - 1}`), stretch]));
  const marked = Buffer.concat(pieces);
  const value = parseRange({ bytes: marked, start: 0, end: marked.length, ascii: isAscii(marked) }, trimManagedFields);
  for (const path of omit) drop(objectOf(value), path.split('.'));
  // What lost a key is slow from then on, and so are its copies.
  const plan = partOf(omit.length === 0 ? value : rebuilt(value));
  return typeof plan === 'object' && isSound(plan) ? plan : undefined;
}

/** The object itself, or the one in a watch event. */
function objectOf(value: unknown): unknown {
  const event = value as { readonly metadata?: unknown; readonly object?: unknown } | null;
  return event?.metadata === undefined ? event?.object : event;
}

function drop(value: unknown, [key = '', ...rest]: readonly string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (rest.length === 0) Reflect.deleteProperty(value, key);
  else if (key === '*') for (const child of Object.values(value)) drop(child, rest);
  else if (key.startsWith('[')) for (const child of Object.values(value)) dropIf(child, key, rest);
  else if (Object.hasOwn(value, key)) drop((value as Readonly<Record<string, unknown>>)[key], rest);
}

function rebuilt(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(rebuilt);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, rebuilt(child)]));
}

/** `[field]` or `[field=text]`. */
function dropIf(value: unknown, condition: string, rest: readonly string[]): void {
  const [field = '', text] = condition.slice(1, -1).split('=');
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return;
  if (text === undefined || (value as Readonly<Record<string, unknown>>)[field] === text) drop(value, rest);
}

function partOf(value: unknown): Plan | number | undefined {
  if (typeof value === 'string') return value.startsWith(marker) ? Number(value.slice(marker.length)) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const keys: (string | number)[] = [];
  const parts: (Plan | number)[] = [];
  for (const [key, child] of Object.entries(value)) {
    const part = partOf(child);
    if (part === undefined) continue;
    keys.push(Array.isArray(value) ? Number(key) : key);
    parts.push(part);
  }
  if (keys.length > 0) return { base: value, keys, parts };
  // Shared by all documents of the template.
  Object.freeze(value);
  return undefined;
}

function holesOf({ parts }: Plan): number[] {
  return parts.flatMap((part) => (typeof part === 'number' ? [part] : holesOf(part)));
}

/** An assignment to this key would set the prototype. */
function isSound({ keys, parts }: Plan): boolean {
  return !keys.includes('__proto__') && parts.every((part) => typeof part === 'number' || isSound(part));
}

/** String values (no keys) without escapes, as pairs of from and to. A string is a value when a comma or a closer follows at once. */
function stringValues(bytes: Buffer): number[] {
  const strings: number[] = [];
  for (let at = bytes.indexOf(quote); at !== -1;) {
    const from = at + 1;
    const plain = plainEnd(bytes, from, bytes.length);
    const to = plain === -1 ? escapedEnd(bytes, from) : plain;
    const next = bytes[to + 1];
    if (plain !== -1 && (next === comma || next === brace || next === bracket)) strings.push(from, to);
    at = bytes.indexOf(quote, to + 1);
  }
  return strings;
}

/** Where the string that begins here ends, or -1 when it has escapes, control characters or anything beyond ASCII. */
function plainEnd(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) return at;
    if (byte < 0x20 || byte > 0x7e || byte === backslash) return -1;
  }
  return -1;
}

function escapedEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}

function sameBytes(
  { bytes }: JsonTemplate,
  from: number,
  to: number,
  other: { readonly bytes: Buffer; readonly from: number; readonly to: number },
): boolean {
  return to - from === other.to - other.from && bytes.compare(other.bytes, other.from, other.to, from, to) === 0;
}

function standsAt(stretch: Buffer, bytes: Buffer, at: number): boolean {
  const { length } = stretch;
  if (length >= nativeBytes) return stretch.compare(bytes, at, at + length) === 0;
  for (let index = 0; index < length; index++) {
    if (stretch[index] !== bytes[at + index]) return false;
  }
  return true;
}
