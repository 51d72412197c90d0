import { coreMessages } from './core-messages.ts';
import { groupMessages } from './group-messages.ts';

/**
 * A type in the tables. Notation there: `s` string, `b` boolean, `i` integer, `f` float, `B` bytes, `T` Time, `U` MicroTime, `D` Duration,
 * `Q` Quantity, `I` int-or-string, `R` RawExtension, `F` FieldsV1, `@x` message x, `*x` list of x, `%x` map from string to x, `=x` a
 * list of x in a message of its own. `!` behind it: a pointer in Go, where zero and absent differ. The name `.` is an embedded struct.
 */
export type FieldType = NumberType | BytesType;

/** Written as a number, without a length. */
export interface NumberType {
  readonly kind: 'boolean' | 'integer' | 'float';
}

export type BytesType =
  | { readonly kind: 'string' | 'bytes' | 'time' | 'microTime' | 'duration' | 'quantity' | 'intOrString' | 'raw' }
  | { readonly kind: 'message'; readonly name: string }
  | { readonly kind: 'list' | 'map' | 'wrappedList'; readonly of: FieldType };

export interface Field {
  /** JSON name; empty for an embedded struct, whose fields stand among those around it. */
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
  readonly pointer: boolean;
}

export interface Message {
  readonly name: string;
  readonly byNumber: ReadonlyMap<number, Field>;
  /** Fields as JSON has them, embedded structs resolved. */
  readonly byName: ReadonlyMap<string, Field>;
}

const scalars: Readonly<Record<string, FieldType>> = {
  s: { kind: 'string' },
  b: { kind: 'boolean' },
  i: { kind: 'integer' },
  f: { kind: 'float' },
  B: { kind: 'bytes' },
  T: { kind: 'time' },
  U: { kind: 'microTime' },
  D: { kind: 'duration' },
  Q: { kind: 'quantity' },
  I: { kind: 'intOrString' },
  R: { kind: 'raw' },
  F: { kind: 'raw' },
};

const lists: Readonly<Record<string, 'list' | 'map' | 'wrappedList'>> = { '*': 'list', '%': 'map', '=': 'wrappedList' };

function typeOf(text: string): FieldType {
  const head = text.charAt(0);
  if (head === '@') return { kind: 'message', name: text.slice(1) };
  const list = lists[head];
  if (list !== undefined) return { kind: list, of: typeOf(text.slice(1)) };
  const scalar = scalars[text];
  if (scalar === undefined) throw new RangeError(`message table: unknown type ${JSON.stringify(text)}`);
  return scalar;
}

const known = new Map<string, Message | undefined>();

/** A message by its name in the tables: `core/v1.Pod`. */
export function messageOf(name: string): Message | undefined {
  if (!known.has(name)) known.set(name, readMessage(name));
  return known.get(name);
}

function readMessage(name: string): Message | undefined {
  const text = coreMessages[name] ?? groupMessages[name];
  if (text === undefined) return undefined;
  const byNumber = new Map<number, Field>();
  const byName = new Map<string, Field>();
  for (const part of text.split(' ').filter((piece) => piece !== '')) {
    const [fieldName = '', number = '0', code = ''] = part.split(':');
    const pointer = code.endsWith('!');
    const field: Field = {
      name: fieldName === '.' ? '' : fieldName,
      number: Number(number),
      type: typeOf(pointer ? code.slice(0, -1) : code),
      pointer,
    };
    byNumber.set(field.number, field);
    if (field.name !== '') byName.set(field.name, field);
    else if (field.type.kind === 'message') for (const [inner, value] of messageOf(field.type.name)?.byName ?? []) byName.set(inner, value);
  }
  return { name, byNumber, byName };
}

/** The message of a builtin kind; undefined for kinds that have no protobuf form here. */
export function messageOfKind(group: string, version: string, kind: string): Message | undefined {
  if (group !== '' && group.includes('.') && !group.endsWith('.k8s.io')) return undefined;
  const first = group === '' ? 'core' : (group.split('.')[0] ?? group);
  return messageOf(`${first}/${version}.${kind}`);
}
