import { describe, expect, it } from 'vitest';
import { parseRange } from './json-range.ts';
import { LineDecoder } from './ndjson.ts';
import { NotAList, splitItems } from './split-items.ts';

function trimmed(text: string): unknown {
  const bytes = Buffer.from(text);
  return parseRange({ bytes, start: 0, end: bytes.length, ascii: false }, true);
}

describe('leaving managedFields out', () => {
  const fields = [{ manager: 'a', fieldsV1: { 'f:metadata': { 'k:{"x":"]},\\"spec"}': {}, 'v:["a"]': {} } } }];

  it.each([
    ['of a pod', { metadata: { name: 'x', managedFields: fields }, spec: { a: [1] } }],
    ['in the middle of the metadata', { metadata: { name: 'x', managedFields: fields, uid: 'u' }, spec: {} }],
    ['that is empty', { metadata: { name: 'x', managedFields: [], uid: 'u' } }],
  ])('%s', (_name, object) => {
    const { managedFields: _dropped, ...metadata } = object.metadata;
    expect(trimmed(JSON.stringify(object))).toEqual({ ...object, metadata });
  });

  it.each([
    ['no managedFields', { metadata: { name: 'x' }, spec: {} }],
    ['the words in a string', { metadata: { name: 'x', annotations: { a: ',"managedFields":[1],"b"' } }, spec: {} }],
    [
      'the words in an escaped document',
      { metadata: { annotations: { last: JSON.stringify({ metadata: { x: 1, managedFields: [{}] }, spec: {} }) } } },
    ],
    ['a nested array, whose cut would be wrong', { metadata: { name: 'x', managedFields: [{ a: [1], b: 2 }], z: 1 }, spec: {} }],
    ['nothing behind it', { metadata: { name: 'x', managedFields: [{}] } }],
  ])('reads an object with %s as it is', (_name, object) => {
    expect(trimmed(JSON.stringify(object))).toEqual(object);
  });
});

describe('lines', () => {
  const decode = (chunks: Buffer[]): unknown[] => {
    const decoder = new LineDecoder({ trimManagedFields: true, onMalformed: (bytes) => new Error(`bad line of ${bytes}`) });
    const values = chunks.flatMap((chunk) => [...decoder.push(chunk)]);
    expect(decoder.pendingBytes).toBe(0);
    return values;
  };

  it('come out whole wherever the chunks are cut, multi-byte characters included', () => {
    const objects = [{ a: 'é€😀' }, { b: 'x'.repeat(50) }, { c: '\u2028 line separators are no newlines' }];
    const bytes = Buffer.from(objects.map((object) => `${JSON.stringify(object)}\n`).join('\n'));
    for (let size = 1; size < bytes.length; size++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      expect(decode(chunks)).toEqual(objects);
    }
  });

  it('before a broken one are given out first', () => {
    const decoder = new LineDecoder({ trimManagedFields: false, onMalformed: (bytes) => new Error(`bad line of ${bytes}`) });
    const values: unknown[] = [];
    expect(() => {
      for (const value of decoder.push(Buffer.from('{"a":1}\n{"b":\n{"c":3}\n'))) values.push(value);
    }).toThrow('bad line of 5');
    expect(values).toEqual([{ a: 1 }]);
  });
});

describe('the items of a list', () => {
  const split = (text: string): { items: unknown[]; rest: unknown } => {
    const items: unknown[] = [];
    const generator = splitItems(Buffer.from(text), (range) => parseRange(range, false));
    for (;;) {
      const next = generator.next();
      if (next.done === true) return { items, rest: next.value };
      items.push(next.value);
    }
  };
  const pod = (name: string, spec: object = {}): object => ({ metadata: { name, labels: { a: 'ü},{"metadata":{' } }, spec });
  // Elements that look like the start of an item: a cut between them is not between items.
  const nested = { templates: [{ metadata: { name: 't1' } }, { metadata: { name: 't2' } }, { metadata: { name: 't3' } }] };
  const custom = (name: string): object => ({
    apiVersion: 'x/v1',
    kind: 'X',
    metadata: {
      name,
      ownerReferences: [
        { apiVersion: 'a', kind: 'B' },
        { apiVersion: 'c', kind: 'D' },
      ],
    },
  });

  it.each([
    ['built-in', { kind: 'PodList', metadata: { resourceVersion: '1' }, items: [pod('a'), pod('b'), pod('c')] }],
    ['one', { metadata: {}, items: [pod('a')] }],
    ['with nested look-alikes', { metadata: {}, items: [pod('a', nested), pod('b'), pod('c', nested)] }],
    [
      'custom, with what follows the items',
      { apiVersion: 'x/v1', items: [custom('a'), custom('b')], kind: 'XList', metadata: { continue: ']}', tags: [[1], [2]] } },
    ],
    ['none', { metadata: { resourceVersion: '2' }, items: [] }],
    ['null', { metadata: { resourceVersion: '2' }, items: null }],
    ['of an unknown shape', { metadata: {}, items: [{ spec: {}, metadata: { name: 'z' } }] }],
    ['absent', { metadata: {} }],
  ])('are those of JSON.parse: %s', (_name, list: { items?: unknown[] | null; metadata: object }) => {
    for (const text of [JSON.stringify(list), `${JSON.stringify(list)}\n`]) {
      const { items, rest } = split(text);
      expect(items).toEqual(list.items ?? []);
      expect(rest).toMatchObject({ metadata: list.metadata });
    }
  });

  it('are refused when the list is cut short or is no list', () => {
    const text = JSON.stringify({ metadata: {}, items: [pod('a'), pod('b')] });
    for (let length = 1; length < text.length; length++) expect(() => split(text.slice(0, length))).toThrow(/JSON|no end/);
    expect(() => split('[]')).toThrow(NotAList);
    expect(() => split('{"items":7}')).toThrow(NotAList);
  });
});
