import type { ResourceList } from '../../core/model/index.ts';
import { Quantity, tryParseMilli } from '../../core/units/index.ts';
import type { Amounts } from '../model.ts';

/** What upstream saturates at; as a double one more than the largest int64, printed as that one. */
export const largestAmount = 2 ** 63;

const largestInt64 = 2n ** 63n - 1n;

/** CPU is counted in thousandths; everything else in whole units, rounded up. `undefined` for what is not a quantity. */
export function amountOf(resource: string, value: unknown): number | undefined {
  const milli = tryParseMilli(value);
  if (milli === undefined) return undefined;
  if (resource === 'cpu') return Math.min(milli, largestAmount);
  if (Math.abs(milli) <= Number.MAX_SAFE_INTEGER) return wholeUnits(milli);
  // Beyond 9 TB thousandths are no longer exact in a double, whole units still are.
  const exact = Quantity.tryParse(value)?.toInteger('up');
  return exact === undefined ? undefined : Math.min(Number(exact), largestAmount);
}

/** `undefined` when there is no map; what is not a quantity is left out, as nobody knows it. */
export function amountsOf(map: unknown): Amounts | undefined {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return undefined;
  const amounts: Record<string, number> = {};
  for (const [resource, value] of Object.entries(map)) {
    // No resource is called so; a list that lacks it would seem to have it.
    if (resource in Object.prototype) continue;
    const amount = amountOf(resource, value);
    if (amount !== undefined) amounts[resource] = amount;
  }
  return amounts;
}

/** From the thousandths in which records keep resources. */
export function amountsOfRecord(list: ResourceList): Amounts {
  const amounts: Record<string, number> = {};
  for (const resource of Object.keys(list)) {
    const milli = list[resource] ?? 0;
    amounts[resource] = Math.min(resource === 'cpu' ? milli : wholeUnits(milli), largestAmount);
  }
  return amounts;
}

/** Away from zero, as upstream's `Value()`. */
function wholeUnits(milli: number): number {
  const units = milli < 0 ? Math.floor(milli / 1000) : Math.ceil(milli / 1000);
  return units === 0 ? 0 : units;
}

/** Canonical Kubernetes text: `224m`, `2`, `183046954`, `262144k`. */
export function quantityText(resource: string, amount: number): string {
  const exact = exactInteger(amount);
  return (resource === 'cpu' ? Quantity.ofMilli(exact) : Quantity.ofInteger(exact)).toString();
}

/** `amount · numerator / denominator`, exact; unchanged for a denominator of zero, at most {@link largestAmount}. */
export function scaleAmount(amount: number, numerator: number, denominator: number, rounding: 'up' | 'down' = 'down'): number {
  if (denominator === 0) return amount;
  const product = amount * numerator;
  // Of integers below 2^53 a rounded quotient never reaches the next integer.
  if (product >= 0 && product <= Number.MAX_SAFE_INTEGER && denominator > 0) {
    return rounding === 'up' ? Math.ceil(product / denominator) : Math.floor(product / denominator);
  }
  return scaleExactly(exactInteger(amount) * exactInteger(numerator), exactInteger(denominator), rounding);
}

function scaleExactly(product: bigint, divisor: bigint, rounding: 'up' | 'down'): number {
  if (divisor === 0n) return largestAmount;
  const quotient = product / divisor;
  const rest = product % divisor;
  const positive = product < 0n === divisor < 0n;
  const scaled = rounding === 'up' ? quotient + (rest !== 0n && positive ? 1n : 0n) : quotient - (rest !== 0n && !positive ? 1n : 0n);
  return scaled >= largestInt64 ? largestAmount : Number(scaled);
}

function exactInteger(amount: number): bigint {
  if (Number.isNaN(amount)) return 0n;
  if (amount >= largestAmount) return largestInt64;
  return amount <= -largestAmount ? -largestInt64 : BigInt(Math.trunc(amount));
}

/** CPU and memory first, then by name: upstream leaves the order to a map, people and tests want one. */
export function resourceNames(amounts: Amounts): readonly string[] {
  return Object.keys(amounts).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function rank(resource: string): number {
  if (resource === 'cpu') return 0;
  return resource === 'memory' ? 1 : 2;
}

/** Without the resources that are named. */
export function withoutResources(amounts: Amounts, left: ReadonlySet<string>): Amounts {
  if (left.size === 0) return amounts;
  return Object.fromEntries(Object.entries(amounts).filter(([resource]) => !left.has(resource)));
}
