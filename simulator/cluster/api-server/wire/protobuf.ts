import { formatMicroTime, formatTime } from '../../../../core/model/condition.ts';
import { badRequest } from '../errors.ts';
import type { Json } from '../json.ts';
import { messageOf, messageOfKind } from './message-table.ts';
import type { BytesType, Field, FieldType, Message } from './message-table.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** What every body begins with. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/**
 * Reads a request body in Kubernetes' protobuf form as the JSON that it stands for. Typed Go clients (kubectl's `create`, `drain`, `auth`)
 * send it without asking; answers are always JSON, which all of them take.
 */
export function decodeProtobuf(body: Buffer): Json {
  if (!body.subarray(0, 4).equals(magic))
    throw badRequest('the body is not in the protobuf form that its Content-Type promises: its first bytes are wrong');
  try {
    return readEnvelope(new Reader(body.subarray(4)));
  } catch (thrown) {
    if (thrown instanceof RangeError) throw badRequest(`the protobuf body cannot be read: ${thrown.message}`);
    throw thrown;
  }
}

/** runtime.Unknown: type first, then the object's own bytes. */
function readEnvelope(reader: Reader): Json {
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, wire } of reader.fields()) {
    if (number === 1) {
      const inner = new Reader(reader.bytes());
      for (const field of inner.fields()) {
        const text = inner.bytes().toString('utf8');
        if (field.number === 1) apiVersion = text;
        else if (field.number === 2) kind = text;
      }
    } else if (number === 2) raw = reader.bytes();
    else reader.skip(wire);
  }
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const message = kind === 'DeleteOptions' ? messageOf('meta/v1.DeleteOptions') : messageOfKind(group ?? '', version ?? '', kind);
  if (message === undefined) throw badRequest(`no protobuf form of ${apiVersion} ${kind} is known to the embedded API server: send JSON`);
  return { kind, apiVersion, ...readMessage(new Reader(raw), message) };
}

class Reader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  *fields(): Generator<{ readonly number: number; readonly wire: number }> {
    while (this.#at < this.#data.length) {
      const tag = Number(this.varint());
      yield { number: tag >>> 3, wire: tag & 7 };
    }
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#data[this.#at++];
      if (byte === undefined) throw new RangeError('it ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is longer than ten bytes');
  }

  integer(): number {
    return Number(BigInt.asIntN(64, this.varint()));
  }

  double(): number {
    const value = this.#data.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  bytes(): Buffer {
    const length = Number(this.varint());
    const end = this.#at + length;
    if (end > this.#data.length) throw new RangeError('it ends within a field');
    const value = this.#data.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  skip(wire: number): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.#at += 8;
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.#at += 4;
    else throw new RangeError(`wire type ${wire} is not used by Kubernetes`);
  }
}

function readMessage(reader: Reader, message: Message): Json {
  const result: Json = {};
  for (const { number, wire } of reader.fields()) {
    const field = message.byNumber.get(number);
    if (field === undefined) reader.skip(wire);
    else readField(reader, field, result);
  }
  return result;
}

function readField(reader: Reader, field: Field, result: Json): void {
  const { name, type, pointer } = field;
  if (type.kind === 'list') {
    const list = (result[name] ??= []) as unknown[];
    list.push(readValue(reader, type.of));
    return;
  }
  if (type.kind === 'map') {
    readEntry(reader, type.of, (result[name] ??= {}) as Json);
    return;
  }
  const value = readValue(reader, type);
  if (name === '') Object.assign(result, value);
  // What is not a pointer is always written; zero is then what JSON leaves out.
  else if (value !== undefined && (pointer || (value !== '' && value !== 0 && value !== false))) result[name] = value;
}

function readEntry(reader: Reader, of: FieldType, target: Json): void {
  const entry = new Reader(reader.bytes());
  let key = '';
  let value: unknown = of.kind === 'string' || of.kind === 'bytes' ? '' : undefined;
  for (const { number, wire } of entry.fields()) {
    if (number === 1) key = entry.bytes().toString('utf8');
    else if (number === 2) value = readValue(entry, of);
    else entry.skip(wire);
  }
  target[key] = value;
}

function readValue(reader: Reader, type: FieldType): unknown {
  if (type.kind === 'boolean') return reader.varint() !== 0n;
  if (type.kind === 'integer') return reader.integer();
  if (type.kind === 'float') return reader.double();
  return readBytes(reader.bytes(), type as BytesType);
}

function readBytes(bytes: Buffer, type: BytesType): unknown {
  switch (type.kind) {
    case 'string':
      return bytes.toString('utf8');
    case 'bytes':
      return bytes.toString('base64');
    case 'raw':
      return readRaw(new Reader(bytes));
    case 'message': {
      const message = messageOf(type.name);
      return message === undefined ? bytes.toString('base64') : readMessage(new Reader(bytes), message);
    }
    case 'list':
    case 'map':
    case 'wrappedList':
      return readItems(new Reader(bytes), type.of);
    case 'time':
    case 'microTime':
    case 'duration':
    case 'quantity':
    case 'intOrString':
      return readSmall(new Reader(bytes), type.kind);
  }
}

function readItems(reader: Reader, of: FieldType): unknown[] {
  const items: unknown[] = [];
  for (const { number, wire } of reader.fields()) {
    if (number === 1) items.push(readValue(reader, of));
    else reader.skip(wire);
  }
  return items;
}

function readRaw(inner: Reader): unknown {
  let value: unknown;
  for (const { number, wire } of inner.fields()) {
    if (number === 1) value = JSON.parse(inner.bytes().toString('utf8')) as unknown;
    else inner.skip(wire);
  }
  return value;
}

type Small = 'time' | 'microTime' | 'duration' | 'quantity' | 'intOrString';

/** The well-known types: a few numbers and texts that JSON writes as one value. */
function readSmall(reader: Reader, kind: Small): unknown {
  const numbers: number[] = [];
  let text = '';
  for (const { number, wire } of reader.fields()) {
    if (wire === 0) numbers[number] = reader.integer();
    else if (wire === 2) text = reader.bytes().toString('utf8');
    else reader.skip(wire);
  }
  const [, first, second] = numbers;
  switch (kind) {
    case 'quantity':
      return text;
    case 'intOrString':
      return first === 1 ? text : (second ?? 0);
    case 'duration':
      return `${(first ?? 0) / 1e9}s`;
    case 'time':
      return first === undefined ? undefined : formatTime(first * 1000);
    case 'microTime':
      return first === undefined ? undefined : formatMicroTime(first * 1000 + (second ?? 0) / 1e6);
  }
}
