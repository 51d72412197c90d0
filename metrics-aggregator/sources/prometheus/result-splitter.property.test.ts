import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createResultSplitter, type ItemsAt } from './result-splitter.kernel.ts';

function split(
  text: string,
  itemsAt: ItemsAt,
  chunkSizes: readonly number[] = [],
): { items: string[]; envelope: string; complete: boolean } {
  const items: string[] = [];
  const splitter = createResultSplitter(itemsAt, (item) => items.push(item));
  const bytes = Buffer.from(text);
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = chunkSizes.length === 0 ? bytes.length : Math.max(1, chunkSizes[index % chunkSizes.length] ?? 1);
    // A copy that is destroyed afterwards, as a socket's buffer is.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    splitter.push(chunk);
    chunk.fill(0x22);
    at += size;
  }
  return { items, ...splitter.end() };
}

const hardText = fc.oneof(fc.string(), fc.constantFrom('"', '\\', '\\"', '[{', '}],', '"result":[', 'data', '\u2028', 'é😀', '\\\\"'));
const item = fc.oneof(
  fc.record({ metric: fc.dictionary(hardText, hardText, { maxKeys: 4 }), value: fc.tuple(fc.double({ noNaN: true }), hardText) }),
  fc.jsonValue({ maxDepth: 3 }),
  hardText,
);

test('whatever the items are and however the bytes come, items and envelope are what JSON.parse sees', () => {
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 8 }),
      fc.array(hardText, { maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
      fc.boolean(),
      (items, warnings, sizes, pretty) => {
        const answer = {
          status: 'success',
          warnings,
          data: { resultType: 'vector', other: { result: [1] }, result: items },
          infos: [{ data: [] }],
        };
        const found = split(JSON.stringify(answer, undefined, pretty ? 2 : 0), 'data.result', sizes);
        expect(found.items.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(items)));
        expect(JSON.parse(found.envelope)).toEqual({ ...answer, data: { ...answer.data, result: [] } });
        expect(found.complete).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('an answer that is cut anywhere is not complete, and its whole items are those of the whole', () => {
  const items = [
    { metric: { a: '"]}' }, value: [1.5, '2'] },
    { metric: {}, value: [2, 'NaN'] },
  ];
  const text = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: items } });
  const whole = split(text, 'data.result').items;
  for (let length = 0; length < text.length; length++) {
    const found = split(text.slice(0, length), 'data.result', [7]);
    expect(found.complete).toBe(false);
    expect(whole.slice(0, found.items.length)).toEqual(found.items);
  }
});

describe('where the items are', () => {
  test('in data itself', () => {
    expect(split('{"status":"success","data":["a","b"],"warnings":["w"]}', 'data')).toEqual({
      items: ['"a"', '"b"'],
      envelope: '{"status":"success","data":[],"warnings":["w"]}',
      complete: true,
    });
  });

  test('a scalar has two', () => {
    expect(split('{"data":{"resultType":"scalar","result":[1.5, "2"]}}', 'data.result').items).toEqual(['1.5', '"2"']);
  });

  test('nowhere else', () => {
    expect(split('{"result":[1],"data":{"x":{"result":[2]},"y":[3]},"z":{"data":[4]}}', 'data.result').items).toEqual([]);
    expect(split('[1,2]', 'data').items).toEqual([]);
    expect(split('{"data":{"result":{}}}', 'data.result').items).toEqual([]);
  });

  test('an empty array', () => {
    expect(split('{"data":{"result":[ ]}}', 'data.result')).toMatchObject({ items: [], complete: true });
  });
});

test('an envelope without an end is not kept', () => {
  const splitter = createResultSplitter('data', () => undefined);
  for (let index = 0; index < 300; index++) splitter.push(Buffer.from(`"${'x'.repeat(10_000)}",`));
  const end = splitter.end();
  expect(end.envelope.length).toBeLessThanOrEqual(1 << 20);
  expect(end.complete).toBe(false);
});
