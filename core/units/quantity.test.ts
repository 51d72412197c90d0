import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Quantity, storedQuantityText, tryParseMilli } from './quantity.ts';
import type { Rounding } from './quantity.ts';

// What k8s.io/apimachinery v0.36.3 says, run as a program: text, text it stores, canonical text, format, MilliValue (null where that overflows
// int64, and for negative values, whose rounding upstream gets wrong beyond int64 arithmetic). `[text, null]`: refused.
type Fact = [text: string, stored: string, canonical: string, format: string, milli: string | null] | [text: string, stored: null];
const facts = JSON.parse(readFileSync(new URL('./quantity.facts.json', import.meta.url), 'utf8')) as Fact[];

describe('Quantity against apimachinery', () => {
  it('reads, prints and rounds 400 texts as upstream does', () => {
    expect(facts).toHaveLength(400);
    const ours = facts.map(([text, , , , milli]): Fact => {
      const quantity = Quantity.tryParse(text);
      const stored = storedQuantityText(text);
      if (quantity === undefined || stored === undefined) return [text, null];
      return [text, stored, quantity.toString(), quantity.format, milli === null ? null : String(quantity.toMilli('up'))];
    });
    expect(ours).toEqual(facts);
  });

  it('refuses and rounds the same texts on the quick way to thousandths', () => {
    const expected = facts.map(([text, , , , milli]) => [text, milli === undefined ? undefined : Number(milli)]);
    const known = facts.map(([text, , , , milli]) => [text, milli === null ? 0 : tryParseMilli(text)]);
    expect(known).toEqual(expected);
  });

  it('goes over to exponents beyond exa, as upstream does since 1.37', () => {
    expect(Quantity.parse('1000E').toString()).toBe('1e21');
    expect(Quantity.parse('-5000E').toString()).toBe('-5e21');
  });

  it('keeps the value of binary numbers that have no suffix any more', () => {
    expect(Quantity.ofInteger(2n ** 75n, 'BinarySI').toString()).toBe('32768Ei');
  });

  it('rounds negative values away from zero everywhere', () => {
    expect(Quantity.parse('-0.3Ki').toInteger('up')).toBe(-308n);
    expect(Quantity.parse('-0.9n').toNano()).toBe(-1n);
  });
});

describe('Quantity.parse', () => {
  it.each(['', ' 1', '1 ', 'abc', '+', '.', 'm', '1.1.1', '1e', '1e1.5', '0x10', 'NaN', 'Infinity', '1e1001'])('refuses %j', (text) => {
    expect(() => Quantity.parse(text)).toThrowError(expect.objectContaining({ code: 'QUANTITY_INVALID' }));
  });

  it('leaves trimming to the API server', () => {
    expect(Quantity.tryParse(' 1Gi ')).toBeUndefined();
    expect(storedQuantityText(' 1024Mi ')).toBe('1Gi');
  });

  it('names the value, cut when it is huge', () => {
    expect(() => Quantity.parse('12 apples')).toThrowError('"12 apples" is not a quantity');
    expect(() => Quantity.parse('x'.repeat(10_000))).toThrowError(/^"x{64}…" is not a quantity/);
    expect(Quantity.tryParse(undefined)).toBeUndefined();
    expect(Quantity.tryParse({})).toBeUndefined();
  });

  it('is not slowed down by extreme exponents', () => {
    expect(Quantity.parse('1e-999999999').toNano()).toBe(1n);
    expect(Quantity.tryParse('1e999999999')).toBeUndefined();
    expect(Quantity.parse('0e999999999').isZero).toBe(true);
    expect(Quantity.parse('1e1000').toNano()).toBe(10n ** 1009n);
  });

  it('reads numbers as JSON writes them', () => {
    expect(Quantity.parse(1.5).toString()).toBe('1500m');
    expect(Quantity.parse(2).equals(Quantity.parse('2'))).toBe(true);
    expect(Quantity.parse(1e21).toNano()).toBe(10n ** 30n);
    expect(() => Quantity.parse(Number.NaN)).toThrowError('NaN is not a quantity');
    expect(() => Quantity.ofMilli(0.5)).toThrowError(expect.objectContaining({ code: 'QUANTITY_INVALID' }));
  });
});

describe('Quantity arithmetic', () => {
  const q = (text: string): Quantity => Quantity.parse(text);

  it('adds and subtracts in the notation of the first operand, or of the second when that is zero', () => {
    expect(q('1Gi').add(q('512Mi')).toString()).toBe('1536Mi');
    expect(q('1').add(q('1Ki')).toString()).toBe('1025');
    expect(q('0').add(q('1Ki')).toString()).toBe('1Ki');
    expect(Quantity.zero.sub(q('1Gi')).toString()).toBe('-1Gi');
    expect(q('1Gi').sub(Quantity.zero).toString()).toBe('1Gi');
  });

  it('multiplies by integers exactly and by ratios with the rounding that is asked for', () => {
    expect(q('100m').mul(3).toString()).toBe('300m');
    const roundings: Rounding[] = ['up', 'down', 'ceil', 'floor', 'nearest'];
    expect(roundings.map((rounding) => q('10n').mulRatio(1, 3, rounding).toNano())).toEqual([4n, 3n, 4n, 3n, 3n]);
    expect(q('7n').mulRatio(1, 2, 'nearest').toNano()).toBe(4n);
    expect(q('-7n').mulRatio(1, 2, 'nearest').toNano()).toBe(-4n);
    expect(q('7n').mulRatio(1, -2, 'floor').toNano()).toBe(-4n);
    expect(q('7n').mulRatio(1, -2, 'ceil').toNano()).toBe(-3n);
    expect(() => q('1').mulRatio(1, 0, 'up')).toThrowError(RangeError);
  });

  it('rounds negative values by the direction that is named', () => {
    const value = q('-1500u');
    expect([value.toMilli('up'), value.toMilli('down'), value.toMilli('ceil'), value.toMilli('floor')]).toEqual([-2n, -1n, -1n, -2n]);
  });

  it('compares by value, not by notation', () => {
    expect(q('1024Mi').equals(q('1Gi'))).toBe(true);
    expect(q('1G').cmp(q('1Gi'))).toBe(-1);
    expect(Quantity.max(q('1'), q('999m')).toString()).toBe('1');
    expect(Quantity.min(q('1'), q('999m')).toString()).toBe('999m');
    expect([q('-1').sign, q('0').sign, q('1n').sign]).toEqual([-1, 0, 1]);
  });

  it('gives the nearest double', () => {
    expect(q('0.1').toNumber()).toBe(0.1);
    expect(q('9007199254740993').toNumber()).toBe(9007199254740992);
    expect(q('1.123456789').toNumber()).toBe(1.123456789);
  });

  it('prints in another notation when told to', () => {
    expect(q('1073741824').withFormat('BinarySI').toString()).toBe('1Gi');
    expect(q('1.5Gi').withFormat('DecimalExponent').toString()).toBe('1610612736');
    expect(JSON.stringify({ cpu: Quantity.ofMilli(1500) })).toBe('{"cpu":"1500m"}');
  });
});
