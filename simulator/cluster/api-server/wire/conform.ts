import type { KubeObject } from '../../../../core/model/object.ts';
import { badRequest } from '../errors.ts';
import { isJson } from '../json.ts';
import type { Json } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { messageOf, messageOfKind } from './message-table.ts';
import type { FieldType, Message } from './message-table.ts';

/** An object as the Go types would read it. */
export interface Conformed {
  /** Without what its type does not have, and without nulls; the same object when there was nothing to take away. */
  readonly object: KubeObject;
  /** Paths of what was taken away: `spec.containers[0].imag`. */
  readonly unknown: readonly string[];
}

interface Place {
  readonly kind: Kind;
  readonly path: string;
  readonly unknown: string[];
}

/** Checks a builtin object against the fields of its type; throws the server's 400 for a value of the wrong JSON type. */
export function conform(kind: Kind, object: KubeObject): Conformed {
  const message = kind.custom === undefined ? messageOfKind(kind.type.group, kind.type.version, kind.type.kind) : undefined;
  if (message === undefined) return { object, unknown: [] };
  const unknown: string[] = [];
  const { kind: _kind, apiVersion: _version, ...rest } = object;
  const body = conformMessage(rest, message, { kind, path: '', unknown });
  return { object: body === rest ? object : ({ kind: object.kind, apiVersion: object.apiVersion, ...body } as KubeObject), unknown };
}

function conformMessage(value: Json, message: Message, place: Place): Json {
  let result = value;
  for (const key in value) {
    const field = message.byName.get(key);
    const item = value[key];
    const path = place.path === '' ? key : `${place.path}.${key}`;
    if (field === undefined) {
      place.unknown.push(path);
      result = without(result, value, key);
    } else if (item === null || item === undefined) result = without(result, value, key);
    else {
      const next = conformValue(item, field.type, { ...place, path });
      if (next !== item) {
        if (result === value) result = { ...value };
        result[key] = next;
      }
    }
  }
  return result;
}

function without(result: Json, original: Json, key: string): Json {
  const copy = result === original ? { ...original } : result;
  delete copy[key];
  return copy;
}

function conformValue(value: unknown, type: FieldType, place: Place): unknown {
  if (type.kind === 'message') {
    if (!isJson(value)) throw wrongType(value, 'object', place);
    const message = messageOf(type.name);
    return message === undefined ? value : conformMessage(value, message, place);
  }
  if (type.kind === 'map') return conformMap(value, type.of, place);
  if (type.kind === 'list' || type.kind === 'wrappedList') return conformList(value, type.of, place);
  if (!fits(value, type.kind)) throw wrongType(value, goTypes[type.kind] ?? type.kind, place);
  return value;
}

function conformList(value: unknown, of: FieldType, place: Place): unknown {
  if (!Array.isArray(value)) throw wrongType(value, 'slice', place);
  let result: unknown[] = value;
  for (let at = 0; at < value.length; at++) {
    const item: unknown = value[at];
    if (item === null) continue;
    const next = conformValue(item, of, { ...place, path: `${place.path}[${at}]` });
    if (next === item) continue;
    if (result === value) result = [...value];
    result[at] = next;
  }
  return result;
}

function conformMap(value: unknown, of: FieldType, place: Place): unknown {
  if (!isJson(value)) throw wrongType(value, 'map', place);
  let result = value;
  for (const key in value) {
    const item = value[key];
    // Null in a map of strings is the empty string to Go.
    const next = item === null && of.kind === 'string' ? '' : conformValue(item, of, { ...place, path: `${place.path}.${key}` });
    if (next === item) continue;
    if (result === value) result = { ...value };
    result[key] = next;
  }
  return result;
}

const goTypes: Readonly<Record<string, string>> = { boolean: 'bool', integer: 'int32', float: 'float64', time: 'time', bytes: '[]uint8' };

function fits(value: unknown, kind: string): boolean {
  switch (kind) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'float':
      return typeof value === 'number';
    case 'quantity':
    case 'intOrString':
      return typeof value === 'string' || typeof value === 'number';
    case 'raw':
      return true;
    default:
      return typeof value === 'string';
  }
}

function wrongType(value: unknown, wanted: string, { kind, path }: Place): Error {
  const given = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : value === null ? 'null' : typeof value;
  const { kind: name, version } = kind.type;
  return badRequest(
    `${name} in version "${version}" cannot be handled as a ${name}: json: cannot unmarshal ${given} into Go struct field ${name}.${path} of type ${wanted}`,
  );
}
