import type { Environment } from '@marcbachmann/cel-js';
import { equalCel } from './equality.ts';
import { sync } from './time-functions.ts';

type Handler = (...args: never[]) => unknown;

function register(env: Environment, signature: string, handler: Handler): void {
  env.registerFunction(signature, handler as (...args: unknown[]) => unknown, sync);
}

/** Kubernetes' list library: `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`. */
export function registerLists(env: Environment): void {
  register(env, 'list<int>.sum(): int', (items: bigint[]) => items.reduce((total, item) => total + item, 0n));
  register(env, 'list<double>.sum(): double', (items: number[]) => items.reduce((total, item) => total + item, 0));
  register(env, 'list<A>.isSorted(): bool', (items: unknown[]) =>
    items.every((item, index) => index === 0 || compare(items[index - 1], item) <= 0),
  );
  register(env, 'list<A>.min(): A', (items: unknown[]) => extreme('min', items));
  register(env, 'list<A>.max(): A', (items: unknown[]) => extreme('max', items));
  register(env, 'list<A>.indexOf(A): int', (items: unknown[], wanted: unknown) =>
    BigInt(items.findIndex((item) => equalCel(item, wanted))),
  );
  register(env, 'list<A>.lastIndexOf(A): int', (items: unknown[], wanted: unknown) =>
    BigInt(items.findLastIndex((item) => equalCel(item, wanted))),
  );
}

class SetsNamespace {}

/** `sets.contains`, `sets.equivalent`, `sets.intersects`. */
export function registerSets(env: Environment): void {
  env.registerType('SetsNamespace', { ctor: SetsNamespace, fields: {} });
  env.registerConstant('sets', 'SetsNamespace', new SetsNamespace());
  const within = (part: unknown[], whole: unknown[]): boolean => part.every((item) => whole.some((other) => equalCel(item, other)));
  register(env, 'SetsNamespace.contains(list, list): bool', (_: unknown, whole: unknown[], part: unknown[]) => within(part, whole));
  register(env, 'SetsNamespace.equivalent(list, list): bool', (_: unknown, a: unknown[], b: unknown[]) => within(a, b) && within(b, a));
  register(env, 'SetsNamespace.intersects(list, list): bool', (_: unknown, a: unknown[], b: unknown[]) =>
    a.some((item) => b.some((other) => equalCel(item, other))),
  );
}

function compare(a: unknown, b: unknown): number {
  const left = ordinal(a);
  const right = ordinal(b);
  if (typeof left === 'string' || typeof right === 'string') {
    if (typeof left !== 'string' || typeof right !== 'string') throw new TypeError('no such overload');
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Something that JavaScript orders as CEL does. */
function ordinal(value: unknown): string | number | bigint {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const primitive = typeof value === 'object' && value !== null ? (value as { valueOf(): unknown }).valueOf() : undefined;
  if (typeof primitive === 'number' || typeof primitive === 'bigint') return primitive;
  throw new TypeError('no such overload');
}

function extreme(which: 'min' | 'max', items: readonly unknown[]): unknown {
  if (items.length === 0) throw new RangeError(`${which} called on empty list`);
  return items.reduce((best, item) => (compare(item, best) < 0 === (which === 'min') && compare(item, best) !== 0 ? item : best));
}
