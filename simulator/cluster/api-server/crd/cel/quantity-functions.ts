import type { Environment } from '@marcbachmann/cel-js';
import { Quantity } from '../../../../../core/units/index.ts';
import { sync } from './time-functions.ts';

const type = 'kubernetes.Quantity';
const largest = 2n ** 63n - 1n;

/** `quantity()` and its methods, exact (nano-units). */
export function registerQuantities(env: Environment): void {
  const method = (signature: string, handler: (...args: never[]) => unknown): void => {
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown, sync);
  };
  env.registerType(type, { ctor: Quantity, fields: {} });
  env.registerOperator(`${type} == ${type}`, (a: Quantity, b: Quantity) => a.cmp(b) === 0);
  method('isQuantity(string): bool', (text: string) => Quantity.tryParse(text) !== undefined);
  method(`quantity(string): ${type}`, (text: string) => {
    const value = Quantity.tryParse(text);
    if (value === undefined)
      throw new SyntaxError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    return value;
  });
  method(`sign(${type}): int`, (value: Quantity) => BigInt(value.sign));
  method(`${type}.isInteger(): bool`, (value: Quantity) => asInteger(value) !== undefined);
  method(`${type}.asInteger(): int`, (value: Quantity) => {
    const whole = asInteger(value);
    if (whole === undefined) throw new RangeError('cannot convert value to integer');
    return whole;
  });
  method(`${type}.asApproximateFloat(): double`, (value: Quantity) => value.toNumber());
  method(`${type}.add(${type}): ${type}`, (a: Quantity, b: Quantity) => a.add(b));
  method(`${type}.add(int): ${type}`, (a: Quantity, b: bigint) => a.add(Quantity.ofInteger(b)));
  method(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => a.sub(b));
  method(`${type}.sub(int): ${type}`, (a: Quantity, b: bigint) => a.sub(Quantity.ofInteger(b)));
  method(`${type}.isGreaterThan(${type}): bool`, (a: Quantity, b: Quantity) => a.cmp(b) > 0);
  method(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => a.cmp(b) < 0);
  method(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) => BigInt(a.cmp(b)));
}

/** The value when it is whole and fits an int64. */
function asInteger(value: Quantity): bigint | undefined {
  const whole = value.toInteger('down');
  return Quantity.ofInteger(whole).cmp(value) === 0 && whole <= largest && whole >= -largest - 1n ? whole : undefined;
}
