import { Quantity } from '../core/units/index.ts';
import type { Amounts } from './model.ts';

/** Milli-cores of cpu, whole units of everything else, rounded up as upstream reads them; `undefined` for what is not a quantity. */
export function tryAmount(resource: string, value: unknown): number | undefined {
  const quantity = Quantity.tryParse(value);
  return quantity === undefined ? undefined : Number(resource === 'cpu' ? quantity.toMilli('up') : quantity.toInteger('up'));
}

/** A resource list, without what is not a quantity or names no resource; `undefined` for what is no list at all. */
export function tryAmounts(list: unknown): Amounts | undefined {
  if (typeof list !== 'object' || list === null || Array.isArray(list)) return undefined;
  const amounts: Record<string, number> = {};
  for (const [resource, value] of Object.entries(list)) {
    const amount = resource === '' ? undefined : tryAmount(resource, value);
    if (amount !== undefined) amounts[resource] = amount;
  }
  return amounts;
}
