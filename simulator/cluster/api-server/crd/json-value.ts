/** A JSON object whose members are looked up by name; `undefined` for anything else. */
export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** Equality of JSON values: the order of object members does not count. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  const left = asRecord(a);
  const right = asRecord(b);
  if (left === undefined || right === undefined || Array.isArray(b)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && equalJson(left[key], right[key]));
}

/** A text that is equal for equal JSON values, whatever the order of their members. */
export function canonicalJson(value: unknown): string {
  const record = asRecord(value);
  if (record !== undefined) {
    const parts = Object.keys(record)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`);
    return `{${parts.join(',')}}`;
  }
  return Array.isArray(value) ? `[${value.map(canonicalJson).join(',')}]` : (JSON.stringify(value) ?? 'null');
}
