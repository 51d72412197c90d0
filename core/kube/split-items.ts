import { isAscii } from 'node:buffer';
import type { JsonRange } from './json-range.ts';

const itemsKey = Buffer.from('"items":[');
/** Items of built-in types begin with their metadata, those of custom resources with their apiVersion. */
const itemStarts = [Buffer.from('{"metadata":{'), Buffer.from('{"apiVersion":"')];

/** The body is JSON but no list. */
export class NotAList extends Error {}

/**
 * The items of a list as JSON bytes, parsed one by one by `parseItem`, which throws a `SyntaxError` for what is not one whole JSON value;
 * at the end the list without its items. Throws `SyntaxError` or {@link NotAList}.
 *
 * Cuts at `},{"metadata":{`, which cannot stand inside a JSON string (its quotes would be escaped) but may stand between the elements of an
 * array inside an item. There the piece has more openers than closers, the parser refuses it, and it is joined with the next: what parses
 * is always one whole item.
 */
export function* splitItems(body: Buffer, parseItem: (range: JsonRange) => unknown): Generator<unknown, unknown> {
  const ascii = isAscii(body);
  const parse = (start: number, end: number): unknown => parseItem({ bytes: body, start, end, ascii });
  const key = body.indexOf(itemsKey);
  const first = key + itemsKey.length;
  const opening = key === -1 ? undefined : itemStarts.find((start) => start.equals(body.subarray(first, first + start.length)));
  if (opening === undefined) return yield* parseWhole(body);
  const separator = Buffer.concat([Buffer.from('},'), opening]);
  let start = first;
  for (let at = body.indexOf(separator, start); at !== -1; at = body.indexOf(separator, at + 1)) {
    let item: unknown;
    try {
      item = parse(start, at + 1);
    } catch {
      continue;
    }
    yield item;
    start = at + 2;
  }
  return yield* parseLast(body, { start, first, parse });
}

/** Any other shape: parsed as it is. */
function* parseWhole(body: Buffer): Generator<unknown, unknown> {
  const list: unknown = JSON.parse(body.toString('utf8'));
  if (typeof list !== 'object' || list === null || Array.isArray(list)) throw new NotAList();
  const { items, ...rest } = list as { items?: unknown };
  if (items !== undefined && items !== null && !Array.isArray(items)) throw new NotAList();
  yield* (items ?? []) as unknown[];
  return rest;
}

/** The last item and what stands behind the items: the closing bracket is the one that makes both parts valid. */
function* parseLast(
  body: Buffer,
  { start, first, parse }: { start: number; first: number; parse: (start: number, end: number) => unknown },
): Generator<unknown, unknown> {
  const closing = 0x5d;
  for (let at = body.lastIndexOf(closing); at > start; at = body.lastIndexOf(closing, at - 1)) {
    let item: unknown;
    let rest: unknown;
    try {
      rest = JSON.parse(body.toString('utf8', 0, first) + body.toString('utf8', at));
      item = parse(start, at);
    } catch {
      continue;
    }
    yield item;
    return rest;
  }
  throw new SyntaxError('the list has no end');
}
