/** Where in an answer the array of items is: `data.result` of a query, `data` of lists of names and series. */
export type ItemsAt = 'data.result' | 'data';

export interface SplitEnd {
  /** True when the answer ended where JSON ends. */
  readonly complete: boolean;
  /** Everything around the items: the answer with an empty array in their place. */
  readonly envelope: string;
}

export interface ResultSplitter {
  /** Takes the next bytes; calls the visitor for each item that they complete. */
  push(chunk: Buffer): void;
  end(): SplitEnd;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
/** Longer than any key that is looked for. */
const KEY_LENGTH = 16;
/** Warnings and what else is around the items. */
const MAX_ENVELOPE_BYTES = 1 << 20;

interface State {
  readonly itemsAt: ItemsAt;
  /** Brackets that are open around the array of items. */
  readonly baseDepth: number;
  readonly visit: (item: string, index: number) => void;
  depth: number;
  inString: boolean;
  escaped: boolean;
  closed: boolean;
  inItems: boolean;
  seenItems: boolean;
  items: number;
  /** Start in the current chunk of what is being collected: the item, or the envelope. */
  start: number;
  /** The last string outside of the items, which is a key when a colon follows. */
  lastString: string;
  readonly keys: string[];
  itemPieces: Buffer[];
  readonly envelopePieces: Buffer[];
  envelopeBytes: number;
}

/**
 * Cuts an answer of Prometheus into its items while it arrives, so that neither the whole body nor the whole parsed answer is ever in memory. It follows
 * strings and brackets only; whether an item is JSON is for whoever parses it.
 */
export function createResultSplitter(itemsAt: ItemsAt, visit: (item: string, index: number) => void): ResultSplitter {
  const state: State = {
    itemsAt,
    baseDepth: itemsAt === 'data' ? 1 : 2,
    visit,
    depth: 0,
    inString: false,
    escaped: false,
    closed: false,
    inItems: false,
    seenItems: false,
    items: 0,
    start: 0,
    lastString: '',
    keys: ['', '', ''],
    itemPieces: [],
    envelopePieces: [],
    envelopeBytes: 0,
  };
  return {
    push: (chunk) => push(state, chunk),
    end: () => ({
      complete: state.closed && state.depth === 0 && !state.inString && state.envelopeBytes <= MAX_ENVELOPE_BYTES,
      envelope: Buffer.concat(state.envelopePieces).toString(),
    }),
  };
}

function push(state: State, chunk: Buffer): void {
  const { length } = chunk;
  state.start = 0;
  let at = 0;
  while (at < length) at = state.inString ? skipString(state, chunk, at) : takeByte(state, chunk, at);
  // A copy: the chunk is a part of a buffer that is used again.
  const rest = Buffer.from(chunk.subarray(state.start));
  if (state.inItems) state.itemPieces.push(rest);
  else keepEnvelope(state, rest);
}

/** From inside a string to behind its end, or to the end of the chunk. */
function skipString(state: State, chunk: Buffer, from: number): number {
  const { length } = chunk;
  let at = from;
  let { escaped } = state;
  for (; at < length; at++) {
    const byte = chunk[at]!;
    if (escaped) escaped = false;
    else if (byte === BACKSLASH) escaped = true;
    else if (byte === QUOTE) break;
  }
  state.escaped = escaped;
  if (!state.inItems && state.lastString.length <= KEY_LENGTH) {
    state.lastString += chunk.toString('latin1', from, Math.min(at, from + KEY_LENGTH + 1));
  }
  if (at === length) return at;
  state.inString = false;
  return at + 1;
}

function takeByte(state: State, chunk: Buffer, at: number): number {
  const byte = chunk[at]!;
  if (byte === QUOTE) {
    state.inString = true;
    state.lastString = '';
  } else if (byte === COMMA) {
    if (state.inItems && state.depth === state.baseDepth + 1) finishItem(state, chunk, at);
  } else if (byte === COLON) {
    if (!state.inItems && state.depth <= 2) state.keys[state.depth] = state.lastString;
  } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
    if (byte === OPEN_BRACKET && opensItems(state)) beginItems(state, chunk, at);
    state.depth++;
  } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) close(state, chunk, at);
  return at + 1;
}

function opensItems({ depth, baseDepth, keys, itemsAt, seenItems }: State): boolean {
  return !seenItems && depth === baseDepth && keys[1] === 'data' && (itemsAt === 'data' || keys[2] === 'result');
}

function beginItems(state: State, chunk: Buffer, at: number): void {
  state.inItems = true;
  state.seenItems = true;
  keepEnvelope(state, Buffer.from(chunk.subarray(state.start, at + 1)));
  state.start = at + 1;
}

function close(state: State, chunk: Buffer, at: number): void {
  state.depth--;
  if (state.inItems && state.depth === state.baseDepth) {
    finishItem(state, chunk, at);
    state.inItems = false;
    state.start = at;
  }
  if (state.depth === 0) state.closed = true;
}

function finishItem(state: State, chunk: Buffer, at: number): void {
  const last = chunk.subarray(state.start, at);
  const text = (state.itemPieces.length === 0 ? last : Buffer.concat([...state.itemPieces, last])).toString().trim();
  state.itemPieces = [];
  state.start = at + 1;
  if (text !== '') state.visit(text, state.items++);
}

function keepEnvelope(state: State, piece: Buffer): void {
  state.envelopeBytes += piece.length;
  if (state.envelopeBytes <= MAX_ENVELOPE_BYTES) state.envelopePieces.push(piece);
}
