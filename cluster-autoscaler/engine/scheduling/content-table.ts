/**
 * Finds the one object that stands for a content, by a hash of it and a comparison with what has the same hash: no text is made of what is
 * looked up. Hashes are 32-bit integers.
 */
export interface ContentTable<T> {
  find(hash: number, isSame: (each: T) => boolean): T | undefined;
  add(hash: number, value: T): void;
}

export function createContentTable<T extends object>(): ContentTable<T> {
  // A list only where hashes meet.
  const firsts = new Map<number, T>();
  const others = new Map<number, T[]>();
  return {
    find: (hash, isSame) => {
      const first = firsts.get(hash);
      if (first === undefined || isSame(first)) return first;
      return others.get(hash)?.find(isSame);
    },
    add: (hash, value) => {
      if (!firsts.has(hash)) firsts.set(hash, value);
      else others.set(hash, [...(others.get(hash) ?? []), value]);
    },
  };
}

/** FNV-1a over UTF-16 units. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

/** Hash of an integer, also of one above 2^32. */
export function hashNumber(value: number): number {
  return Math.imul((value | 0) ^ Math.imul(Math.floor(value / 4_294_967_296) | 0, 0x85ebca6b), 0xc2b2ae35);
}

/** Hash of a record of texts or numbers; the order of its keys does not matter. */
export function hashRecord(record: Readonly<Record<string, string | number>>): number {
  let hash = 0;
  for (const key in record) {
    const value = record[key];
    const ofValue = typeof value === 'number' ? hashNumber(value) : hashText(value ?? '');
    hash = (hash + Math.imul(hashText(key) ^ (ofValue >>> 7) ^ ofValue, 0x9e3779b1)) | 0;
  }
  return hash;
}

/** Whether two records hold the same; the order of their keys does not matter. */
export function isSameRecord(a: Readonly<Record<string, string | number>>, b: Readonly<Record<string, string | number>>): boolean {
  if (a === b) return true;
  let keys = 0;
  for (const key in a) {
    if (!Object.hasOwn(b, key) || a[key] !== b[key]) return false;
    keys += 1;
  }
  for (const key in b) if (Object.hasOwn(b, key)) keys -= 1;
  return keys === 0;
}
