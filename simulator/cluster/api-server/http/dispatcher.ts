import { Dispatcher, errors } from 'undici';
import type { Activity } from '../activity.ts';
import type { ActivityView } from '../activity.ts';
import { ConnectionDropped } from '../faults.ts';
import type { ApiHandler, ApiRequest, ApiResponse, ApiSink } from '../types.ts';
import { LazyAbort } from './lazy-abort.ts';
import { splitTarget } from './node-server.ts';

type DispatchHandler = Dispatcher.DispatchHandler;

/** Chunks that a paused consumer has not taken; beyond this a watch is cut off by its server side. */
interface Outbox {
  readonly chunks: Buffer[];
  bytes: number;
  /** What comes after the last chunk. */
  ending: 'open' | 'end' | 'destroy';
}

/** undici's dispatcher interface over the request handler: no sockets, the same semantics (streams, back-pressure, abort). */
export class InProcessDispatcher extends Dispatcher {
  readonly #handle: ApiHandler;
  readonly #activity: Activity;
  readonly #exchanges = new Set<Exchange>();
  #closed = false;

  constructor(handle: ApiHandler, activity: Activity) {
    super();
    this.#handle = handle;
    this.#activity = activity;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: DispatchHandler): boolean {
    const exchange = new Exchange(handler, this.#activity, () => this.#exchanges.delete(exchange));
    if (this.#closed) {
      exchange.fail(new errors.ClientClosedError());
      return true;
    }
    this.#exchanges.add(exchange);
    void exchange.run(this.#handle, options);
    return true;
  }

  /** What a virtual clock must wait for. */
  activity(): ActivityView {
    return this.#activity.view();
  }

  /** Resolves when nothing is in flight and nothing has moved for several turns of the event loop. */
  settle(): Promise<void> {
    return this.#activity.settle();
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    return this.#end(callback);
  }

  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(errorOrCallback?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    return this.#end(typeof errorOrCallback === 'function' ? errorOrCallback : callback);
  }

  #end(callback: (() => void) | undefined): Promise<void> | void {
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.abort(new errors.ClientDestroyedError());
    if (callback === undefined) return Promise.resolve();
    queueMicrotask(callback);
  }
}

/** One request and its answer. */
class Exchange {
  readonly #handler: DispatchHandler;
  readonly #activity: Activity;
  readonly #done: () => void;
  readonly #gone = new LazyAbort();
  readonly #outbox: Outbox = { chunks: [], bytes: 0, ending: 'open' };
  #paused = false;
  #over = false;
  #reason: Error | undefined;
  #stop: (() => void) | undefined;

  constructor(handler: DispatchHandler, activity: Activity, done: () => void) {
    this.#handler = handler;
    this.#activity = activity;
    this.#done = done;
  }

  async run(handle: ApiHandler, options: Dispatcher.DispatchOptions): Promise<void> {
    const end = this.#activity.begin();
    try {
      // A handler that dispatch has not returned to yet must not be called.
      await Promise.resolve();
      this.#connect();
      if (this.#over) return;
      const answering = handle(await toRequest(options, this.#gone));
      // The request counts by itself from here on, and not while it waits for the clock.
      end();
      this.#respond(await answering);
    } catch (thrown) {
      this.fail(asError(thrown));
    } finally {
      end();
    }
  }

  abort(reason?: Error): void {
    if (this.#over) return;
    this.fail(reason ?? new errors.RequestAbortedError());
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#finish(error);
    if (this.#isNew) this.#handler.onResponseError?.(this.#control, error);
    else this.#handler.onError?.(error);
  }

  get #isNew(): boolean {
    return this.#handler.onRequestStart !== undefined;
  }

  readonly #control = makeControl({
    abort: (reason) => this.abort(reason),
    pause: () => {
      this.#paused = true;
    },
    resume: () => this.#resume(),
    state: () => ({ aborted: this.#over && this.#reason !== undefined, paused: this.#paused, reason: this.#reason ?? null }),
  });

  #connect(): void {
    if (this.#isNew) this.#handler.onRequestStart?.(this.#control, {});
    else this.#handler.onConnect?.((reason) => this.abort(reason));
  }

  #respond(answer: ApiResponse): void {
    if (this.#over) {
      // The client went away meanwhile; a watch is begun and ended, so that what was set up for it goes.
      return;
    }
    const whole = 'body' in answer ? toBuffer(answer.body) : undefined;
    const headers = { ...answer.headers, ...(whole === undefined ? {} : { 'content-length': String(whole.length) }) };
    if (this.#isNew) this.#handler.onResponseStart?.(this.#control, answer.status, headers, '');
    else this.#paused = this.#handler.onHeaders?.(answer.status, rawHeaders(headers), () => this.#resume(), '') === false || this.#paused;
    if ('start' in answer) {
      this.#stop = answer.start(this.#sink());
      if (this.#over) this.#stop();
      return;
    }
    if (whole !== undefined && whole.length > 0) this.#push(whole);
    this.#close('end');
  }

  #sink(): ApiSink {
    return {
      write: (chunk) => this.#push(toBuffer(chunk)),
      end: () => this.#close('end'),
      destroy: () => this.#close('destroy'),
      pendingBytes: () => this.#outbox.bytes,
    };
  }

  #push(chunk: Buffer): void {
    if (this.#over) return;
    this.#outbox.chunks.push(chunk);
    this.#outbox.bytes += chunk.length;
    this.#flush();
  }

  #close(how: 'end' | 'destroy'): void {
    if (this.#over || this.#outbox.ending !== 'open') return;
    this.#outbox.ending = how;
    // A broken connection loses what was under way in it; an orderly end does not.
    if (how === 'destroy') this.fail(new errors.SocketError('other side closed'));
    else this.#flush();
  }

  #resume(): void {
    this.#paused = false;
    this.#flush();
  }

  #flush(): void {
    while (!this.#paused && !this.#over) {
      const chunk = this.#outbox.chunks.shift();
      if (chunk === undefined) break;
      this.#outbox.bytes -= chunk.length;
      this.#activity.touch();
      if (this.#isNew) this.#handler.onResponseData?.(this.#control, chunk);
      else if (this.#handler.onData?.(chunk) === false) this.#paused = true;
    }
    if (this.#over || this.#outbox.chunks.length > 0 || this.#outbox.ending !== 'end') return;
    this.#finish(undefined);
    if (this.#isNew) this.#handler.onResponseEnd?.(this.#control, {});
    else this.#handler.onComplete?.([]);
  }

  #finish(reason: Error | undefined): void {
    this.#over = true;
    this.#reason = reason;
    this.#activity.touch();
    this.#done();
    if (reason !== undefined) this.#gone.abort();
    this.#stop?.();
  }
}

interface ControlActions {
  readonly abort: (reason: Error) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly state: () => { readonly aborted: boolean; readonly paused: boolean; readonly reason: Error | null };
}

function makeControl(actions: ControlActions): Dispatcher.DispatchController {
  return {
    get aborted() {
      return actions.state().aborted;
    },
    get paused() {
      return actions.state().paused;
    },
    get reason() {
      return actions.state().reason;
    },
    abort: actions.abort,
    pause: actions.pause,
    resume: actions.resume,
  };
}

function asError(thrown: unknown): Error {
  if (thrown instanceof ConnectionDropped) return new errors.SocketError('other side closed');
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function toBuffer(chunk: string | Buffer): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

function rawHeaders(headers: Readonly<Record<string, string>>): Buffer[] {
  const raw: Buffer[] = [];
  for (const name in headers) raw.push(nameBytes(name), Buffer.from(headers[name] ?? ''));
  return raw;
}

const knownNames = new Map<string, Buffer>();

/** There are only a handful of header names. */
function nameBytes(name: string): Buffer {
  let bytes = knownNames.get(name);
  if (bytes === undefined) knownNames.set(name, (bytes = Buffer.from(name)));
  return bytes;
}

async function toRequest(options: Dispatcher.DispatchOptions, gone: LazyAbort): Promise<ApiRequest> {
  const [path, query] = splitTarget(options.path);
  const params = new URLSearchParams(query);
  for (const [name, value] of Object.entries((options.query ?? {}) as Record<string, unknown>)) {
    for (const item of Array.isArray(value) ? value : [value]) params.append(name, String(item));
  }
  const body = await bodyOf(options.body);
  return {
    method: options.method,
    path,
    query: params,
    headers: headersOf(options.headers),
    body,
    get signal() {
      return gone.signal;
    },
  };
}

type GivenHeaders = Dispatcher.DispatchOptions['headers'];

function headersOf(given: GivenHeaders): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of headerPairs(given)) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return headers;
}

function* headerPairs(given: GivenHeaders): Generator<[string, string]> {
  if (given === undefined || given === null) return;
  if (Array.isArray(given) && typeof given[0] === 'string') {
    for (let at = 0; at + 1 < given.length; at += 2) yield [String(given[at]), String(given[at + 1])];
    return;
  }
  const entries = Symbol.iterator in given ? (given as Iterable<[string, unknown]>) : Object.entries(given);
  for (const [name, value] of entries) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) if (item !== undefined) yield [name, String(item as string)];
  }
}

async function bodyOf(body: Dispatcher.DispatchOptions['body']): Promise<Buffer | undefined> {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (Symbol.asyncIterator in body || Symbol.iterator in body) {
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<string | Uint8Array>)
      chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
    return Buffer.concat(chunks);
  }
  throw new errors.InvalidArgumentError('body must be a string, a Buffer or a stream of these');
}
