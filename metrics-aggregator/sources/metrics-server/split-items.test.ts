import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextItem, openItems } from './split-items.kernel.ts';

function split(text: string): { items: unknown[]; done: boolean } | undefined {
  const body = Buffer.from(text);
  const cursor = openItems(body);
  if (cursor === undefined) return undefined;
  const items: unknown[] = [];
  for (let item = nextItem(body, cursor); item !== undefined; item = nextItem(body, cursor)) items.push(JSON.parse(item));
  return { items, done: cursor.done };
}

describe('splitting a list body', () => {
  it('is JSON.parse for whatever objects the list holds, pretty or not', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(object), fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2), (items, metadata, space) => {
        const text = JSON.stringify({ kind: 'List', metadata, items }, null, space);
        expect(split(text)).toEqual({ items: JSON.parse(JSON.stringify(items)) as unknown, done: true });
      }),
    );
  });

  it('knows a body that is cut short at any byte', () => {
    const text = JSON.stringify({ kind: 'List', items: [{ a: '}]"\\' }, { b: { c: [{}] } }] });
    for (let length = 0; length < text.length - 1; length++) expect(split(text.slice(0, length))?.done ?? false).toBe(false);
    expect(split(text)?.done).toBe(true);
  });

  it('finds no list in something else', () => {
    expect(split('{"kind":"Status","details":{"items":[{}]}}')).toBeUndefined();
    expect(split('<html>503</html>')).toBeUndefined();
    expect(split('{"items":null}')).toBeUndefined();
  });
});
