/** JSON with sorted keys and without undefined and empty maps and lists, so that equal objects have equal texts however they were written. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(prune(value)) ?? 'null';
}

function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => prune(item) ?? null);
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const pruned = prune((value as Record<string, unknown>)[key]);
    if (pruned === undefined || pruned === null || isEmpty(pruned)) continue;
    result[key] = pruned;
  }
  return result;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short stable hash in the alphabet that upstream uses for names (no vowels, no look-alikes). The figure itself is not upstream's,
 * which hashes a Go dump of the template: nobody may depend on it.
 */
export function nameHash(text: string, collisionCount = 0): string {
  let hash = 0x811c9dc5;
  const input = collisionCount === 0 ? text : `${text}#${collisionCount}`;
  for (let index = 0; index < input.length; index++) {
    hash ^= input.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return Array.from(String(hash), (digit) => safeAlphabet[(digit.charCodeAt(0) * 7) % safeAlphabet.length] ?? 'b').join('');
}

/** Structural equality of JSON values. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return canonicalJson(a) === canonicalJson(b);
}
