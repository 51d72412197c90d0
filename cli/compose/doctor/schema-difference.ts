import type { JsonSchema } from '../../../core/kube/crd-schema.ts';

/** How the schema that a cluster has differs from the one that this build has. Paths are those of fields: `spec.metrics[].prometheus`. */
export interface SchemaDifference {
  /** Fields that this build knows and the cluster drops on every write. */
  readonly missing: readonly string[];
  /** Fields that the cluster knows and this build does not. */
  readonly unknown: readonly string[];
  /** Fields of both whose type, bounds or rules differ. */
  readonly changed: readonly string[];
}

/** Compares structural schemas; texts for people do not count, nor does the order of keys. */
export function schemaDifference(installed: JsonSchema, built: JsonSchema): SchemaDifference {
  const missing: string[] = [];
  const unknown: string[] = [];
  const changed: string[] = [];
  const visit = (there: JsonSchema, here: JsonSchema, path: string): void => {
    if (rulesOf(there) !== rulesOf(here)) changed.push(path === '' ? '(whole object)' : path);
    const [old = {}, wanted = {}] = [there.properties, here.properties];
    for (const name of Object.keys(wanted).toSorted()) {
      const field = path === '' ? name : `${path}.${name}`;
      const before = old[name];
      const after = wanted[name];
      if (before === undefined) missing.push(field);
      else if (after !== undefined) visit(before, after, field);
    }
    for (const name of Object.keys(old).toSorted()) if (wanted[name] === undefined) unknown.push(path === '' ? name : `${path}.${name}`);
    visitPart(there.items, here.items, `${path}[]`);
    visitPart(mapValues(there), mapValues(here), `${path}.*`);
  };
  const visitPart = (there: JsonSchema | undefined, here: JsonSchema | undefined, path: string): void => {
    if (there !== undefined && here !== undefined) visit(there, here, path);
    else if (here !== undefined) missing.push(path);
    else if (there !== undefined) unknown.push(path);
  };
  visit(installed, built, '');
  return { missing, unknown, changed };
}

function mapValues({ additionalProperties }: JsonSchema): JsonSchema | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

const nested: ReadonlySet<string> = new Set(['properties', 'items', 'additionalProperties', 'description', 'title', 'example']);

/** What a schema says about the value itself, in one spelling. */
function rulesOf(schema: JsonSchema): string {
  return canonical(Object.fromEntries(Object.entries(schema).filter(([key]) => !nested.has(key))));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part as Record<string, unknown>).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
