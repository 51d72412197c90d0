const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Where the reading of a list's items stands; see {@link openItemList}. */
export interface ItemList {
  readonly body: Buffer;
  /** The next byte to look at. */
  at: number;
  /** Where the value of `items` begins. */
  readonly start: number;
  /** Items so far. */
  count: number;
  /** `end`: the closing bracket was read. `cut`: the body ends before it. `broken`: there is something that may not stand there. */
  state: 'open' | 'end' | 'cut' | 'broken';
}

const itemsKey = Uint8Array.from(Buffer.from('"items"'));
const nullText = Uint8Array.from(Buffer.from('null'));

/**
 * Finds the items of a Kubernetes list, or answers `undefined` when there are none. A list of 150,000 pods is 50 MB: parsed in one piece it would stop the
 * event loop for a second, so its items are read one by one. That what stands around them is JSON is looked at in {@link closeItemList}. An empty Go list may be
 * written as null.
 */
export function openItemList(body: Buffer): ItemList | undefined {
  let at = spaceEnd(body, 0);
  if (body[at] !== openBrace) return undefined;
  let depth = 0;
  while (at < body.length) {
    const byte = body[at]!;
    if (byte === quote) {
      const end = stringEnd(body, at);
      if (end < 0) return undefined;
      const next = spaceEnd(body, end);
      // Only a key has a colon behind it.
      if (depth === 1 && body[next] === colon && end - at === itemsKey.length && standsAt(body, at, itemsKey)) {
        return openAt(body, spaceEnd(body, next + 1));
      }
      at = end;
      continue;
    }
    if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
    at++;
  }
  return undefined;
}

function openAt(body: Buffer, start: number): ItemList | undefined {
  if (body[start] === openBracket) return { body, at: start + 1, start, count: 0, state: 'open' };
  return standsAt(body, start, nullText) ? { body, at: start + nullText.length, start, count: 0, state: 'end' } : undefined;
}

/** Goes to the first byte of the next item; false when there is none, and then `state` tells why. Whoever reads the item moves `at` behind it. */
export function nextItem(list: ItemList): boolean {
  if (list.state !== 'open') return false;
  const { body } = list;
  let at = spaceEnd(body, list.at);
  if (body[at] === closeBracket) {
    list.at = at + 1;
    list.state = 'end';
    return false;
  }
  if (list.count > 0 && at < body.length) {
    if (body[at] !== comma) return stop(list, 'broken');
    at = spaceEnd(body, at + 1);
    if (body[at] === closeBracket) return stop(list, 'broken');
  }
  if (at >= body.length) return stop(list, 'cut');
  list.at = at;
  list.count++;
  return true;
}

function stop(list: ItemList, state: 'cut' | 'broken'): false {
  list.state = state;
  return false;
}

/** Behind the JSON value that begins at `at`, or -1 when the body ends in it. The value may yet be no JSON: this looks at strings and brackets alone. */
export function valueEnd(body: Buffer, at: number): number {
  let depth = 0;
  let next = at;
  while (next < body.length) {
    const byte = body[next]!;
    if (byte === quote) {
      next = stringEnd(body, next);
      if (next < 0) return -1;
      if (depth === 0) return next;
      continue;
    }
    if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) {
      // The bracket that ends the items, behind a number or a word.
      if (depth === 0) return Math.max(next, at + 1);
      depth--;
      if (depth === 0) return next + 1;
    } else if (depth === 0 && (byte === comma || isSpace(byte))) return Math.max(next, at + 1);
    next++;
  }
  return -1;
}

/** True when the list without its items is JSON with nothing but them as `items`: otherwise what was read may be a part of something else. */
export function closeItemList(list: ItemList): boolean {
  if (list.state !== 'end') return false;
  const text = (from: number, to: number): string => list.body.toString('utf8', from, to);
  try {
    const frame = JSON.parse(`${text(0, list.start)}"here"${text(list.at, list.body.length)}`) as { readonly items?: unknown };
    if (frame.items === 'here') return true;
    list.state = 'broken';
  } catch {
    list.state = list.body[spaceStart(list.body, list.body.length) - 1] === closeBrace ? 'broken' : 'cut';
  }
  return false;
}

/** Behind the string that opens at `at`, or -1. */
function stringEnd(body: Buffer, at: number): number {
  for (let next = at + 1; next < body.length; next++) {
    const byte = body[next]!;
    if (byte === quote) return next + 1;
    if (byte === backslash) next++;
  }
  return -1;
}

function spaceEnd(body: Buffer, at: number): number {
  let next = at;
  while (next < body.length && isSpace(body[next]!)) next++;
  return next;
}

function spaceStart(body: Buffer, end: number): number {
  let start = end;
  while (start > 0 && isSpace(body[start - 1]!)) start--;
  return start;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** True when these bytes stand there. */
export function standsAt(body: Buffer, at: number, bytes: Uint8Array): boolean {
  if (at + bytes.length > body.length) return false;
  for (let index = 0; index < bytes.length; index++) if (body[at + index] !== bytes[index]) return false;
  return true;
}
