import type { Environment } from '@marcbachmann/cel-js';
import type { JsonSchema } from '../../../../../core/kube/crd-schema.ts';
import { asRecord } from '../json-value.ts';
import { equalCel } from './equality.ts';
import { kubernetesCel } from './environment.ts';

/** How a schema looks to CEL: its type name in an environment, and how JSON becomes a value of it. */
export interface CelType {
  readonly name: string;
  readonly convert: (value: unknown) => unknown;
}

const keywords = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

/** The name under which CEL knows a property (`__dash__`, `__namespace__` …); `undefined` when it can't be written at all. */
export function escapeName(name: string): string | undefined {
  if (keywords.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_][\w.\-/]*$/.test(name)) return undefined;
  return name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__');
}

const stringType: CelType = { name: 'string', convert: (value) => value };

/** Types of one schema, registered in one environment; not to be used after the environment has been cloned. */
export class CelTypes {
  readonly #env: Environment;
  readonly #known = new Map<JsonSchema, CelType | undefined>();
  #count = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The type of a schema; `undefined` where the schema says nothing that CEL could use. `resource` adds `apiVersion`, `kind` and `metadata`. */
  typeOf(schema: JsonSchema, resource: boolean): CelType | undefined {
    if (this.#known.has(schema)) return this.#known.get(schema);
    const type = this.#declare(schema, resource);
    this.#known.set(schema, type);
    return type;
  }

  /** In lists and maps a null is a value; in objects of named fields it counts as absent. */
  #elementType(schema: JsonSchema): CelType | undefined {
    const type = this.typeOf(schema, false);
    return type !== undefined && schema.nullable === true ? nullable(type) : type;
  }

  #declare(schema: JsonSchema, resource: boolean): CelType | undefined {
    if (schema['x-kubernetes-int-or-string'] === true) return { name: 'dyn', convert: naturalValue };
    switch (schema.type) {
      case 'boolean':
        return { name: 'bool', convert: (value) => value };
      case 'integer':
        return { name: 'int', convert: (value) => (Number.isInteger(value) ? BigInt(value as number) : value) };
      case 'number':
        return { name: 'double', convert: (value) => value };
      case 'string':
        return stringOf(schema.format);
      case 'array':
        return this.#list(schema);
      case 'object':
        return this.#object(schema, resource || schema['x-kubernetes-embedded-resource'] === true);
      case undefined:
      default:
        return undefined;
    }
  }

  #list(schema: JsonSchema): CelType | undefined {
    const items = schema.items === undefined ? undefined : this.#elementType(schema.items);
    if (items === undefined) return undefined;
    return { name: `list<${items.name}>`, convert: (value) => (Array.isArray(value) ? value.map((item) => items.convert(item)) : value) };
  }

  #object(schema: JsonSchema, resource: boolean): CelType | undefined {
    if (typeof schema.additionalProperties === 'object') return this.#map(schema.additionalProperties);
    if (schema.additionalProperties === true) return { name: 'map<string, dyn>', convert: naturalValue };
    const members = new Map<string, { readonly key: string; readonly type: CelType }>();
    const add = (key: string, type: CelType | undefined): void => {
      const name = escapeName(key);
      if (name !== undefined && type !== undefined) members.set(name, { key, type });
    };
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (!resource || !(key === 'apiVersion' || key === 'kind' || key === 'metadata')) add(key, this.typeOf(property, false));
    }
    if (resource) {
      add('apiVersion', stringType);
      add('kind', stringType);
      add('metadata', this.#message(new Map(['name', 'generateName'].map((key) => [key, { key, type: stringType }]))));
    }
    return this.#message(members);
  }

  #map(values: JsonSchema): CelType | undefined {
    const type = this.#elementType(values);
    if (type === undefined) return undefined;
    return {
      name: `map<string, ${type.name}>`,
      convert: (value) => {
        const record = asRecord(value);
        if (record === undefined) return value;
        const result = Object.create(null) as Record<string, unknown>;
        for (const [key, member] of Object.entries(record)) result[key] = type.convert(member);
        return result;
      },
    };
  }

  #message(members: ReadonlyMap<string, { readonly key: string; readonly type: CelType }>): CelType {
    const Message = class {};
    const prototype: object = Object.assign(Object.create(null) as object, { constructor: Message });
    // The library keeps one table of type names for all environments, so the number alone tells them apart within one.
    const name = `Object.T${this.#count++}`;
    this.#env.registerType(name, {
      ctor: Message,
      fields: Object.fromEntries([...members].map(([field, member]) => [field, member.type.name])),
    });
    this.#env.registerOperator(`${name} == ${name}`, equalCel);
    return {
      name,
      convert: (value) => {
        const record = asRecord(value);
        if (record === undefined) return value;
        const message = Object.create(prototype) as Record<string, unknown>;
        for (const [field, { key, type }] of members) {
          if (Object.hasOwn(record, key) && record[key] !== undefined && record[key] !== null) message[field] = type.convert(record[key]);
        }
        return message;
      },
    };
  }
}

function nullable(type: CelType): CelType {
  return { name: 'dyn', convert: (value) => (value === null ? null : type.convert(value)) };
}

const parseDuration = kubernetesCel.clone().registerVariable('text', 'string').parse('duration(text)');

function stringOf(format: string | undefined): CelType {
  switch (format) {
    case 'byte':
      return { name: 'bytes', convert: (value) => (typeof value === 'string' ? Buffer.from(value, 'base64') : value) };
    case 'date':
    case 'date-time':
      return { name: 'google.protobuf.Timestamp', convert: (value) => (typeof value === 'string' ? new Date(value) : value) };
    case 'duration':
      return {
        name: 'google.protobuf.Duration',
        convert: (value): unknown => (typeof value === 'string' ? (parseDuration({ text: value }) as unknown) : value),
      };
    case undefined:
    default:
      return stringType;
  }
}

/** JSON without a schema: whole numbers are ints, others doubles. */
export function naturalValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(naturalValue);
  const record = asRecord(value);
  if (record === undefined) return value;
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(record)) result[key] = naturalValue(member);
  return result;
}
