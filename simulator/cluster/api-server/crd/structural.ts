import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import { messageOf } from '../../../../core/errors.ts';
import { applyDefaults } from './defaulting.ts';
import type { FieldError } from './field-error.ts';
import { forbidden, invalid, notSupported, required } from './field-error.ts';
import { goRegExp } from './go-regexp.ts';
import { asRecord, equalJson } from './json-value.ts';
import { prune } from './pruning.ts';
import { childPath, validateListTypes, validateValue } from './schema-validation.ts';

type Level = 'root' | 'item' | 'field';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const refusedKeywords = [
  '$ref',
  'definitions',
  'dependencies',
  'patternProperties',
  'additionalItems',
  'id',
  '$schema',
  'deprecated',
  'discriminator',
];
const emptyTypeText: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** What keeps a schema from being structural, as the API server says it when a CRD is written. CEL rules are compiled elsewhere. */
export function validateStructural(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  checkLevel(schema, path, 'root', errors);
  return errors;
}

function checkLevel(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  checkKeywords(schema, path, errors);
  checkType(schema, path, level, errors);
  checkExtensions(schema, path, errors);
  checkListType(schema, path, errors);
  if (level === 'root') checkMetadata(schema, path, errors);
  if (schema.default !== undefined) checkDefault(schema, path, level, errors);
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    if (junctor === 'anyOf' && isIntOrStringPair(schema)) continue;
    schema[junctor]?.forEach((part, index) => checkNested(part, schema, { path: `${path}.${junctor}[${index}]`, outer: path }, errors));
  }
  if (schema.not !== undefined) checkNested(schema.not, schema, { path: `${path}.not`, outer: path }, errors);
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    checkLevel(property, `${path}.properties[${key}]`, 'field', errors);
  if (Array.isArray(schema.items)) errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  else if (schema.items !== undefined) checkLevel(schema.items, `${path}.items`, 'item', errors);
  if (schema.additionalProperties !== undefined) checkAdditional(schema, path, level, errors);
}

function checkKeywords(schema: JsonSchema, path: string, errors: FieldError[]): void {
  for (const keyword of refusedKeywords) if (keyword in schema) errors.push(forbidden(`${path}.${keyword}`, `${keyword} is not supported`));
  if (schema.uniqueItems === true) {
    errors.push(forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  }
  if (schema.pattern !== undefined) {
    try {
      goRegExp(schema.pattern);
    } catch (error) {
      errors.push(invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${messageOf(error)}`));
    }
  }
}

function checkType(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (schema.type === undefined || schema.type === '') {
    if (embedded) errors.push(required(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true'));
    else if (!intOrString && schema['x-kubernetes-preserve-unknown-fields'] !== true)
      errors.push(required(`${path}.type`, emptyTypeText[level]));
  } else if (schema.type === 'null') {
    errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  } else if (!types.includes(schema.type)) {
    errors.push(notSupported(`${path}.type`, schema.type, types));
  } else if (embedded && schema.type !== 'object') {
    errors.push(invalid(`${path}.type`, schema.type, 'must be object if x-kubernetes-embedded-resource is true'));
  } else if (level === 'root' && schema.type !== 'object') {
    errors.push(invalid(`${path}.type`, schema.type, 'must be object at the root'));
  } else if (schema.type === 'array' && schema.items === undefined) {
    errors.push(required(`${path}.items`, 'must be specified'));
  }
}

function checkExtensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'];
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (preserve === false) errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  if (schema['x-kubernetes-int-or-string'] === true) {
    const text = 'must be false if x-kubernetes-int-or-string is true';
    if (preserve === true) errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, text));
    if (embedded) errors.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, text));
  }
  if (embedded && preserve !== true && schema.properties === undefined) {
    const text = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(`${path}.properties`, text));
  }
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return;
  if (!['atomic', 'granular'].includes(mapType))
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  if (schema.type !== 'object')
    errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be object if x-kubernetes-map-type is specified'));
}

function checkListType(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (listType === undefined) {
    if (keys.length > 0) errors.push(required(`${path}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty'));
    return;
  }
  if (!['atomic', 'set', 'map'].includes(listType)) {
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'map', 'set']));
    return;
  }
  if (schema.type !== 'array')
    errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'));
  if (listType !== 'map' && keys.length > 0) {
    errors.push(invalid(`${path}.x-kubernetes-list-type`, listType, 'must be map if x-kubernetes-list-map-keys is non-empty'));
  }
  if (listType === 'atomic') return;
  if (schema.items?.nullable === true)
    errors.push(forbidden(`${path}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is map or set'));
  if (listType === 'map') checkMapKeys(schema, path, errors);
  else checkSetItems(schema.items ?? {}, `${path}.items`, errors);
}

function checkMapKeys(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0) errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  const items = schema.items ?? {};
  if (items.type !== 'object')
    errors.push(invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"));
  keys.forEach((key, index) => {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (keys.indexOf(key) !== index) errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'));
    if (property === undefined) {
      errors.push(invalid(`${path}.x-kubernetes-list-map-keys[${index}]`, key, 'entries must all be names of item properties'));
    } else if (property.type === 'array' || property.type === 'object') {
      errors.push(invalid(`${at}.type`, property.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    } else if (items.required?.includes(key) !== true && property.default === undefined) {
      errors.push(
        required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'),
      );
    }
  });
}

function checkSetItems(items: JsonSchema, path: string, errors: FieldError[]): void {
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(
      invalid(
        `${path}.x-kubernetes-map-type`,
        items['x-kubernetes-map-type'],
        'must be atomic as item of a list with x-kubernetes-list-type=set',
      ),
    );
  }
  if (items.type === 'array' && (items['x-kubernetes-list-type'] ?? 'atomic') !== 'atomic') {
    errors.push(
      invalid(
        `${path}.x-kubernetes-list-type`,
        items['x-kubernetes-list-type'],
        'must be atomic as item of a list with x-kubernetes-list-type=set',
      ),
    );
  }
}

function checkMetadata(schema: JsonSchema, path: string, errors: FieldError[]): void {
  for (const key of ['apiVersion', 'kind']) {
    const property = schema.properties?.[key];
    if (property !== undefined && property.type !== 'string')
      errors.push(invalid(`${path}.properties[${key}].type`, property.type ?? '', 'must be string'));
  }
  const metadata = schema.properties?.['metadata'];
  if (metadata === undefined) return;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== 'object') errors.push(invalid(`${at}.type`, metadata.type ?? '', 'must be object'));
  const { type: _type, properties, description: _description, ...rest } = metadata;
  const restricted = Object.keys(properties ?? {}).every((key) => key === 'name' || key === 'generateName');
  if (!restricted || Object.keys(rest).length > 0) {
    errors.push(forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  }
}

function checkDefault(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const at = `${path}.default`;
  if (level === 'root') {
    errors.push(forbidden(at, 'must not be set at the root'));
    return;
  }
  const unknown: string[] = [];
  const wrapper: JsonSchema = { type: 'object', properties: { value: schema } };
  const pruned = prune({ value: schema.default }, wrapper, unknown);
  if (unknown.length > 0 && !equalJson(pruned['value'], schema.default)) {
    errors.push(
      invalid(at, schema.default, `must not have unknown fields: ${unknown.map((field) => field.replace(/^value\.?/, '')).join(', ')}`),
    );
  }
  const complete = asRecord(applyDefaults({ value: schema.default }, { properties: { value: schema } }))?.['value'];
  // The server checks a default as an object of its own, so that paths inside texts begin at it.
  for (const error of [...validateValue(complete, schema, ''), ...validateListTypes(complete, schema, '')]) {
    errors.push({ ...error, field: error.field === '<nil>' ? at : childPath(at, error.field) });
  }
}

function checkAdditional(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const at = `${path}.additionalProperties`;
  const additional = schema.additionalProperties;
  if (schema.properties !== undefined && Object.keys(schema.properties).length > 0 && additional !== true) {
    errors.push(forbidden(at, 'additionalProperties and properties are mutual exclusive'));
  }
  if (level === 'root') errors.push(forbidden(at, 'must not be used at the root'));
  if (schema['x-kubernetes-embedded-resource'] === true)
    errors.push(forbidden(at, 'must not be used if x-kubernetes-embedded-resource is set'));
  if (typeof additional === 'object') checkLevel(additional, at, 'field', errors);
}

function isIntOrStringPair(schema: JsonSchema): boolean {
  return schema['x-kubernetes-int-or-string'] === true && equalJson(schema.anyOf, [{ type: 'integer' }, { type: 'string' }]);
}

const forbiddenInside = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
] as const;

/** A schema under allOf, anyOf, oneOf or not: it may only restrict values. */
function checkNested(part: JsonSchema, outside: JsonSchema | undefined, at: { path: string; outer: string }, errors: FieldError[]): void {
  checkKeywords(part, at.path, errors);
  const intOrString = outside?.['x-kubernetes-int-or-string'] === true;
  for (const [key, text] of forbiddenInside) {
    if (part[key] !== undefined) errors.push(forbidden(`${at.path}.${key}`, text));
  }
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    if (junctor === 'anyOf' && intOrString && equalJson(part.anyOf, [{ type: 'integer' }, { type: 'string' }])) continue;
    part[junctor]?.forEach((inner, index) =>
      checkNested(inner, outside, { path: `${at.path}.${junctor}[${index}]`, outer: at.outer }, errors),
    );
  }
  if (part.not !== undefined) checkNested(part.not, outside, { path: `${at.path}.not`, outer: at.outer }, errors);
  checkNestedFields(part, outside, at, errors);
}

function checkNestedFields(
  part: JsonSchema,
  outside: JsonSchema | undefined,
  at: { path: string; outer: string },
  errors: FieldError[],
): void {
  for (const [key, property] of Object.entries(part.properties ?? {})) {
    const path = `${at.path}.properties[${key}]`;
    const outer = `${at.outer}.properties[${key}]`;
    const counterpart = outside?.properties?.[key];
    if (key === 'metadata') errors.push(forbidden(path, 'must not be specified in a nested context'));
    checkNested(property, counterpart, { path, outer }, errors);
  }
  if (part.items !== undefined) {
    checkNested(part.items, outside?.items, { path: `${at.path}.items`, outer: childPath(at.outer, 'items') }, errors);
  }
}
