import type { Amounts, LimitBounds, NamespaceLimits } from '../model.ts';
import { amountsOf } from './amounts.ts';

interface RawItem {
  readonly type?: unknown;
  readonly min?: unknown;
  readonly max?: unknown;
  readonly default?: unknown;
}

/**
 * What the LimitRange objects of a namespace say together: per resource the lowest maximum and the highest minimum (a zero says nothing), and the last list
 * of defaults that is not empty. The objects are taken by name, so that "last" does not depend on the order of a cache.
 */
export function mergeLimitRanges(items: readonly unknown[]): NamespaceLimits {
  const entries = items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : Number(nameOf(a) > nameOf(b)))).flatMap(limitsOf);
  return { container: mergeType(entries, 'Container'), pod: mergeType(entries, 'Pod') };
}

function nameOf(item: unknown): string {
  const name = (item as { readonly metadata?: { readonly name?: unknown } | null } | null | undefined)?.metadata?.name;
  return typeof name === 'string' ? name : '';
}

function limitsOf(item: unknown): readonly RawItem[] {
  const limits = (item as { readonly spec?: { readonly limits?: unknown } | null } | null | undefined)?.spec?.limits;
  return Array.isArray(limits) ? limits.filter((each): each is RawItem => typeof each === 'object' && each !== null) : [];
}

function mergeType(entries: readonly RawItem[], type: string): LimitBounds | undefined {
  let min: Amounts | undefined;
  let max: Amounts | undefined;
  let defaults: Amounts | undefined;
  for (const entry of entries) {
    if (entry.type !== type) continue;
    min = merge(min, listOf(entry.min), Math.max);
    max = merge(max, listOf(entry.max), Math.min);
    defaults = listOf(entry.default) ?? defaults;
  }
  return min === undefined && max === undefined && defaults === undefined ? undefined : { min, max, default: defaults };
}

function listOf(raw: unknown): Amounts | undefined {
  const amounts = amountsOf(raw);
  return amounts === undefined || Object.keys(amounts).length === 0 ? undefined : amounts;
}

function merge(known: Amounts | undefined, more: Amounts | undefined, pick: (a: number, b: number) => number): Amounts | undefined {
  if (known === undefined || more === undefined) return known ?? more;
  const merged: Record<string, number> = { ...known };
  for (const [resource, amount] of Object.entries(more)) {
    const before = merged[resource] ?? 0;
    merged[resource] = before === 0 || amount === 0 ? before || amount : pick(before, amount);
  }
  return merged;
}
