import { parse as parseYaml } from 'yaml';
import { z } from 'zod';

/** The schema under defaults, optionals, nullables, catches, read-onlys and transforms (their input). */
function bare(schema: z.ZodType): z.ZodType {
  let at: z.ZodType = schema;
  for (;;) {
    if (
      at instanceof z.ZodOptional ||
      at instanceof z.ZodNullable ||
      at instanceof z.ZodDefault ||
      at instanceof z.ZodPrefault ||
      at instanceof z.ZodReadonly ||
      at instanceof z.ZodCatch ||
      at instanceof z.ZodNonOptional
    ) {
      at = at.def.innerType as z.ZodType;
    } else if (at instanceof z.ZodPipe) {
      at = at.def.in as z.ZodType;
    } else {
      return at;
    }
  }
}

/** True for a group of settings; everything else is one setting. */
export function isContainer(schema: z.ZodType): boolean {
  return bare(schema) instanceof z.ZodObject;
}

/** The schema of a key, if there is one. */
export function childOf(schema: z.ZodType, key: string): z.ZodType | undefined {
  const object = bare(schema);
  if (!(object instanceof z.ZodObject)) return undefined;
  const shape = object.shape as Record<string, z.ZodType>;
  return Object.hasOwn(shape, key) ? shape[key] : undefined;
}

/** Paths of all settings. */
export function leafPaths(schema: z.ZodType, prefix: readonly string[] = []): string[][] {
  const object = bare(schema);
  if (!(object instanceof z.ZodObject)) return [[...prefix]];
  return Object.entries(object.shape as Record<string, z.ZodType>).flatMap(([key, child]) => leafPaths(child, [...prefix, key]));
}

/** A value written as text, as its setting wants it: numbers and switches read, lists split at commas, maps read as YAML. */
export function readText(schema: z.ZodType, path: readonly string[], text: string): unknown {
  let at: z.ZodType | undefined = schema;
  for (const part of path) at = at === undefined ? undefined : childOf(at, part);
  const leaf = at === undefined ? undefined : bare(at);
  if (leaf instanceof z.ZodNumber) return /^\s*$/.test(text) || Number.isNaN(Number(text)) ? text : Number(text);
  if (leaf instanceof z.ZodBoolean) return text === 'true' ? true : text === 'false' ? false : text;
  if (leaf instanceof z.ZodArray) return readList(leaf, text);
  if (leaf instanceof z.ZodRecord) return readYaml(text);
  return text;
}

function readList(schema: z.ZodArray, text: string): unknown {
  const element = bare(schema.element as z.ZodType);
  if (element instanceof z.ZodObject || element instanceof z.ZodArray || element instanceof z.ZodRecord) return readYaml(text);
  const items = text.split(',').map((item) => item.trim());
  return items.length === 1 && items[0] === '' ? [] : items.map((item) => readText(element, [], item));
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text);
  } catch {
    // The schema refuses the text and names the setting.
    return text;
  }
}

export interface UnknownPath {
  readonly path: readonly string[];
  /** Names that would be known there. */
  readonly siblings: readonly string[];
}

/** Keys of a document that the schema does not know, at any depth, inside of lists and maps too. */
export function unknownPaths(schema: z.ZodType, value: unknown, prefix: readonly string[] = []): UnknownPath[] {
  if (typeof value !== 'object' || value === null) return [];
  const at = bare(schema);
  if (at instanceof z.ZodArray && Array.isArray(value)) {
    return value.flatMap((item, index) => unknownPaths(at.element as z.ZodType, item, [...prefix, String(index)]));
  }
  if (at instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([key, item]) => unknownPaths(at.valueType as z.ZodType, item, [...prefix, key]));
  }
  if (!(at instanceof z.ZodObject)) return [];
  const shape = at.shape as Record<string, z.ZodType>;
  return Object.entries(value).flatMap(([key, item]) => {
    const child = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (child === undefined) return [{ path: [...prefix, key], siblings: Object.keys(shape) }];
    return unknownPaths(child, item, [...prefix, key]);
  });
}
