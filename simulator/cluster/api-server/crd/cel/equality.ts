/** CEL equality of any two values: numbers across types, lists and objects by content, times and durations by instant. */
export function equalCel(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumeric(a) && isNumeric(b)) return typeof a !== typeof b && Number(a) === Number(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalCel(item, b[index]));
  if (Array.isArray(b)) return false;
  const left = primitiveOf(a);
  if (left !== undefined) return left === primitiveOf(b);
  return sameMembers(a, b);
}

/** Dates and durations have an instant; CEL's own objects have no prototype methods at all. */
function primitiveOf(value: object): unknown {
  const primitive: unknown = 'valueOf' in value ? value.valueOf() : value;
  return primitive === value ? undefined : primitive;
}

function sameMembers(a: object, b: object): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equalCel((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
