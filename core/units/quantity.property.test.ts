import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMilli, Quantity, storedQuantityText } from './quantity.ts';
import type { QuantityFormat } from './quantity.ts';

const formats = fc.constantFrom<QuantityFormat>('DecimalSI', 'BinarySI', 'DecimalExponent');
const values = fc.oneof(
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  fc.bigInt({ min: -2000n, max: 2000n }).map((value) => value * 10n ** 9n),
  fc
    .tuple(fc.bigInt({ min: -1025n, max: 1025n }), fc.integer({ min: 0, max: 6 }))
    .map(([value, power]) => value * 1024n ** BigInt(power) * 10n ** 9n),
);
const quantities = fc.tuple(values, formats).map(([nano, format]) => Quantity.ofNano(nano, format));

/** A spelling with its exact value as a fraction, worked out here and not by the parser. */
const spellings = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.stringMatching(/^[0-9]{1,18}$/),
    fc.option(fc.stringMatching(/^[0-9]{0,9}$/), { nil: undefined }),
    fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-3', 'e-9', 'e1', 'E2'),
  )
  .map(([sign, whole, fraction, suffix]) => {
    const [base, exponent] = suffixValue(suffix);
    const digits = BigInt(whole + (fraction ?? '')) * (sign === '-' ? -1n : 1n);
    const power = exponent - (fraction?.length ?? 0);
    const numerator = digits * base * (power > 0 ? 10n ** BigInt(power) : 1n);
    const denominator = power < 0 ? 10n ** BigInt(-power) : 1n;
    return { text: `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${suffix}`, numerator, denominator };
  });

function suffixValue(suffix: string): [bigint, number] {
  const binary = ['Ki', 'Mi', 'Gi', 'Ti'].indexOf(suffix);
  if (binary >= 0) return [1024n ** BigInt(binary + 1), 0];
  if (suffix.length > 1) return [1n, Number(suffix.slice(1))];
  return [1n, 'num kMGTPE'.indexOf(suffix === '' ? ' ' : suffix) * 3 - 9];
}

/** Binary text beyond int64 is cut when it is read. */
function isCapped({ text, numerator, denominator }: { text: string; numerator: bigint; denominator: bigint }): boolean {
  const magnitude = numerator < 0n ? -numerator : numerator;
  return text.endsWith('i') && magnitude >= (2n ** 63n - 1n) * denominator;
}

/** Rounded away from zero. */
function roundUp(numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const rounded = (magnitude + denominator - 1n) / denominator;
  return numerator < 0n ? -rounded : rounded;
}

describe('Quantity', () => {
  it('parse after toString gives the same value', () => {
    fc.assert(
      fc.property(quantities, (quantity) => {
        // Only what the API can hold at all: binary text is capped at 2^63-1 when it is read.
        fc.pre(quantity.format !== 'BinarySI' || (quantity.nano < 2n ** 63n * 10n ** 9n && quantity.nano > -(2n ** 63n) * 10n ** 9n));
        expect(Quantity.parse(quantity.toString()).nano).toBe(quantity.nano);
      }),
    );
  });

  it('toString after parse gives canonical text back unchanged', () => {
    fc.assert(
      fc.property(spellings, ({ text }) => {
        const canonical = Quantity.parse(text).toString();
        expect(Quantity.parse(canonical).toString()).toBe(canonical);
        expect(storedQuantityText(canonical)).toBe(canonical);
      }),
    );
  });

  it('has the exact value of its text, rounded away from zero at a nano', () => {
    fc.assert(
      fc.property(spellings, ({ text, numerator, denominator }) => {
        fc.pre(!isCapped({ text, numerator, denominator }));
        expect(Quantity.parse(text).nano).toBe(roundUp(numerator * 10n ** 9n, denominator));
      }),
    );
  });

  it('orders as exact fractions do', () => {
    fc.assert(
      fc.property(spellings, spellings, (a, b) => {
        fc.pre(!isCapped(a) && !isCapped(b));
        const left = a.numerator * b.denominator;
        const right = b.numerator * a.denominator;
        const order = Quantity.parse(a.text).cmp(Quantity.parse(b.text));
        // Rounding at a nano may make two equal, but never turns them round.
        expect(left < right ? order <= 0 : left > right ? order >= 0 : order === 0).toBe(true);
      }),
    );
  });

  it('sub undoes add', () => {
    fc.assert(
      fc.property(quantities, quantities, (a, b) => {
        expect(a.add(b).sub(b).nano).toBe(a.nano);
        expect(a.add(b).nano).toBe(b.add(a).nano);
      }),
    );
  });

  it('rounds to neighbours: down ≤ nearest ≤ up in magnitude, floor ≤ value ≤ ceil', () => {
    fc.assert(
      fc.property(quantities, (quantity) => {
        const milli = (rounding: 'up' | 'down' | 'floor' | 'ceil' | 'nearest'): bigint => quantity.toMilli(rounding);
        expect(milli('floor') * 1_000_000n <= quantity.nano && quantity.nano <= milli('ceil') * 1_000_000n).toBe(true);
        expect(milli('ceil') - milli('floor') <= 1n).toBe(true);
        expect([milli('floor'), milli('ceil')]).toContain(milli('nearest'));
        expect(quantity.sign < 0 ? milli('floor') : milli('ceil')).toBe(milli('up'));
        expect(quantity.sign < 0 ? milli('ceil') : milli('floor')).toBe(milli('down'));
      }),
    );
  });

  it('parseMilli agrees with the exact way', () => {
    fc.assert(
      fc.property(spellings, ({ text }) => {
        expect(parseMilli(text)).toBe(Number(Quantity.parse(text).toMilli('up')));
      }),
      { numRuns: 2000 },
    );
  });
});
