/** Whether two values of parsed JSON would be written as the same text: keys count in their order. Cheap where parts are shared. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && sameList(a, b, sameJson);
  return !Array.isArray(b) && sameFields(a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>);
}

/** Whether two lists are of the same length and the same in each place. */
export function sameList<A, B>(a: readonly A[], b: readonly B[], same: (a: A, b: B) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (!same(a[index] as A, b[index] as B)) return false;
  }
  return true;
}

function sameFields(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  const others = Object.keys(b);
  if (keys.length !== others.length) return false;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? '';
    if (key !== others[index] || !sameJson(a[key], b[key])) return false;
  }
  return true;
}
