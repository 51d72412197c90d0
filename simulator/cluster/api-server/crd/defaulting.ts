import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import { asRecord } from './json-value.ts';

/**
 * The value with the schema's defaults filled in. As upstream: a null in a field that is not nullable is replaced by the default, or dropped
 * where there is none (in objects of named fields); a default is filled in only where the surrounding object is there.
 */
export function applyDefaults(value: unknown, schema: JsonSchema): unknown {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items === undefined) return value;
    return value.map((item: unknown) => applyDefaults(item === null ? orDefault(items) : item, items));
  }
  const record = asRecord(value);
  if (record === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(record)) {
    const property = schema.properties?.[key];
    if (property === undefined) result[key] = additional(member, schema);
    else if (member !== null || property.nullable === true) result[key] = applyDefaults(member, property);
  }
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default !== undefined && !Object.hasOwn(result, key))
      result[key] = applyDefaults(structuredClone(property.default), property);
  }
  return result;
}

function additional(member: unknown, schema: JsonSchema): unknown {
  const values = schema.additionalProperties;
  if (typeof values !== 'object') return member;
  return applyDefaults(member === null ? orDefault(values) : member, values);
}

function orDefault(schema: JsonSchema): unknown {
  return schema.nullable === true || schema.default === undefined ? null : structuredClone(schema.default);
}
