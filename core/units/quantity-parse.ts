import { ConcertinaError } from '../errors.ts';

/** The three notations; a quantity keeps the one that it was written in. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** A parsed quantity: the exact value in nano-units and the notation that it was written in. */
export interface ParsedQuantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

/** Nano-units in one. */
export const nanoPerOne = 1_000_000_000n;

/**
 * Exponents above this are refused. Upstream takes any 32-bit exponent; a text of ten characters must not be able to
 * build a number of a billion digits here.
 */
const maximumExponent = 1000;

/** Upstream caps binary quantities, and only those, at the range of int64. */
const binaryCapNano = (2n ** 63n - 1n) * nanoPerOne;

const pattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([numkMGTPE])|([KMGTPE]i)|[eE]([+-]?[0-9]+))?$/;

const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryShifts: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/**
 * Reads a quantity as `resource.ParseQuantity` of apimachinery does: parts below a nano are rounded away from zero, binary
 * quantities are capped at ±(2^63-1) and those below one become decimal. One difference on purpose: upstream's scanner takes a
 * text without any digit (`+`, `.`, `m`) for zero, against its own grammar; here it is no quantity.
 */
export function parseQuantityText(text: string): ParsedQuantity | undefined {
  return parsePlain(text) ?? parseGeneral(text);
}

const plainUnits: Readonly<Record<string, ParsedQuantity>> = {
  '': { nano: nanoPerOne, format: 'DecimalSI' },
  n: { nano: 1n, format: 'DecimalSI' },
  u: { nano: 1000n, format: 'DecimalSI' },
  m: { nano: 1_000_000n, format: 'DecimalSI' },
  k: { nano: 10n ** 12n, format: 'DecimalSI' },
  M: { nano: 10n ** 15n, format: 'DecimalSI' },
  G: { nano: 10n ** 18n, format: 'DecimalSI' },
  Ki: { nano: nanoPerOne << 10n, format: 'BinarySI' },
  Mi: { nano: nanoPerOne << 20n, format: 'BinarySI' },
  Gi: { nano: nanoPerOne << 30n, format: 'BinarySI' },
};

/** Up to nine digits and a common suffix, without the regular expression: nearly every quantity there is. None of these can meet a cap. */
function parsePlain(text: string): ParsedQuantity | undefined {
  let digits = 0;
  let at = 0;
  for (; at < text.length && at < 10; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) break;
    digits = digits * 10 + (code - 48);
  }
  if (at === 0 || at > 9 || text.length - at > 2) return undefined;
  const unit = plainUnits[text.slice(at)];
  return unit === undefined ? undefined : { nano: BigInt(digits) * unit.nano, format: unit.format };
}

function parseGeneral(text: string): ParsedQuantity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', decimal, binary, exponentText] = match;
  const digits = whole + fraction;
  if (digits === '') return undefined;
  const unscaled = BigInt(digits);
  if (binary !== undefined) return parseBinary(unscaled << (binaryShifts[binary] ?? 0n), fraction.length, sign === '-');
  const exponent = exponentText === undefined ? (decimalExponents[decimal ?? ''] ?? 0) : Number(exponentText);
  const format: QuantityFormat = exponentText === undefined ? 'DecimalSI' : 'DecimalExponent';
  if (unscaled === 0n) return { nano: 0n, format };
  if (exponent > maximumExponent) return undefined;
  const nano = scaleUp(unscaled, exponent + 9 - fraction.length);
  return { nano: sign === '-' ? -nano : nano, format };
}

function parseBinary(unscaled: bigint, fractionDigits: number, negative: boolean): ParsedQuantity {
  let nano = scaleUp(unscaled, 9 - fractionDigits);
  if (nano > binaryCapNano) nano = binaryCapNano;
  // Only on the way that leaves int64 arithmetic, which every fraction takes; whole binary numbers are never between 0 and 1.
  const format: QuantityFormat = nano > 0n && nano < nanoPerOne ? 'DecimalSI' : 'BinarySI';
  return { nano: negative ? -nano : nano, format };
}

/** `value · 10^power`, rounded up; value is not negative. */
function scaleUp(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  if (value === 0n) return 0n;
  // More places than digits leave only the rounding unit.
  if (-power > value.toString().length) return 1n;
  const divisor = 10n ** BigInt(-power);
  return (value + divisor - 1n) / divisor;
}

/** The error of every function that reads a quantity. */
export function invalidQuantity(value: unknown): ConcertinaError {
  const shown = typeof value === 'string' ? JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value) : String(value);
  return new ConcertinaError(
    'QUANTITY_INVALID',
    `${shown} is not a quantity: write a number with an optional suffix, like 100m, 1.5Gi or 2e3.`,
    {
      details: { value },
    },
  );
}
