/**
 * A float as Prometheus' API writes it: the shortest text that reads back the same, with an exponent below 1e-6 and from 1e21 on, which are
 * JavaScript's bounds too; only the shape of the exponent differs (at least two digits).
 */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Without an exponent at all, as label values that are made of numbers have it (`count_values`, `le`). */
export function formatPlainFloat(value: number): string {
  const text = formatFloat(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', head = '', tail = '', exponent = '0'] = match;
  const shift = Number(exponent);
  const digits = head + tail;
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - 1)}${digits}`;
  return `${sign}${digits.padEnd(shift + 1, '0')}`;
}

/** Epoch milliseconds as seconds, with three places or none. */
export function formatTimestamp(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const whole = Math.abs(Math.trunc(ms));
  const rest = whole % 1000;
  return `${sign}${Math.floor(whole / 1000)}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`}`;
}

/** Go's `strconv.ParseFloat`, without hexadecimal floats; undefined for what is no number and for what is out of range. */
export function parseFloatText(text: string): number | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    if (special[2]?.toLowerCase() === 'nan') return special[1] === '' ? Number.NaN : undefined;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const units: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const durationPattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Go's nanoseconds end here. */
const longestMs = 9_223_372_036_854;

/** Milliseconds of `1h30m`; a text that says why it is none otherwise. */
export function parseDurationText(text: string): number | { readonly problem: string } {
  if (text === '0') return 0;
  const match = text === '' ? null : durationPattern.exec(text);
  if (match === null) return { problem: text === '' ? 'empty duration string' : `not a valid duration string: ${JSON.stringify(text)}` };
  let total = 0;
  for (const [index, [, ms]] of units.entries()) total += Number(match[index + 1] ?? 0) * ms;
  return total > longestMs ? { problem: 'duration out of range' } : total;
}
