import type { Environment } from '@marcbachmann/cel-js';
import { goRegExp } from '../go-regexp.ts';
import { sync } from './time-functions.ts';

class StringsNamespace {}

/** What the strings and regex libraries of the API server have beyond this library: `charAt`, `replace`, `format`, `find`, `findAll`. */
export function registerStrings(env: Environment): void {
  const method = (signature: string, handler: (...args: never[]) => unknown): void => {
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown, sync);
  };
  env.registerType('StringsNamespace', { ctor: StringsNamespace, fields: {} });
  env.registerConstant('strings', 'StringsNamespace', new StringsNamespace());
  method('StringsNamespace.quote(string): string', (_: unknown, text: string) => JSON.stringify(text));
  method('string.charAt(int): string', (text: string, at: bigint) => {
    if (at < 0n || at > BigInt(text.length)) throw new RangeError(`index out of range: ${at}`);
    return text.charAt(Number(at));
  });
  method('string.replace(string, string): string', (text: string, from: string, to: string) => text.replaceAll(from, () => to));
  method('string.replace(string, string, int): string', (text: string, from: string, to: string, times: bigint) =>
    replaceTimes(text, { from, to, times }),
  );
  method('string.format(list): string', (text: string, args: unknown[]) => format(text, args));
  method('string.find(string): string', (text: string, pattern: string) => goRegExp(pattern).exec(text)?.[0] ?? '');
  method('string.findAll(string): list<string>', (text: string, pattern: string) => findAll(text, pattern, -1n));
  method('string.findAll(string, int): list<string>', (text: string, pattern: string, limit: bigint) => findAll(text, pattern, limit));
}

function replaceTimes(text: string, change: { from: string; to: string; times: bigint }): string {
  const { from, to, times } = change;
  if (times < 0n) return text.replaceAll(from, () => to);
  let left = times;
  return text.replaceAll(from, (found) => (left-- > 0n ? to : found));
}

function findAll(text: string, pattern: string, limit: bigint): string[] {
  const expression = goRegExp(pattern);
  const found = [...text.matchAll(new RegExp(expression.source, `${expression.flags}g`))].map((match) => match[0]);
  return limit < 0n ? found : found.slice(0, Number(limit));
}

/** printf-like: `%s` anything, `%d` integers, `%f` and `%e` with precision, `%b`, `%o`, `%x`, `%X`, `%%`. */
function format(template: string, args: readonly unknown[]): string {
  let next = 0;
  return template.replaceAll(/%(?:\.(\d+))?([a-zA-Z%])/g, (clause, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= args.length) throw new RangeError(`index ${next} out of range`);
    return formatOne(args[next++], verb, precision === undefined ? 6 : Number(precision), clause);
  });
}

function formatOne(value: unknown, verb: string, precision: number, clause: string): string {
  switch (verb) {
    case 's':
      return textOf(value);
    case 'd':
      if (typeof value !== 'bigint' && typeof value !== 'number')
        throw new TypeError(`decimal clause can only be used on numbers, was given ${typeof value}`);
      return String(value);
    case 'f':
      return Number(value).toFixed(precision);
    case 'e':
      return Number(value)
        .toExponential(precision)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : BigInt(value as bigint).toString(2);
    case 'o':
      return BigInt(value as bigint).toString(8);
    case 'x':
    case 'X': {
      const text = typeof value === 'string' ? Buffer.from(value).toString('hex') : BigInt(value as bigint).toString(16);
      return verb === 'X' ? text.toUpperCase() : text;
    }
    default:
      throw new SyntaxError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(clause)}`);
  }
}

interface Printable {
  toString(this: unknown): string;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map((item) => (typeof item === 'string' ? JSON.stringify(item) : textOf(item))).join(', ')}]`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value === null) return 'null';
  if (typeof value === 'object') {
    // Quantities, durations, URLs and addresses print themselves.
    const own = (value as Partial<Printable>).toString;
    if (own !== undefined && own !== Object.prototype.toString) return own.call(value);
    const parts = Object.entries(value).map(
      ([key, member]) => `${JSON.stringify(key)}: ${typeof member === 'string' ? JSON.stringify(member) : textOf(member)}`,
    );
    return `{${parts.toSorted().join(', ')}}`;
  }
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : '';
}
