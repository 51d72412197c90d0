import type { Dispatcher } from 'undici';
import { ConcertinaError, isConcertinaError } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { HttpMethod } from './api.ts';
import type { Connection, RequestHeaders } from './connection.ts';

/** One HTTP request as it goes over the wire. */
export interface WireRequest {
  readonly method: HttpMethod;
  /** Absolute path with query. */
  readonly path: string;
  readonly headers: RequestHeaders;
  readonly body?: string | Buffer | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Until the whole answer is there. Absent: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Longest body of the answer. Absent: no limit. */
  readonly maxBytes?: number | undefined;
  /** Called when the request is about to be written to a socket; what it throws stops the request. */
  readonly guard?: (() => void) | undefined;
}

/** A complete answer. Header names are lower-case; repeated headers are joined by commas. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer whose body still comes. */
export interface WireStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Dispatcher.ResponseData['body'];
}

/** Sends a request and reads the whole answer, whatever its status. Throws `API_UNREACHABLE` or the signal's reason. */
export async function exchange(connection: Connection, clock: Clock, request: WireRequest): Promise<WireAnswer> {
  const limit = limitedSignal(clock, request);
  try {
    const response = await send(connection, request, limit.signal);
    const body = await readBody(connection, request, response.body);
    return { status: response.statusCode, headers: flatHeaders(response.headers), body };
  } catch (thrown) {
    request.signal?.throwIfAborted();
    if (limit.timedOut()) throw timedOut(connection, request, thrown);
    throw unreachable(connection, request, thrown);
  } finally {
    limit.dispose();
  }
}

async function readBody(connection: Connection, request: WireRequest, body: Dispatcher.ResponseData['body']): Promise<Buffer> {
  const { maxBytes } = request;
  if (maxBytes === undefined) return Buffer.from(await body.arrayBuffer());
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body) {
    length += (piece as Buffer).length;
    if (length > maxBytes) {
      const what = `${connection.server} answered ${request.method} ${bare(request.path)} with more than ${maxBytes} bytes`;
      throw new ConcertinaError('API_ANSWER_INVALID', what, {
        details: { server: connection.server, reason: 'too-large', path: bare(request.path) },
      });
    }
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces, length);
}

/** Opens a streaming answer; the caller reads or destroys the body, and turns what reading throws into `unreachable`. */
export async function openStream(connection: Connection, request: WireRequest): Promise<WireStream> {
  try {
    const response = await send(connection, request, request.signal);
    return { status: response.statusCode, headers: flatHeaders(response.headers), body: response.body };
  } catch (thrown) {
    throw unreachable(connection, request, thrown);
  }
}

function send(connection: Connection, request: WireRequest, signal: AbortSignal | undefined): Promise<Dispatcher.ResponseData> {
  const url = new URL(connection.server);
  const { dispatcher } = connection;
  const options: Dispatcher.RequestOptions = {
    origin: url.origin,
    path: url.pathname === '/' ? request.path : url.pathname + request.path,
    method: request.method,
    headers: { ...request.headers },
    body: request.body ?? null,
    signal: signal ?? null,
    // Our own limits count on the injected clock; undici's would count on the wall's.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const { guard } = request;
  if (guard === undefined) return dispatcher.request(options);
  // `request` only ever uses the `dispatch` of its dispatcher.
  const guarded = {
    dispatch: (opts: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) =>
      dispatcher.dispatch(opts, guardedHandler(handler, guard)),
  };
  return dispatcher.request.call(guarded as Dispatcher, options) as Promise<Dispatcher.ResponseData>;
}

/**
 * The same handler, asking `guard` when the request leaves the queue for a socket. A pool may hold a request back while all its
 * connections are busy: a check made before queueing says nothing about the moment of sending.
 */
function guardedHandler(handler: Dispatcher.DispatchHandler, guard: () => void): Dispatcher.DispatchHandler {
  const refusal = (): Error | undefined => {
    try {
      guard();
      return undefined;
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  };
  return new Proxy(handler, {
    get: (target, key) => {
      if (key === 'onConnect' && target.onConnect !== undefined) {
        return (abort: (reason?: Error) => void, ...rest: unknown[]) => {
          const start = bound(target, key) as (...args: unknown[]) => void;
          start(abort, ...rest);
          const reason = refusal();
          if (reason !== undefined) abort(reason);
        };
      }
      if (key === 'onRequestStart' && target.onRequestStart !== undefined) {
        return (controller: Dispatcher.DispatchController, context: unknown) => {
          target.onRequestStart?.(controller, context);
          const reason = refusal();
          if (reason !== undefined) controller.abort(reason);
        };
      }
      return bound(target, key);
    },
  });
}

function noop(): void {}

function bound(target: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key, target);
  return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
}

function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** A signal that aborts with the caller's or after `timeoutMs` of the clock. (`AbortSignal.any` retains its sources on Node 20.) */
function limitedSignal(clock: Clock, request: WireRequest): { signal: AbortSignal | undefined; timedOut(): boolean; dispose(): void } {
  const { signal: outer, timeoutMs } = request;
  if (timeoutMs === undefined) return { signal: outer, timedOut: () => false, dispose: noop };
  const controller = new AbortController();
  let late = false;
  const onAbort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) onAbort();
  outer?.addEventListener('abort', onAbort, { once: true });
  const timer = clock.setTimeout(() => {
    late = true;
    controller.abort(new Error('timed out'));
  }, timeoutMs);
  return {
    signal: controller.signal,
    timedOut: () => late,
    dispose: () => {
      timer.cancel();
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

function timedOut(connection: Connection, request: WireRequest, cause: unknown): ConcertinaError {
  const seconds = Math.round((request.timeoutMs ?? 0) / 100) / 10;
  return new ConcertinaError(
    'API_UNREACHABLE',
    `${connection.server} did not finish answering ${request.method} ${bare(request.path)} within ${seconds} s`,
    { cause, details: { server: connection.server, reason: 'timeout', method: request.method, path: bare(request.path) } },
  );
}

/** `API_UNREACHABLE` naming server and cause; what is already an error of ours (a fence's refusal) is given back as it is. */
export function unreachable(connection: Connection, request: WireRequest, thrown: unknown): Error {
  if (isConcertinaError(thrown)) return thrown;
  if (request.signal?.aborted === true && thrown instanceof Error) return thrown;
  const code = failureCode(thrown);
  return new ConcertinaError('API_UNREACHABLE', `${connection.server} cannot be reached: ${failureText(code, thrown)}`, {
    cause: thrown,
    details: { server: connection.server, reason: code, method: request.method, path: bare(request.path) },
  });
}

/** True when a connection broke that may have been a stale one of the pool: for a read, worth one more try at once. */
export function isBrokenConnection(thrown: unknown): boolean {
  return (
    isConcertinaError(thrown, 'API_UNREACHABLE') && ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(String(thrown.details['reason']))
  );
}

function failureCode(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return failureCode(thrown.errors[0]);
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return 'unknown';
}

const failureTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused; does the API server run at this address?',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name could not be looked up just now',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection was not made in time',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed while writing',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
  UND_ERR_CLOSED: 'this client was closed',
  UND_ERR_DESTROYED: 'this client was closed',
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed and not the CA of the kubeconfig",
  SELF_SIGNED_CERT_IN_CHAIN: "the server's certificate is not signed by the CA of the kubeconfig",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the server's certificate is not signed by the CA of the kubeconfig",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the server's certificate is not signed by the CA of the kubeconfig",
  CERT_SIGNATURE_FAILURE: "the server's certificate is not signed by the CA of the kubeconfig",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another host name (see tls-server-name)",
};

function failureText(code: string, thrown: unknown): string {
  const text = failureTexts[code];
  if (text !== undefined) return text;
  const message = thrown instanceof Error ? thrown.message.split('\n', 1)[0]?.slice(0, 200) : undefined;
  if (code.startsWith('HPE_')) return `the answer is not HTTP (${code})`;
  return code === 'unknown' ? (message ?? 'unknown failure') : `${message ?? 'failure'} (${code})`;
}

function bare(path: string): string {
  return path.split('?', 1)[0] ?? path;
}
