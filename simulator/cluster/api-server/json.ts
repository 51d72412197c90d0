/** Any JSON object whose fields are looked at one by one. */
export type Json = Record<string, unknown>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A deep copy of JSON data; several times faster than structuredClone. */
export function cloneJson<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map(copy);
  }
  const result: Json = {};
  const source = value as Json;
  for (const key in source) {
    const field = source[key];
    // Undefined does not exist in JSON; an in-process caller may pass it.
    if (field !== undefined) result[key] = copy(field);
  }
  return result;
}

/** Deep equality of JSON data: the order of keys does not matter, an undefined field equals an absent one. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalJson(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  return equalObjects(a as Json, b as Json);
}

function equalObjects(a: Json, b: Json): boolean {
  let fields = 0;
  for (const key in a) {
    if (a[key] === undefined) continue;
    fields += 1;
    if (!equalJson(a[key], b[key])) return false;
  }
  for (const key in b) if (b[key] !== undefined) fields -= 1;
  return fields === 0;
}

/** The value at a dotted path (`.spec.replicas` or `spec.replicas`); undefined when any part is missing. */
export function valueAt(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const part of splitPath(path)) {
    if (!isJson(value)) return undefined;
    value = value[part];
  }
  return value;
}

/** A copy of the object with one value set, sharing everything beside the path. */
export function withValueAt<T extends object>(object: T, path: string, value: unknown): T {
  return setIn(object as Json, splitPath(path), value) as T;
}

function setIn(object: Json, parts: readonly string[], value: unknown): Json {
  const [head, ...rest] = parts;
  if (head === undefined) return object;
  if (rest.length === 0) return { ...object, [head]: value };
  const inner = object[head];
  return { ...object, [head]: setIn(isJson(inner) ? inner : {}, rest, value) };
}

function splitPath(path: string): string[] {
  return path.split('.').filter((part) => part !== '');
}

/** The value as an object; an empty one when it is anything else. */
export function objectOf(value: unknown): Json {
  return isJson(value) ? value : {};
}

/** The value as a list of objects; entries of another sort are left out. */
export function objectsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
