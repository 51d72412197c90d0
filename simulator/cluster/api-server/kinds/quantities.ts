import { Quantity, storedQuantityText } from '../../../../core/units/index.ts';

// Requests repeat over thousands of pods: parsing each text once is most of the work saved.
const texts = new Map<string | number, string | undefined>();
const values = new Map<string, bigint>();
const cacheLimit = 10_000;

/** The text that the server stores for a quantity (`1000m` becomes `1`); undefined for what is none. */
export function canonicalQuantity(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  if (texts.has(value)) return texts.get(value);
  const text = storedQuantityText(value);
  if (texts.size < cacheLimit) texts.set(value, text);
  return text;
}

/** Nano-units of a quantity; 0 for an absent or broken one. */
export function nano(value: string | undefined): bigint {
  if (value === undefined) return 0n;
  let found = values.get(value);
  if (found === undefined) {
    found = Quantity.tryParse(value)?.nano ?? 0n;
    if (values.size < cacheLimit) values.set(value, found);
  }
  return found;
}

/** Canonical texts for each entry of a resource list, in place; broken ones stay for validation to name. */
export function canonicalResources(list: Record<string, string> | undefined): void {
  if (list === undefined || list === null) return;
  for (const name of Object.keys(list)) {
    const text = canonicalQuantity(list[name]);
    if (text !== undefined) list[name] = text;
  }
}
