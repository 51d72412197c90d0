import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import { asRecord } from './json-value.ts';

const metadataFields = new Set([
  'annotations',
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'finalizers',
  'generateName',
  'generation',
  'labels',
  'managedFields',
  'name',
  'namespace',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
]);

/** The object without the fields that the schema does not know; their paths are added to `unknown`. The input stays as it is. */
export function prune(object: Record<string, unknown>, schema: JsonSchema, unknown: string[]): Record<string, unknown> {
  return pruneResource(object, schema, { path: '', unknown });
}

interface Place {
  readonly path: string;
  readonly unknown: string[];
}

function inside(place: Place, step: string): Place {
  return { path: place.path === '' ? step : `${place.path}.${step}`, unknown: place.unknown };
}

/** A root or embedded object: `apiVersion`, `kind` and `metadata` are known without the schema. */
function pruneResource(object: Record<string, unknown>, schema: JsonSchema, place: Place): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    const here = inside(place, key);
    if (key === 'apiVersion' || key === 'kind') result[key] = value;
    else if (key === 'metadata') result[key] = pruneMetadata(value, here);
    else pruneMember(result, key, { value, schema, place: here });
  }
  return result;
}

function pruneMetadata(value: unknown, place: Place): unknown {
  const record = asRecord(value);
  if (record === undefined) return value;
  const known = Object.entries(record).filter(([key]) => {
    if (metadataFields.has(key)) return true;
    place.unknown.push(inside(place, key).path);
    return false;
  });
  return Object.fromEntries(known);
}

function pruneMember(result: Record<string, unknown>, key: string, member: { value: unknown; schema: JsonSchema; place: Place }): void {
  const { value, schema, place } = member;
  const property = schema.properties?.[key];
  if (property !== undefined) result[key] = pruneValue(value, property, place);
  else if (typeof schema.additionalProperties === 'object') result[key] = pruneValue(value, schema.additionalProperties, place);
  else if (schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true) result[key] = value;
  else place.unknown.push(place.path);
}

function pruneValue(value: unknown, schema: JsonSchema, place: Place): unknown {
  if (Array.isArray(value)) {
    const items = schema.items;
    const preserved = schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (items === undefined) return preserved ? value : value.map((item, index) => pruneValue(item, {}, at(place, index)));
    const itemSchema = preserved ? { ...items, 'x-kubernetes-preserve-unknown-fields': true } : items;
    return value.map((item, index) => pruneValue(item, itemSchema, at(place, index)));
  }
  const record = asRecord(value);
  if (record === undefined) return value;
  if (schema['x-kubernetes-embedded-resource'] === true) return pruneResource(record, schema, place);
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(record)) pruneMember(result, key, { value: member, schema, place: inside(place, key) });
  return result;
}

function at(place: Place, index: number): Place {
  return { path: `${place.path}[${index}]`, unknown: place.unknown };
}
