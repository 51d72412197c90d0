import { isAscii } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange, type JsonRange } from './json-range.ts';
import { createSharedParser } from './shared-parser.ts';

function rangeOf(text: string): JsonRange {
  // Surrounded by other bytes, as a line in a chunk is.
  const bytes = Buffer.from(`},"x"${text}"y",{`);
  return { bytes, start: 5, end: bytes.length - 5, ascii: isAscii(bytes) };
}

/** Texts that look like parts of the documents, and all that a JSON string may hold. */
const texts = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', 'a', 'bb', 'node-17', '2026-01-01T00:00:00Z', '0', 'null', '{}', ',', ']},', '}') },
  fc.constantFrom('"', '\\', '"a":"b"', '\u0000hole 0', '\n', 'é€😀', '","uid":"', '],"managedFields":[', '\u2028', '\u007f'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

/** Documents of one owner: equal but for some strings, and now and then for more. */
const family = fc.record({
  spec: fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
  keys: fc.uniqueArray(
    fc.constantFrom('nodeName', 'image', '__proto__', 'constructor', '1', 'ключ', 'hasOwnProperty', 'a"b', 'uid', 'managedFields'),
    { minLength: 1, maxLength: 4 },
  ),
  documents: fc.array(
    fc.record({
      values: fc.array(texts, { minLength: 4, maxLength: 4 }),
      extra: fc.option(fc.jsonValue({ maxDepth: 1 }), { nil: undefined, freq: 6 }),
      time: texts,
    }),
    { minLength: 2, maxLength: 10 },
  ),
});

type Family = typeof family extends fc.Arbitrary<infer T> ? T : never;

function documentText({ spec, keys }: Family, { values, extra, time }: Family['documents'][number]): string {
  // By hand, because an object literal cannot hold an own `__proto__`.
  const own = keys.map((key, index) => `${JSON.stringify(key)}:${JSON.stringify(values[index])}`).join(',');
  const managed = `[{"manager":"kubelet","time":${JSON.stringify(time)},"fieldsV1":{"f:spec":{}}}]`;
  const metadata = `{"name":${JSON.stringify(values[0])},"generateName":"web-","namespace":"shop","uid":${JSON.stringify(values[1])},"managedFields":${managed}}`;
  const rest = extra === undefined ? '' : `,"extra":${JSON.stringify(extra)}`;
  return `{"metadata":${metadata},"spec":{"own":{${own}},"all":[{${own}},${JSON.stringify(values[2])}],"more":${JSON.stringify(spec)}}${rest}}`;
}

describe('a shared parser', () => {
  it.each([true, false])(
    'answers what plain parsing answers, in any order of documents (managedFields trimmed: %s)',
    (trimManagedFields) => {
      fc.assert(
        fc.property(family, fc.infiniteStream(fc.nat()), (made, picks) => {
          const parser = createSharedParser({ trimManagedFields, limitBytes: 4096 });
          const lines = made.documents.map((document) => documentText(made, document));
          for (let turn = 0; turn < lines.length * 3; turn++) {
            const text = lines[(picks.next().value ?? 0) % lines.length] ?? '';
            const plain = parseRange(rangeOf(text), trimManagedFields);
            const shared = parser.parse(rangeOf(text));
            // The texts tell the order of keys too.
            expect(JSON.stringify(shared)).toBe(JSON.stringify(plain));
            expect(shared).toEqual(plain);
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  it('refuses what plain parsing refuses: bytes lost or changed anywhere', () => {
    const text = (name: string, uid: string): string =>
      `{"metadata":{"name":"${name}","generateName":"web-","namespace":"shop","uid":"${uid}"},"spec":{"a":[1,"x"]}}`;
    fc.assert(
      fc.property(fc.nat(110), fc.integer({ min: 0, max: 255 }), fc.boolean(), (at, byte, lose) => {
        const parser = createSharedParser({ trimManagedFields: true });
        for (const name of ['a', 'bb', 'ccc']) parser.parse(rangeOf(text(name, `u${name}`)));
        const good = Buffer.from(text('dddd', 'u4'));
        const bytes = lose
          ? Buffer.concat([good.subarray(0, at), good.subarray(at + 1)])
          : Buffer.concat([good.subarray(0, at), Buffer.of(byte), good.subarray(at + 1)]);
        const range = { bytes, start: 0, end: bytes.length, ascii: isAscii(bytes) };
        expect(outcome(() => parser.parse(range))).toEqual(outcome(() => parseRange(range, true)));
      }),
      { numRuns: 2_000 },
    );
  });
});

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    return thrown instanceof SyntaxError ? 'refused' : thrown;
  }
}
