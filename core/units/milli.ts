import { invalidQuantity, parseQuantityText } from './quantity-parse.ts';

/**
 * Thousandths of a quantity as an integer, rounded away from zero: `Quantity.parse(text).toMilli('up')` without bigint for common
 * spellings (digits, an optional fraction and an SI or binary suffix). Exact up to 2^53 thousandths (9 TB); the nearest double above.
 * Throws `QUANTITY_INVALID` as `Quantity.parse` does.
 */
export function parseMilli(value: string | number): number {
  const milli = tryParseMilli(value);
  if (milli === undefined) throw invalidQuantity(value);
  return milli;
}

/** As {@link parseMilli}; `undefined` for what is not a quantity, of whatever type. */
export function tryParseMilli(value: unknown): number | undefined {
  if (typeof value === 'string') {
    const fast = fastMilli(value);
    if (fast >= 0) return fast;
  }
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const parsed = parseQuantityText(String(value));
  return parsed === undefined ? undefined : exactMilli(parsed.nano);
}

function exactMilli(nano: bigint): number {
  const quotient = nano / 1_000_000n;
  if (quotient * 1_000_000n === nano) return Number(quotient);
  return Number(nano > 0n ? quotient + 1n : quotient - 1n);
}

/** Digits that are exact in a double however they stand. */
const maximumDigits = 15;

/** -1 for whatever the quick way cannot do exactly: signs, exponents, long numbers, results beyond 2^53. */
function fastMilli(text: string): number {
  const length = text.length;
  let position = 0;
  let digits = 0;
  let fractionDigits = -1;
  for (; position < length; position++) {
    const code = text.charCodeAt(position);
    if (code >= 48 && code <= 57) {
      digits = digits * 10 + (code - 48);
      if (fractionDigits >= 0) fractionDigits += 1;
    } else if (code === 46 && fractionDigits < 0) {
      fractionDigits = 0;
    } else {
      break;
    }
  }
  if (position === 0 || position > maximumDigits || (position === 1 && fractionDigits === 0)) return -1;
  const multiplier = milliMultiplier(text, position);
  if (multiplier === 0) return -1;
  return scaled(digits, multiplier, fractionDigits);
}

function scaled(digits: number, multiplier: number, fractionDigits: number): number {
  // A negative multiplier is a divisor: below a milli.
  const product = multiplier > 0 ? digits * multiplier : digits;
  if (product > Number.MAX_SAFE_INTEGER) return -1;
  const divisor = (multiplier > 0 ? 1 : -multiplier) * (fractionDigits > 0 ? 10 ** fractionDigits : 1);
  if (divisor === 1) return product;
  // % and the exact quotient, because a plain division can round a number just above an integer down to it.
  const rest = product % divisor;
  return (product - rest) / divisor + (rest > 0 ? 1 : 0);
}

/** Thousandths in one unit of the suffix that starts at `at`; negative: units in a thousandth; 0: not a plain suffix. */
function milliMultiplier(text: string, at: number): number {
  switch (text.length - at) {
    case 0:
      return 1000;
    case 1:
      return decimalMultiplier(text.charCodeAt(at));
    case 2:
      return text.charCodeAt(at + 1) === 105 ? binaryMultiplier(text.charCodeAt(at)) : 0;
    default:
      return 0;
  }
}

function decimalMultiplier(code: number): number {
  switch (code) {
    case 109: // m
      return 1;
    case 110: // n
      return -1e6;
    case 117: // u
      return -1e3;
    case 107: // k
      return 1e6;
    case 77: // M
      return 1e9;
    case 71: // G
      return 1e12;
    case 84: // T
      return 1e15;
    default:
      return 0;
  }
}

function binaryMultiplier(code: number): number {
  switch (code) {
    case 75: // Ki
      return 1_024_000;
    case 77: // Mi
      return 1_048_576_000;
    case 71: // Gi
      return 1_073_741_824_000;
    case 84: // Ti
      return 1_099_511_627_776_000;
    default:
      return 0;
  }
}

const binaryUnits = [
  ['Ti', 1024 ** 4],
  ['Gi', 1024 ** 3],
  ['Mi', 1024 ** 2],
  ['Ki', 1024],
] as const;

/**
 * Thousandths as text for a person, at most one decimal: memory and storage in binary units (`1.5Gi`), everything else in cores and
 * milli-cores (`250m`, `1.5`). Lossy: never write it into an object.
 */
export function formatMilli(resource: string, milli: number): string {
  if (resource === 'memory' || resource.includes('storage') || resource.startsWith('hugepages-')) {
    const bytes = milli / 1000;
    const unit = binaryUnits.find(([, size]) => Math.abs(bytes) >= size);
    return unit === undefined ? String(Math.ceil(bytes)) : `${trimmed(bytes / unit[1])}${unit[0]}`;
  }
  return Math.abs(milli) >= 10_000 || milli % 1000 === 0 ? trimmed(milli / 1000) : `${milli}m`;
}

function trimmed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
