import type { JsonSchema } from '../../../../core/kube/crd-schema.ts';
import type { FieldError } from './field-error.ts';
import { duplicate, forbidden, invalid, notSupported, required, tooLong, tooMany, typeInvalid } from './field-error.ts';
import { inNumberFormat, matchesFormat } from './formats.ts';
import { goRegExp } from './go-regexp.ts';
import { asRecord, canonicalJson, equalJson } from './json-value.ts';

/** What the schema has against a value, in the API server's words. `path` is where the value stands, empty for the object itself. */
export function validateValue(value: unknown, schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  check(value, schema, path, errors);
  return errors;
}

function check(value: unknown, schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (value === null && schema.nullable === true) return;
  const expected = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : schema.type;
  if (expected !== undefined && !isOfType(value, expected)) {
    const actual = jsonType(value);
    errors.push(typeInvalid(path, actual, `${path} in body must be of type ${expected}: ${JSON.stringify(actual)}`));
    if (actual === 'number' && expected === 'integer') errors.push(invalid('', '', rangeText(schema, path)));
    return;
  }
  if (schema.enum !== undefined && !schema.enum.some((item) => equalJson(item, value))) errors.push(notSupported(path, value, schema.enum));
  if (typeof value === 'number') checkNumber(value, schema, path, errors);
  else if (typeof value === 'string') checkString(value, schema, path, errors);
  else if (Array.isArray(value)) checkArray(value, schema, path, errors);
  else if (value !== null && typeof value === 'object') checkObject(value as Record<string, unknown>, schema, path, errors);
  checkJunctors(value, schema, path, errors);
}

function jsonType(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function isOfType(value: unknown, expected: string): boolean {
  const actual = jsonType(value);
  return expected.split(',').some((type) => type === actual || (type === 'number' && actual === 'integer'));
}

function checkNumber(value: number, schema: JsonSchema, path: string, errors: FieldError[]): void {
  const { minimum, maximum, multipleOf, format } = schema;
  const say = (text: string): void => void errors.push(invalid(path, value, `${path} in body should be ${text}`));
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true ? value >= maximum : value > maximum) {
      say(`less than ${schema.exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
    }
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true ? value <= minimum : value < minimum) {
      say(`greater than ${schema.exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
    }
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) say(`a multiple of ${multipleOf}`);
  if (format !== undefined && !inNumberFormat(format, value)) {
    errors.push(invalid('', '', rangeText(schema, path)));
  }
}

/** The server tells this without a field. */
function rangeText(schema: JsonSchema, path: string): string {
  const format = schema.format === undefined ? '(default format)' : `with format ${schema.format}`;
  return `Checked value must be of type ${schema.type ?? 'number'} ${format} in ${path}`;
}

function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  return Math.abs(times - Math.round(times)) < 1e-9;
}

function checkString(value: string, schema: JsonSchema, path: string, errors: FieldError[]): void {
  const length = Array.from(value).length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push(tooLong(path, schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern !== undefined && !goRegExp(schema.pattern).test(value)) {
    errors.push(invalid(path, value, `${path} in body should match '${schema.pattern}'`));
  }
  if (schema.format !== undefined && !matchesFormat(schema.format, value)) {
    errors.push(typeInvalid(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`));
  }
}

function checkArray(value: readonly unknown[], schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) errors.push(tooMany(path, value.length, schema.maxItems));
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.push(invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  }
  const items = schema.items;
  if (items !== undefined) value.forEach((item, index) => check(item, items, `${path}[${index}]`, errors));
}

function checkObject(value: Record<string, unknown>, schema: JsonSchema, path: string, errors: FieldError[]): void {
  const keys = Object.keys(value);
  if (schema.maxProperties !== undefined && keys.length > schema.maxProperties)
    errors.push(tooMany(path, keys.length, schema.maxProperties));
  if (schema.minProperties !== undefined && keys.length < schema.minProperties) {
    errors.push(invalid(path, keys.length, `${path} in body should have at least ${schema.minProperties} properties`));
  }
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) errors.push(required(childPath(path, name)));
  for (const key of keys) {
    const property = schema.properties?.[key];
    if (property !== undefined) check(value[key], property, childPath(path, key), errors);
    else if (typeof schema.additionalProperties === 'object') check(value[key], schema.additionalProperties, childPath(path, key), errors);
    else if (schema.additionalProperties === false)
      errors.push(forbidden(childPath(path, key), `${childPath(path, key)} in body is a forbidden property`));
  }
}

/** As upstream, the verdict on a combination stands under no field; what its parts have to say comes beside it. */
function checkJunctors(value: unknown, schema: JsonSchema, path: string, errors: FieldError[]): void {
  const say = (text: string): void => void errors.push(invalid('', '', `${JSON.stringify(path)} must ${text}`));
  if (schema.allOf !== undefined) {
    const failures = schema.allOf.flatMap((part) => validateValue(value, part, path));
    if (failures.length > 0) say('validate all the schemas (allOf)');
    errors.push(...failures);
  }
  if (schema.anyOf !== undefined) {
    const failures = schema.anyOf.map((part) => validateValue(value, part, path));
    if (!failures.some((list) => list.length === 0)) {
      say('validate at least one schema (anyOf)');
      errors.push(...fewest(failures));
    }
  }
  if (schema.oneOf !== undefined)
    checkOneOf(
      schema.oneOf.map((part) => validateValue(value, part, path)),
      say,
      errors,
    );
  if (schema.not !== undefined && validateValue(value, schema.not, path).length === 0) say('not validate the schema (not)');
}

function checkOneOf(failures: readonly FieldError[][], say: (text: string) => void, errors: FieldError[]): void {
  const fitting = failures.filter((list) => list.length === 0).length;
  if (fitting === 1) return;
  say(`validate one and only one schema (oneOf). Found ${fitting === 0 ? 'none valid' : `${fitting} valid alternatives`}`);
  if (fitting === 0) errors.push(...fewest(failures));
}

/** What the branch that came nearest has to say: the server adds it to its verdict. */
function fewest(failures: readonly FieldError[][]): FieldError[] {
  return failures.reduce<FieldError[]>((best, list) => (best.length === 0 || list.length < best.length ? list : best), []);
}

export function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Duplicates in lists of type `set` (whole items) and `map` (their key fields). Map keys stand in brackets in these paths. */
export function validateListTypes(value: unknown, schema: JsonSchema, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const items = schema.items;
    const nested = items === undefined ? [] : value.flatMap((item, index) => validateListTypes(item, items, `${path}[${index}]`));
    return [...listDuplicates(value, schema, path), ...nested];
  }
  const record = asRecord(value);
  if (record === undefined) return [];
  return Object.entries(record).flatMap(([key, member]) => {
    const property = schema.properties?.[key];
    if (property !== undefined) return validateListTypes(member, property, childPath(path, key));
    return typeof schema.additionalProperties === 'object' ? validateListTypes(member, schema.additionalProperties, `${path}[${key}]`) : [];
  });
}

function listDuplicates(items: readonly unknown[], schema: JsonSchema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === 'set') return repeated(items).map((index) => duplicate(`${path}[${index}]`, items[index]));
  if (listType !== 'map') return [];
  const stranger = items.findIndex((item) => item !== null && asRecord(item) === undefined);
  if (stranger >= 0) return [invalid(`${path}[${stranger}]`, items[stranger], 'must be an object for an array of list-type map')];
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  const keys = items.map((item) => Object.fromEntries(Object.entries(asRecord(item) ?? {}).filter(([name]) => names.includes(name))));
  return repeated(keys).map((index) => duplicate(`${path}[${index}]`, keys[index]));
}

/** Where an item stands that was there before; a third and fourth time are not told again, as upstream. */
function repeated(items: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  return items.flatMap((item, index) => {
    const text = canonicalJson(item);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    return times === 1 ? [index] : [];
  });
}
