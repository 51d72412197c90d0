import { invalidQuantity, nanoPerOne, parseQuantityText } from './quantity-parse.ts';
import type { QuantityFormat } from './quantity-parse.ts';

export { formatMilli, parseMilli, tryParseMilli } from './milli.ts';
export type { QuantityFormat } from './quantity-parse.ts';

/**
 * How a part that does not fit is dealt with. `up` is away from zero (what upstream's `Value()` and `MilliValue()` do), `down` towards
 * zero, `ceil` and `floor` towards plus and minus infinity, `nearest` to the nearest, halves away from zero.
 */
export type Rounding = 'up' | 'down' | 'ceil' | 'floor' | 'nearest';

const nanoPerMilli = 1_000_000n;
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

/**
 * A Kubernetes quantity, exact: an immutable number of nano-units (the finest that upstream keeps) and a notation. Equality and
 * order are those of the value; the notation matters only when it is printed.
 */
export class Quantity {
  /** Value × 10^9. */
  readonly nano: bigint;
  readonly format: QuantityFormat;

  private constructor(nano: bigint, format: QuantityFormat) {
    this.nano = nano;
    this.format = format;
  }

  static readonly zero: Quantity = new Quantity(0n, 'DecimalSI');

  /** Reads a quantity; a number is read as the text that JSON prints for it. Throws `QUANTITY_INVALID`. */
  static parse(value: string | number): Quantity {
    const quantity = Quantity.tryParse(value);
    if (quantity === undefined) throw invalidQuantity(value);
    return quantity;
  }

  /** As {@link Quantity.parse}; `undefined` for what is not a quantity, of whatever type. */
  static tryParse(value: unknown): Quantity | undefined {
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const parsed = parseQuantityText(String(value));
    return parsed === undefined ? undefined : new Quantity(parsed.nano, parsed.format);
  }

  /** A number must be a safe integer. */
  static ofInteger(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(toBigInt(value) * nanoPerOne, format);
  }

  /** A number must be a safe integer. */
  static ofMilli(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(toBigInt(value) * nanoPerMilli, format);
  }

  static ofNano(value: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(value, format);
  }

  /** The sum, in this quantity's notation, or in the other's when this one is zero (as upstream). */
  add(other: Quantity): Quantity {
    return new Quantity(this.nano + other.nano, this.nano === 0n ? other.format : this.format);
  }

  /** The difference; notation as for {@link Quantity.add}. */
  sub(other: Quantity): Quantity {
    return new Quantity(this.nano - other.nano, this.nano === 0n ? other.format : this.format);
  }

  neg(): Quantity {
    return new Quantity(-this.nano, this.format);
  }

  /** Times an integer; a number must be a safe integer. */
  mul(factor: bigint | number): Quantity {
    return new Quantity(this.nano * toBigInt(factor), this.format);
  }

  /** Times `numerator / denominator`, the part below a nano rounded as told. Throws `RangeError` for a denominator of zero. */
  mulRatio(numerator: bigint | number, denominator: bigint | number, rounding: Rounding): Quantity {
    return new Quantity(divide(this.nano * toBigInt(numerator), toBigInt(denominator), rounding), this.format);
  }

  /** -1, 0 or 1. */
  cmp(other: Quantity): -1 | 0 | 1 {
    if (this.nano === other.nano) return 0;
    return this.nano < other.nano ? -1 : 1;
  }

  /** Equal in value; `1024Mi` equals `1Gi`. */
  equals(other: Quantity): boolean {
    return this.nano === other.nano;
  }

  /** The smaller one; the first of two equal ones. */
  static min(a: Quantity, b: Quantity): Quantity {
    return b.nano < a.nano ? b : a;
  }

  /** The larger one; the first of two equal ones. */
  static max(a: Quantity, b: Quantity): Quantity {
    return b.nano > a.nano ? b : a;
  }

  get sign(): -1 | 0 | 1 {
    if (this.nano === 0n) return 0;
    return this.nano < 0n ? -1 : 1;
  }

  get isZero(): boolean {
    return this.nano === 0n;
  }

  /** Whole units; upstream's `Value()` is `toInteger('up')`. */
  toInteger(rounding: Rounding): bigint {
    return divide(this.nano, nanoPerOne, rounding);
  }

  /** Whole thousandths; upstream's `MilliValue()` is `toMilli('up')`. */
  toMilli(rounding: Rounding): bigint {
    return divide(this.nano, nanoPerMilli, rounding);
  }

  /** Always exact. */
  toNano(): bigint {
    return this.nano;
  }

  /** The nearest double. */
  toNumber(): number {
    // A decimal text is rounded once; dividing two doubles would round up to three times.
    return Number(`${this.nano}e-9`);
  }

  /** The same value in another notation. */
  withFormat(format: QuantityFormat): Quantity {
    return new Quantity(this.nano, format);
  }

  /** Canonical text: no fraction, the largest suffix that loses nothing; binary falls back to decimal below 1024 and for fractions. */
  toString(): string {
    if (this.nano === 0n) return '0';
    if (this.format === 'BinarySI') {
      const integer = this.nano / nanoPerOne;
      const exact = integer * nanoPerOne === this.nano;
      if (exact && (integer >= 1024n || integer <= -1024n)) return formatBinary(integer);
    }
    return formatDecimal(this.nano, this.format);
  }

  toJSON(): string {
    return this.toString();
  }
}

/**
 * The text that the API server stores and answers for a quantity that was sent to it: nearly always the canonical one, except that
 * upstream keeps the text as sent when a quick look finds it canonical enough (`+1`, `01`, `1.500`, `1E3`, `1025Mi`). `undefined` for what
 * is not a quantity.
 */
export function storedQuantityText(value: string | number): string | undefined {
  const text = String(value).trim();
  const quantity = Quantity.tryParse(text);
  if (quantity === undefined) return undefined;
  return keepsItsText(text) ? text : quantity.toString();
}

const storedPattern = /^[+-]?0*([0-9]*)(?:\.([0-9]*))?([numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]+)$/;
const int64DecimalDigits = 18;

function keepsItsText(text: string): boolean {
  const match = storedPattern.exec(text);
  if (match === null) return false;
  const [, whole = '', fraction = '', suffix = ''] = match;
  if (suffix.endsWith('i')) {
    const exponent = (binarySuffixes as readonly string[]).indexOf(suffix) * 10;
    // Upstream's estimate of what fits into an int64; beyond it the value takes the slow way, which always prints canonically.
    const fits = fraction === '' && 15 - Math.max(1, whole.length) - Math.trunc((exponent * 3) / 10) - 1 >= 0;
    return fits && whole !== '' && (BigInt(whole) & 7n) !== 0n;
  }
  const shifted = (whole === '' ? '0' : whole) + fraction;
  const scale = decimalExponent(suffix) - fraction.length;
  const fits = shifted.length <= int64DecimalDigits && scale >= -9;
  return fits && scale % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0');
}

function decimalExponent(suffix: string): number {
  if (suffix.length > 1) return Number(suffix.slice(1));
  return ((decimalSuffixes as readonly string[]).indexOf(suffix) - 3) * 3;
}

function formatDecimal(nano: bigint, format: QuantityFormat): string {
  let amount = nano;
  let step = 0;
  while (amount % 1000n === 0n) {
    amount /= 1000n;
    step += 1;
  }
  const suffix = format === 'DecimalExponent' ? undefined : decimalSuffixes[step];
  if (suffix !== undefined) return `${amount}${suffix}`;
  const exponent = (step - 3) * 3;
  // Nothing stands for more than exa: upstream (since 1.37) goes over to exponents rather than losing the magnitude.
  return exponent === 0 ? String(amount) : `${amount}e${exponent}`;
}

function formatBinary(integer: bigint): string {
  let amount = integer;
  let step = 0;
  while (step < 6 && amount % 1024n === 0n) {
    amount /= 1024n;
    step += 1;
  }
  return `${amount}${binarySuffixes[step] ?? ''}`;
}

/** `dividend / divisor`, rounded as told. */
function divide(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  if (divisor === 0n) throw new RangeError('a quantity cannot be divided by zero: give a denominator other than 0');
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  if (rest === 0n) return quotient;
  const negative = dividend < 0n !== divisor < 0n;
  return awayFromZero(rest, divisor, rounding, negative) ? quotient + (negative ? -1n : 1n) : quotient;
}

function awayFromZero(rest: bigint, divisor: bigint, rounding: Rounding, negative: boolean): boolean {
  switch (rounding) {
    case 'up':
      return true;
    case 'down':
      return false;
    case 'ceil':
      return !negative;
    case 'floor':
      return negative;
    case 'nearest':
      return magnitude(rest) * 2n >= magnitude(divisor);
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function toBigInt(value: bigint | number): bigint {
  if (typeof value === 'bigint') return value;
  if (!Number.isSafeInteger(value)) throw invalidQuantity(value);
  return BigInt(value);
}
