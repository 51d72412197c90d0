import { messageOf as messageOfError } from '../../../../core/errors.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { badRequest } from '../errors.ts';
import { isJson } from '../json.ts';
import type { Json } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { canonicalQuantity } from '../kinds/quantities.ts';
import { messageOf, messageOfKind } from './message-table.ts';
import type { FieldType, Message } from './message-table.ts';
import { canonicalTime } from './times.ts';

/** An object as the Go types would read it. */
export interface Conformed {
  /** Without what its type does not have, and without nulls; the same object when there was nothing to take away. */
  readonly object: KubeObject;
  /** Paths of what was taken away: `spec.containers[0].imag`. */
  readonly unknown: readonly string[];
}

interface Report {
  readonly kind: Kind;
  readonly unknown: string[];
}

/** Where in the object; the text of it is only made when something is wrong there. */
interface Place {
  readonly report: Report;
  readonly parent: Place | undefined;
  readonly key: string | number;
}

function pathOf(place: Place): string {
  const above = place.parent === undefined ? '' : pathOf(place.parent);
  if (typeof place.key === 'number') return `${above}[${place.key}]`;
  return above === '' ? place.key : `${above}.${place.key}`;
}

/**
 * Checks a builtin object against the fields of its type; throws the server's 400 for a value of the wrong JSON type. What it shares
 * with `trusted`, the stored object that a patch started from, is not looked at again.
 */
export function conform(kind: Kind, object: KubeObject, trusted?: KubeObject): Conformed {
  const message = kind.custom === undefined ? messageOfKind(kind.type.group, kind.type.version, kind.type.kind) : undefined;
  if (message === undefined) return { object, unknown: [] };
  const unknown: string[] = [];
  const place: Place = { report: { kind, unknown }, parent: undefined, key: '' };
  return { object: conformMessage(object, message, place, trusted) as KubeObject, unknown };
}

function conformMessage(value: Json, message: Message, place: Place, trusted: unknown): Json {
  if (value === trusted) return value;
  const known = isJson(trusted) ? trusted : nothing;
  let result = value;
  for (const key in value) {
    const item = value[key];
    if (item === known[key] && item !== undefined) continue;
    const next = conformField(key, item, message, { place, trusted: known[key] });
    if (next === item) continue;
    if (result === value) result = { ...value };
    if (next === undefined) delete result[key];
    else result[key] = next;
  }
  return result;
}

const nothing: Json = {};

/** The field's value; undefined takes it away. */
function conformField(
  key: string,
  item: unknown,
  message: Message,
  { place, trusted }: { readonly place: Place; readonly trusted: unknown },
): unknown {
  const field = message.byName.get(key);
  if (field === undefined) {
    if (place.parent === undefined && (key === 'kind' || key === 'apiVersion')) return item;
    place.report.unknown.push(pathOf({ report: place.report, parent: place, key }));
    return undefined;
  }
  if (item === null || item === undefined) return undefined;
  return conformValue(item, field.type, { report: place.report, parent: place, key }, trusted);
}

function conformValue(value: unknown, type: FieldType, place: Place, trusted?: unknown): unknown {
  if (type.kind === 'message') {
    if (!isJson(value)) throw wrongType(value, 'object', place);
    const message = messageOf(type.name);
    return message === undefined ? value : conformMessage(value, message, place, trusted);
  }
  if (type.kind === 'map') return conformMap(value, type.of, place);
  if (type.kind === 'list' || type.kind === 'wrappedList') return conformList(value, type.of, place);
  if (!fits(value, type.kind)) throw wrongType(value, goTypes[type.kind] ?? type.kind, place);
  return readScalar(value, type.kind, place);
}

/** Texts that mean more than themselves: times are stored in UTC, and what is no time or no quantity is not read at all. */
function readScalar(value: unknown, kind: string, place: Place): unknown {
  if (kind === 'quantity') {
    if (canonicalQuantity(value) === undefined) throw unreadable(badQuantity, place);
    return value;
  }
  if ((kind !== 'time' && kind !== 'microTime') || typeof value !== 'string') return value;
  try {
    return canonicalTime(value, kind);
  } catch (thrown) {
    throw unreadable(messageOfError(thrown), place);
  }
}

const badQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function unreadable(why: string, { report }: Place): Error {
  const { kind: name, version } = report.kind.type;
  return badRequest(`${name} in version "${version}" cannot be handled as a ${name}: ${why}`);
}

function conformList(value: unknown, of: FieldType, place: Place): unknown {
  if (!Array.isArray(value)) throw wrongType(value, 'slice', place);
  const list: readonly unknown[] = value;
  let result: unknown[] | undefined;
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    if (item === null) continue;
    const next = conformValue(item, of, { report: place.report, parent: place, key: at });
    if (next === item) continue;
    result ??= [...list];
    result[at] = next;
  }
  return result ?? value;
}

function conformMap(value: unknown, of: FieldType, place: Place): unknown {
  if (!isJson(value)) throw wrongType(value, 'map', place);
  let result = value;
  for (const key in value) {
    const item = value[key];
    // Null in a map of strings is the empty string to Go.
    const next = item === null && of.kind === 'string' ? '' : conformValue(item, of, { report: place.report, parent: place, key });
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

function wrongType(value: unknown, wanted: string, place: Place): Error {
  const given = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : value === null ? 'null' : typeof value;
  const { kind: name } = place.report.kind.type;
  return unreadable(`json: cannot unmarshal ${given} into Go struct field ${name}.${pathOf(place)} of type ${wanted}`, place);
}
