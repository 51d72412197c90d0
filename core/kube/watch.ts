import { ConcertinaError, isConcertinaError } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { KubeObject, ResourceType } from '../model/object.ts';
import type { WatchEvent, WatchOptions } from './api.ts';
import { LineDecoder } from './ndjson.ts';
import { collectionPath, withQuery } from './paths.ts';
import { openRead, type ClientContext } from './pipeline.ts';
import { ApiStatusError, readStatus } from './status-error.ts';
import { unreachable } from './transport.ts';
import { nextTurn } from './turn.ts';

/** The API server sends a bookmark about every minute (its timers add up to a quarter): less would end healthy quiet watches. */
export const defaultInactivityMs = 90_000;

/** Bytes decoded before other work gets a turn: some 3 ms of parsing. */
const bytesPerTurn = 256 * 1024;

const eventTypes: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

/** Path and query of a watch. */
export function watchPath(type: ResourceType, options: WatchOptions): string {
  const initial = options.sendInitialEvents === true;
  return withQuery(collectionPath(type, options.namespace), {
    watch: true,
    allowWatchBookmarks: options.bookmarks ?? true,
    resourceVersion: options.resourceVersion,
    sendInitialEvents: initial ? true : undefined,
    resourceVersionMatch: initial ? 'NotOlderThan' : undefined,
    timeoutSeconds: options.timeoutSeconds,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  });
}

/**
 * One watch connection. Ends quietly when the server closes it or the signal aborts; throws on every failure, an ERROR event included.
 * A silent connection is given up after `inactivityMs` of the client's clock (`API_UNREACHABLE`, `details.reason` = `stalled`).
 */
export async function* watchEvents<T = KubeObject>(
  context: ClientContext,
  type: ResourceType,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent<T>, void> {
  for await (const events of watchChunks<T>(context, type, options)) yield* events;
}

/** The same, calling `each` for every event: a step of an async generator for each of 150 000 objects would cost a tenth of the time. */
export async function watchEach<T = KubeObject>(
  context: ClientContext,
  type: ResourceType,
  options: WatchOptions,
  each: (event: WatchEvent<T>) => void,
): Promise<void> {
  for await (const events of watchChunks<T>(context, type, options)) {
    for (const event of events) {
      if (isAborted(options.signal)) return;
      each(event);
    }
  }
}

/** The events of each chunk that arrives; they are decoded while they are iterated over. */
async function* watchChunks<T>(
  context: ClientContext,
  type: ResourceType,
  options: WatchOptions,
): AsyncGenerator<Iterable<WatchEvent<T>>, void> {
  if (isAborted(options.signal)) return;
  const path = watchPath(type, options);
  const request = { method: 'GET', path } as const;
  const abort = new AbortController();
  const onAbort = (): void => abort.abort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const watchdog = startWatchdog(context.clock, options.inactivityMs ?? defaultInactivityMs, () => abort.abort());
  const decoder = new LineDecoder({
    trimManagedFields: options.trimManagedFields === true,
    parser: options.parser,
    onMalformed: (bytes, cause) => malformed(path, `is not JSON (${bytes} bytes)`, cause),
  });
  try {
    const stream = await openRead(context, { ...request, signal: abort.signal });
    let budget = bytesPerTurn;
    for await (const chunk of stream.body as AsyncIterable<Buffer>) {
      watchdog.touch();
      yield checkedEvents<T>(decoder.push(chunk), path);
      budget -= chunk.length;
      if (budget > 0) continue;
      budget = bytesPerTurn;
      await nextTurn();
    }
    if (decoder.pendingBytes > 0) throw malformed(path, 'is cut short by the end of the stream');
  } catch (thrown) {
    if (isAborted(options.signal)) return;
    if (watchdog.stalled()) throw stalled(context, path, options.inactivityMs ?? defaultInactivityMs);
    throw isConcertinaError(thrown) ? thrown : unreachable(context.connection, { ...request, headers: {} }, thrown);
  } finally {
    watchdog.stop();
    options.signal?.removeEventListener('abort', onAbort);
    abort.abort();
  }
}

function* checkedEvents<T>(values: Iterable<unknown>, path: string): Generator<WatchEvent<T>, void> {
  for (const value of values) yield checkEvent<T>(value, path);
}

function checkEvent<T>(value: unknown, path: string): WatchEvent<T> {
  const event = value as { type?: unknown; object?: unknown } | null;
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string' || !eventTypes.has(event.type)) {
    throw malformed(path, 'is not a watch event');
  }
  if (typeof event.object !== 'object' || event.object === null) throw malformed(path, `is a ${event.type} event without an object`);
  if (event.type === 'ERROR') {
    const status = readStatus(event.object, 500);
    if (status === undefined) throw malformed(path, 'is an ERROR event without a Status');
    throw new ApiStatusError(status, { method: 'GET', path });
  }
  return event as WatchEvent<T>;
}

function malformed(path: string, what: string, cause?: unknown): ConcertinaError {
  return new ConcertinaError('API_ANSWER_INVALID', `a line of the watch of ${bare(path)} ${what}`, {
    cause,
    details: { path: bare(path), reason: 'malformed' },
  });
}

function stalled(context: ClientContext, path: string, inactivityMs: number): ConcertinaError {
  return new ConcertinaError(
    'API_UNREACHABLE',
    `${context.connection.server} sent nothing on the watch of ${bare(path)} for ${inactivityMs / 1000} s, not even a bookmark`,
    { details: { server: context.connection.server, path: bare(path), reason: 'stalled' } },
  );
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function bare(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

/** Fires once when `touch` was not called for `ms`. One timer that is put off lazily: touching costs a clock reading. */
function startWatchdog(clock: Clock, ms: number, onStall: () => void): { touch(): void; stalled(): boolean; stop(): void } {
  let last = clock.monotonic();
  let fired = false;
  const look = (): void => {
    const quiet = clock.monotonic() - last;
    if (quiet < ms) {
      timer = clock.setTimeout(look, ms - quiet);
      return;
    }
    fired = true;
    onStall();
  };
  let timer = clock.setTimeout(look, ms);
  return {
    touch: () => {
      last = clock.monotonic();
    },
    stalled: () => fired,
    stop: () => timer.cancel(),
  };
}
