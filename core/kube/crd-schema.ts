import { z } from 'zod';
import { ConcertinaError } from '../errors.ts';
import type { KubeObject } from '../model/object.ts';

/** A CEL rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  /** Relative to where the rule stands: `.maxReplicas`. */
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** The dialect of `openAPIV3Schema` in a CustomResourceDefinition: OpenAPI 3.0 plus the Kubernetes extensions. */
export interface JsonSchema {
  type?: string;
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  example?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  not?: JsonSchema;
  $ref?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: ValidationRule[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'integer' | 'number' | 'string' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, above it only with `-o wide`. */
  readonly priority?: number;
}

export interface CustomResourceOptions {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly printerColumns?: readonly PrinterColumn[];
  /** Rules over the whole object (`self.spec…`); rules over a part belong to that part's `.meta()`. */
  readonly validations?: readonly ValidationRule[];
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string };
  readonly description?: string;
}

/** Keywords that pass from zod's output (and from `.meta()`) into a CRD as they are. */
const passedOn = [
  'type',
  'format',
  'description',
  'default',
  'nullable',
  'enum',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const satisfies readonly (keyof JsonSchema)[];

const int32 = { minimum: -2_147_483_648, maximum: 2_147_483_647 };

/**
 * The structural schema of a zod type, as a real API server accepts it in a CRD. Unions of objects become one object with all their properties
 * plus a `oneOf` that says which belong together; integer|string becomes `x-kubernetes-int-or-string`; `unknown` keeps unknown fields.
 * Refinements can't be carried over: say them as CEL in `.meta({ 'x-kubernetes-validations': […] })`. Throws `INTERNAL` for what no CRD can say.
 */
export function structuralSchema(schema: z.ZodType): JsonSchema {
  const raw = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'any' });
  return structural(raw as JsonSchema, '$');
}

/** A whole CustomResourceDefinition (`apiextensions.k8s.io/v1`) with a status subresource. */
export function customResourceDefinition(options: CustomResourceOptions): KubeObject {
  const { group, version, kind, plural } = options;
  const schema: JsonSchema = {
    type: 'object',
    ...(options.description === undefined ? {} : { description: options.description }),
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(options.spec),
      status: structuralSchema(options.status),
    },
    ...(options.validations === undefined ? {} : { 'x-kubernetes-validations': [...options.validations] }),
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: options.scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(options.shortNames === undefined ? {} : { shortNames: [...options.shortNames] }),
        ...(options.categories === undefined ? {} : { categories: [...options.categories] }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { status: {}, ...(options.scale === undefined ? {} : { scale: { ...options.scale } }) },
          ...(options.printerColumns === undefined
            ? {}
            : { additionalPrinterColumns: options.printerColumns.map((column) => ({ ...column })) }),
        },
      ],
    },
  };
}

function structural(raw: JsonSchema, path: string): JsonSchema {
  if (raw.anyOf !== undefined || raw.oneOf !== undefined) return ofUnion(raw, path);
  const schema: JsonSchema = {};
  for (const key of passedOn) if (raw[key] !== undefined) Object.assign(schema, { [key]: raw[key] });
  if (raw.allOf !== undefined) Object.assign(schema, ofIntersection(raw.allOf, path), { ...schema });
  if (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true) schema['x-kubernetes-preserve-unknown-fields'] = true;
  if (raw.type === 'object') objectParts(raw, schema, path);
  if (raw.items !== undefined) schema.items = structural(raw.items, `${path}[]`);
  tidyNumbers(schema);
  tidyPattern(schema, path);
  return schema;
}

function objectParts(raw: JsonSchema, schema: JsonSchema, path: string): void {
  const entries = Object.entries(raw.properties ?? {});
  if (entries.length > 0) schema.properties = Object.fromEntries(entries.map(([key, value]) => [key, structural(value, `${path}.${key}`)]));
  if (schema.required?.length === 0) delete schema.required;
  const rest = raw.additionalProperties;
  if (rest === undefined || rest === false) return;
  const anything = rest === true || Object.keys(rest).length === 0;
  if (anything || entries.length > 0) schema['x-kubernetes-preserve-unknown-fields'] = true;
  else schema.additionalProperties = structural(rest, `${path}.*`);
}

function ofIntersection(parts: readonly JsonSchema[], path: string): JsonSchema {
  const schemas = parts.map((part) => structural(part, path));
  const merged: JsonSchema = { type: 'object', properties: {} };
  for (const part of schemas) {
    if (part.type !== 'object') throw unsupported(path, 'an intersection of something else than objects');
    Object.assign(merged, part, { properties: { ...merged.properties, ...part.properties } });
  }
  const required = [...new Set(schemas.flatMap((part) => part.required ?? []))];
  if (required.length > 0) merged.required = required;
  return merged;
}

function ofUnion(raw: JsonSchema, path: string): JsonSchema {
  const branches = (raw.anyOf ?? raw.oneOf ?? []).map((branch) => structural(branch, path));
  const common: JsonSchema = {};
  for (const key of passedOn) if (raw[key] !== undefined) Object.assign(common, { [key]: raw[key] });
  if (isIntOrString(branches)) return { ...common, 'x-kubernetes-int-or-string': true };
  if (branches.every((branch) => branch.type === 'object')) return { ...common, ...mergedObjects(branches, path) };
  const type = branches[0]?.type;
  if (type !== undefined && branches.every((branch) => branch.type === type && branch.enum !== undefined)) {
    return { ...common, type, enum: [...new Set(branches.flatMap((branch) => branch.enum ?? []))] };
  }
  if (type === 'string' && branches.every((branch) => branch.type === type)) {
    return { ...common, type, anyOf: branches.map(valuesOnly) };
  }
  throw unsupported(path, `a union of ${branches.map((branch) => branch.type ?? 'anything').join(' and ')}`);
}

/** What a branch says of values: inside anyOf no type or text may stand. */
function valuesOnly(branch: JsonSchema): JsonSchema {
  const { type: _type, description: _description, ...rest } = branch;
  return rest;
}

function isIntOrString(branches: readonly JsonSchema[]): boolean {
  const types = new Set(branches.map((branch) => branch.type));
  return branches.length === 2 && types.has('string') && (types.has('integer') || types.has('number'));
}

/** All properties of all branches; `oneOf` holds for each branch what tells it apart (enums, required), as structural schemas allow it. */
function mergedObjects(branches: readonly JsonSchema[], path: string): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const branch of branches) {
    for (const [key, value] of Object.entries(branch.properties ?? {})) {
      const known = properties[key];
      if (known === undefined) properties[key] = value;
      else if (known.enum !== undefined && value.enum !== undefined) {
        properties[key] = { ...known, enum: [...new Set([...known.enum, ...value.enum])] };
      } else if (JSON.stringify(known) !== JSON.stringify(value))
        throw unsupported(`${path}.${key}`, 'two shapes for one field in a union');
    }
  }
  const required = (branches[0]?.required ?? []).filter((name) => branches.every((branch) => branch.required?.includes(name)));
  return {
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : { required }),
    oneOf: branches.map((branch) => {
      const telling = Object.entries(branch.properties ?? {}).filter(
        ([key, value]) => value.enum !== undefined && properties[key] !== value,
      );
      // A field with a default is always there, so its presence can't tell branches apart.
      const others = Object.keys(properties).filter((key) => !(key in (branch.properties ?? {})) && properties[key]?.default === undefined);
      return {
        ...(telling.length === 0
          ? {}
          : { properties: Object.fromEntries(telling.map(([key, value]) => [key, { enum: value.enum ?? [] }])) }),
        ...(branch.required === undefined ? {} : { required: branch.required }),
        ...(others.length === 0 ? {} : { not: { anyOf: others.map((key) => ({ required: [key] })) } }),
      };
    }),
  };
}

/** JavaScript's safe-integer and double bounds say nothing to Kubernetes and are not representable as int64: they become a format. */
function tidyNumbers(schema: JsonSchema): void {
  if (schema.type !== 'integer' && schema.type !== 'number') return;
  if (schema.type === 'integer') schema.format ??= schema.maximum === int32.maximum ? 'int32' : 'int64';
  const lowest = schema.format === 'int32' ? int32.minimum : schema.type === 'integer' ? Number.MIN_SAFE_INTEGER : -1e38;
  const highest = schema.format === 'int32' ? int32.maximum : schema.type === 'integer' ? Number.MAX_SAFE_INTEGER : 1e38;
  if (schema.minimum !== undefined && schema.minimum <= lowest) {
    delete schema.minimum;
    delete schema.exclusiveMinimum;
  }
  if (schema.maximum !== undefined && schema.maximum >= highest) {
    delete schema.maximum;
    delete schema.exclusiveMaximum;
  }
}

function tidyPattern(schema: JsonSchema, path: string): void {
  if (schema.pattern === undefined) return;
  if (schema.format === 'date-time' || schema.format === 'date') {
    delete schema.pattern;
    return;
  }
  // The API server's patterns are RE2: no look-around, no back references.
  if (/\(\?(?:[=!]|<[=!])|\\[1-9]/.test(schema.pattern))
    throw unsupported(path, `the pattern ${schema.pattern} (look-around or back reference)`);
}

function unsupported(path: string, what: string): ConcertinaError {
  return new ConcertinaError(
    'INTERNAL',
    `${what} at ${path} can't be said in a CustomResourceDefinition; write the zod type in another way.`,
    {
      details: { path },
    },
  );
}
