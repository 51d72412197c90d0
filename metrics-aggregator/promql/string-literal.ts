/** Escapes of one letter that PromQL has: those of Go. */
const letters: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };

/** Digits and base of the escapes that give one byte or one code point. */
const numeric: Readonly<Record<string, { readonly digits: number; readonly base: number; readonly byte: boolean }>> = {
  x: { digits: 2, base: 16, byte: true },
  u: { digits: 4, base: 16, byte: false },
  U: { digits: 8, base: 16, byte: false },
};

/**
 * The text that a PromQL string literal stands for, by the rules of Go (`strutil.Unquote`), stricter than the grammar's token: an unclosed literal, an
 * unknown escape and bytes that are no UTF-8 give `undefined`, since another reader could take them for something else.
 */
export function decodeString(literal: string): string | undefined {
  const quote = literal.charAt(0);
  if (literal.length < 2 || !literal.endsWith(quote)) return undefined;
  const inner = literal.slice(1, -1);
  // Go drops carriage returns of a raw string; other readers may not.
  if (quote === '`') return inner.includes('`') || inner.includes('\r') ? undefined : inner;
  if (quote !== '"' && quote !== "'") return undefined;
  if (!inner.includes('\\')) return inner.includes(quote) || inner.includes('\n') ? undefined : inner;
  const bytes: number[] = [];
  let position = 0;
  while (position < inner.length) {
    const read = inner[position] === '\\' ? readEscape(inner, position + 1, quote) : readPlain(inner, position, quote);
    if (read === undefined) return undefined;
    bytes.push(...read.bytes);
    position = read.next;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

interface Read {
  readonly bytes: Iterable<number>;
  readonly next: number;
}

function readPlain(text: string, at: number, quote: string): Read | undefined {
  const code = text.codePointAt(at) ?? 0;
  const char = String.fromCodePoint(code);
  return char === quote || char === '\n' ? undefined : { bytes: utf8(char), next: at + char.length };
}

function readEscape(text: string, at: number, quote: string): Read | undefined {
  const kind = text.charAt(at);
  if (kind === quote) return { bytes: [kind.charCodeAt(0)], next: at + 1 };
  const letter = letters[kind];
  if (letter !== undefined) return { bytes: [letter], next: at + 1 };
  if (/[0-7]/.test(kind)) return readNumber(text, at, { digits: 3, base: 8, byte: true });
  const form = numeric[kind];
  return form === undefined ? undefined : readNumber(text, at + 1, form);
}

function readNumber(text: string, at: number, form: { digits: number; base: number; byte: boolean }): Read | undefined {
  const digits = text.slice(at, at + form.digits);
  if (!(form.base === 8 ? /^[0-7]{3}$/ : /^[0-9a-fA-F]+$/).test(digits) || digits.length !== form.digits) return undefined;
  const value = Number.parseInt(digits, form.base);
  const next = at + form.digits;
  if (form.byte) return value > 255 ? undefined : { bytes: [value], next };
  const surrogate = value >= 0xd800 && value <= 0xdfff;
  return value > 0x10ffff || surrogate ? undefined : { bytes: utf8(String.fromCodePoint(value)), next };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A double-quoted literal that every reader of PromQL and MetricsQL takes for exactly this text. */
export function encodeString(text: string): string {
  let literal = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '"' || char === '\\') literal += `\\${char}`;
    else if (char === '\n') literal += '\\n';
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029) literal += unicodeEscape(code);
    else literal += char;
  }
  return `${literal}"`;
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A regular expression (RE2) that matches exactly this text; for `=~`, where the expression is anchored. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
