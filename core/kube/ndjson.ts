import { isAscii } from 'node:buffer';
import { ConcertinaError } from '../errors.ts';
import { parseRange, type JsonRange } from './json-range.ts';
import type { SharedParser } from './shared-parser.ts';

const newline = 0x0a;

/** An object of the API server is at most a few MiB (etcd's limit is 1.5 MiB); a longer line is not a watch event. */
const maxLineBytes = 32 * 1024 * 1024;

/** Options of {@link LineDecoder}. */
export interface LineDecoderOptions {
  /** Leave `managedFields` out without parsing it. */
  readonly trimManagedFields: boolean;
  /** Parses the lines, instead of one by one. */
  readonly parser?: SharedParser | undefined;
  /** Makes the error for a line that is not JSON. */
  readonly onMalformed: (bytes: number, cause: unknown) => Error;
}

/**
 * Cuts a byte stream into lines of JSON and decodes only whole ones. Bytes are searched, not characters: a newline byte is never part of a
 * multi-byte UTF-8 sequence, and JSON has none inside strings.
 */
export class LineDecoder {
  readonly #options: LineDecoderOptions;
  #partial: Buffer[] = [];
  #partialBytes = 0;

  constructor(options: LineDecoderOptions) {
    this.#options = options;
  }

  /** The values of the lines that this chunk completes, parsed one by one; empty lines are skipped. Run it to its end before the next chunk. */
  *push(chunk: Buffer): Generator<unknown, void> {
    const ascii = isAscii(chunk);
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const range = this.#partialBytes > 0 ? this.#join(chunk.subarray(0, end)) : { bytes: chunk, start, end, ascii };
      start = end + 1;
      if (range.end - range.start > 1) yield this.#parse(range);
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Bytes after the last newline. */
  get pendingBytes(): number {
    return this.#partialBytes;
  }

  #join(rest: Buffer): JsonRange {
    this.#partial.push(rest);
    const bytes = Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    return { bytes, start: 0, end: bytes.length, ascii: isAscii(bytes) };
  }

  #parse(range: JsonRange): unknown {
    try {
      const { parser, trimManagedFields } = this.#options;
      return parser === undefined ? parseRange(range, trimManagedFields) : parser.parse(range);
    } catch (cause) {
      throw this.#options.onMalformed(range.end - range.start, cause);
    }
  }

  #keep(rest: Buffer): void {
    this.#partial.push(rest);
    this.#partialBytes += rest.length;
    if (this.#partialBytes > maxLineBytes) {
      throw new ConcertinaError('API_ANSWER_INVALID', `a watch line is longer than ${maxLineBytes} bytes`);
    }
  }
}
