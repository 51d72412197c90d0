/** A stretch of bytes that should be one JSON value. */
export interface JsonRange {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** All bytes are below 128: decoding is then a copy. */
  readonly ascii: boolean;
}

const fieldStart = Buffer.from('"managedFields":[');
const comma = 0x2c;
const quote = 0x22;
const brace = 0x7d;
const bracket = 0x5d;

/** Parses a range; with `trimManagedFields` as if the object had no `managedFields`. Throws what `JSON.parse` throws. */
export function parseRange(range: JsonRange, trimManagedFields: boolean): unknown {
  if (trimManagedFields) {
    const cut = managedFieldsOf(range);
    if (cut !== undefined) {
      try {
        return JSON.parse(text(range, range.start, cut.from) + text(range, cut.to, range.end));
      } catch {
        // The cut was not the whole array: the object is read as it is.
      }
    }
  }
  return JSON.parse(text(range, range.start, range.end));
}

function text({ bytes, ascii }: JsonRange, start: number, end: number): string {
  return bytes.toString(ascii ? 'latin1' : 'utf8', start, end);
}

/**
 * Where `,"managedFields":[…]` stands: about a fifth of the bytes of a pod, and keys that occur nowhere else.
 *
 * Exact, although it looks at few bytes. A quote inside a JSON string is escaped, so `"managedFields":[` is always a key. The array's end is
 * sought as `],"x` or `]},"x` where x begins a word: if that bracket stood inside a string, the quote would be its closing one, after which only
 * a colon, comma or closer may come. So the bracket is structural; and if it closed an inner array, the cut would leave more closers than
 * openers behind and the parser would refuse, upon which the caller reads the whole object.
 */
function managedFieldsOf({ bytes, start, end }: JsonRange): { readonly from: number; readonly to: number } | undefined {
  const key = bytes.indexOf(fieldStart, start);
  // Only behind a comma: the usual place, and then the comma goes with it.
  if (key === -1 || key >= end || bytes[key - 1] !== comma) return undefined;
  for (let at = bytes.indexOf(bracket, key + fieldStart.length); at !== -1 && at < end; at = bytes.indexOf(bracket, at + 1)) {
    const next = bytes[at + 1] === brace ? at + 2 : at + 1;
    if (bytes[next] === comma && bytes[next + 1] === quote && isWord(bytes[next + 2])) return { from: key - 1, to: at + 1 };
  }
  return undefined;
}

function isWord(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a));
}
