/** The value of a number token: decimal, hexadecimal (`0x`), octal with a leading zero, `inf`, `nan`. */
export function numberValue(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (lower === 'inf') return Number.POSITIVE_INFINITY;
  if (lower === 'nan') return Number.NaN;
  if (/^0x[0-9a-f]+$/.test(lower)) return Number(lower);
  // Go reads integers by their prefix first; digits that are not octal leave a decimal.
  if (/^0[0-7]+$/.test(lower)) return Number.parseInt(lower, 8);
  if (!/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(lower)) return undefined;
  return Number(lower);
}

const simpleEscapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** The text of a string token that the lexer has passed. Escapes of single bytes that do not make up UTF-8 become U+FFFD. */
export function stringValue(token: string): string {
  const quote = token.charAt(0);
  const body = token.slice(1, -1);
  if (quote === '`' || !body.includes('\\')) return body;
  const bytes: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const slash = body.indexOf('\\', at);
    if (slash < 0) {
      bytes.push(Buffer.from(body.slice(at)));
      break;
    }
    bytes.push(Buffer.from(body.slice(at, slash)));
    const [value, length] = escapeAt(body, slash + 1);
    bytes.push(value);
    at = slash + 1 + length;
  }
  return Buffer.concat(bytes).toString('utf8');
}

/** Bytes of an escape, and how many characters it takes after the backslash. */
function escapeAt(body: string, at: number): [bytes: Buffer, length: number] {
  const char = body.charAt(at);
  const simple = simpleEscapes[char];
  if (simple !== undefined) return [Buffer.from([simple]), 1];
  if (/[0-7]/.test(char)) return [Buffer.from([Number.parseInt(body.slice(at, at + 3), 8) & 0xff]), 3];
  if (char === 'x') return [Buffer.from([Number.parseInt(body.slice(at + 1, at + 3), 16)]), 3];
  if (char === 'u') return [rune(body.slice(at + 1, at + 5)), 5];
  if (char === 'U') return [rune(body.slice(at + 1, at + 9)), 9];
  return [Buffer.from(char), 1];
}

function rune(digits: string): Buffer {
  const code = Number.parseInt(digits, 16);
  return Buffer.from(code > 0x10ffff ? '\uFFFD' : String.fromCodePoint(code));
}
