import { lookup as lookupHost } from 'node:dns/promises';
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../../../core/model/clock.ts';
import type { AddressPermit } from './address-rules.ts';
import { createGuardedConnect, type HostLookup, type HttpTls } from './guarded-connect.ts';
import { headersOf, type HttpCredentials } from './http-headers.ts';
import { failureOfError, type HttpFailure, type HttpFailureKind } from './http-failure.ts';
import { retryAfterMs } from './retry-after.ts';

export interface GuardedHttpOptions {
  /** Base URL: http or https, a path if need be, no credentials, no query. */
  readonly url: string;
  /** Who is asked, as sentences begin: `MetricSource main`. */
  readonly name: string;
  readonly clock: Clock;
  /** Connections at the same time; more requests wait, and their deadline counts meanwhile. */
  readonly maxConcurrent: number;
  /** From the call to the last byte. */
  readonly timeoutMs: number;
  /** Longest body of a 200. */
  readonly maxBytes: number;
  /** http: is refused without it: what is sent, credentials too, can be read on the way. */
  readonly plainHttp?: boolean | undefined;
  readonly permit?: AddressPermit | undefined;
  readonly tls?: HttpTls | undefined;
  readonly credentials?: HttpCredentials | undefined;
  /** Default: the resolver of the system, all addresses. */
  readonly lookup?: HostLookup | undefined;
  /** In place of sockets, for virtual time and tests. It brings its own connections: addresses are not judged then, nor is TLS used. */
  readonly dispatcher?: Dispatcher | undefined;
}

export type FormFields = readonly (readonly [name: string, value: string])[];

export interface HttpRequest {
  /** Below the base URL, beginning with a slash; of a GET with its query. */
  readonly path: string;
  /** Sent as a POST form; absent: a GET. */
  readonly form?: FormFields | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In place of the options'. */
  readonly timeoutMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Takes the body of a 200 piece by piece, which is then not collected; `false` stops reading. */
  readonly onBody?: ((piece: Buffer) => boolean | Promise<boolean>) | undefined;
}

/** Any answer but a redirect. A 200 is JSON, by its content type; of other statuses the body is there if it is JSON and short. */
export interface HttpAnswer {
  readonly ok: true;
  readonly status: number;
  /** Empty where it was not collected. Never to be put into a message. */
  readonly body: Buffer;
  readonly json: boolean;
  readonly retryAfterMs: number | undefined;
}

export interface GuardedHttp {
  /** Never throws for what a server or a network does. */
  exchange(request: HttpRequest): Promise<HttpAnswer | HttpFailure>;
  close(): Promise<void>;
}

export type GuardedHttpResult = { readonly ok: true; readonly http: GuardedHttp } | { readonly ok: false; readonly problem: string };

const CONNECT_TIMEOUT_MS = 5000;
const KEEP_ALIVE_MS = 30_000;
/** Of an error's envelope. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * The only way that this component goes to servers that an administrator names (metrics specification §F.6): addresses are judged at every connection,
 * redirects are never followed, time and size are bounded, nothing of an answer is echoed. Bad options are a problem in one sentence.
 */
export function createGuardedHttp(options: GuardedHttpOptions): GuardedHttpResult {
  const base = baseOf(options);
  if (!base.ok) return base;
  const headers = headersOf(options.credentials ?? {});
  if (!headers.ok) return headers;
  const tls = options.tls ?? {};
  const tlsProblem = checkTls(tls);
  if (tlsProblem !== undefined) return { ok: false, problem: tlsProblem };
  const dispatcher = options.dispatcher ?? agentOf(options, tls);
  const way: Way = { options, dispatcher, origin: base.origin, basePath: base.path, headers: headers.headers };
  return {
    ok: true,
    http: {
      exchange: (request) => exchange(way, request),
      // A dispatcher that was handed in belongs to whoever made it.
      close: () => (options.dispatcher === undefined ? dispatcher.destroy() : Promise.resolve()),
    },
  };
}

interface Way {
  readonly options: GuardedHttpOptions;
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

function baseOf(options: GuardedHttpOptions): { ok: true; origin: string; path: string } | { ok: false; problem: string } {
  if (!URL.canParse(options.url)) return { ok: false, problem: 'the URL cannot be read: write https://HOST[:PORT][/PATH]' };
  const url = new URL(options.url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { ok: false, problem: `the URL must begin with https://, not ${url.protocol}` };
  if (url.protocol === 'http:' && options.plainHttp !== true) {
    return { ok: false, problem: 'the URL begins with http://: use https://, or set plainHttp: true' };
  }
  if (url.username !== '' || url.password !== '') return { ok: false, problem: 'the URL has credentials in it: put them into a Secret' };
  if (url.search !== '' || url.hash !== '') return { ok: false, problem: 'the URL has a query or fragment: leave only the path' };
  return { ok: true, origin: url.origin, path: url.pathname.replace(/\/+$/, '') };
}

function checkTls({ ca, cert, key }: HttpTls): string | undefined {
  if ((cert === undefined) !== (key === undefined)) {
    return cert === undefined ? 'there is a client key without its certificate' : 'there is a client certificate without its key';
  }
  try {
    // A secure context takes a CA that it cannot read, and then trusts nobody.
    if (ca !== undefined) void new X509Certificate(ca).subject;
  } catch {
    return 'the CA is not a PEM certificate';
  }
  try {
    if (cert !== undefined && key !== undefined) createSecureContext({ cert, key });
  } catch {
    return 'the client certificate and key are not PEM, or do not belong together';
  }
  return undefined;
}

function agentOf(options: GuardedHttpOptions, tls: HttpTls): Agent {
  return new Agent({
    connections: options.maxConcurrent,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 10 * KEEP_ALIVE_MS,
    // Deadlines count on the injected clock; undici's would count on the wall's.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: createGuardedConnect({
      clock: options.clock,
      lookup: options.lookup ?? ((hostname) => lookupHost(hostname, { all: true, verbatim: true })),
      permit: options.permit ?? {},
      tls,
      connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, options.timeoutMs),
    }),
  });
}

async function exchange(way: Way, request: HttpRequest): Promise<HttpAnswer | HttpFailure> {
  const { options } = way;
  const timeoutMs = request.timeoutMs ?? options.timeoutMs;
  const controller = new AbortController();
  let ended: 'timeout' | 'cancelled' | undefined;
  const end = (why: 'timeout' | 'cancelled'): void => {
    ended ??= why;
    controller.abort();
  };
  const onAbort = (): void => end('cancelled');
  if (request.signal?.aborted === true) end('cancelled');
  request.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = options.clock.setTimeout(() => end('timeout'), timeoutMs);
  try {
    // undici heeds a signal only from the moment on at which a request leaves its queue.
    const response = await untilAborted(send(way, request, controller.signal), controller.signal);
    return await receive(way, request, response);
  } catch (thrown) {
    if (ended === 'timeout') return failure(way, 'timeout', `did not finish answering ${bare(request.path)} within ${timeoutMs / 1000} s`);
    if (ended === 'cancelled') return failure(way, 'cancelled', `was not waited for: the question was cancelled`);
    return failureOfError(options.name, thrown);
  } finally {
    timer.cancel();
    request.signal?.removeEventListener('abort', onAbort);
  }
}

function failure(way: Way, kind: HttpFailureKind, text: string, more: { status?: number; transient?: boolean } = {}): HttpFailure {
  return { ok: false, kind, detail: `${way.options.name} ${text}`, transient: kind === 'timeout', ...more };
}

function send(way: Way, request: HttpRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  const form = request.form && formText(request.form);
  return way.dispatcher.request({
    origin: way.origin,
    path: way.basePath + request.path,
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      ...way.headers,
      accept: 'application/json',
      // A compressed answer could be a thousand times as long as its bytes on the way.
      'accept-encoding': 'identity',
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: form ?? null,
    signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** The promise, or a rejection as soon as the signal aborts; what the promise comes to then is nobody's. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('aborted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject);
  });
}

/** A query may hold what a policy asks for, and is long. */
function bare(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

function formText(form: FormFields): string {
  const fields = new URLSearchParams();
  for (const [name, value] of form) fields.append(name, value);
  return fields.toString();
}

async function receive(way: Way, request: HttpRequest, response: Dispatcher.ResponseData): Promise<HttpAnswer | HttpFailure> {
  const { statusCode: status, body } = response;
  const header = (name: string): string => String(response.headers[name] ?? '');
  const json = /^application\/(?:[a-z.-]+\+)?json\s*(?:;|$)/i.test(header('content-type'));
  const drop = (result: HttpFailure): HttpFailure => {
    // The rest may never end: the connection goes with it.
    body.on('error', () => undefined).destroy();
    return result;
  };
  if (status >= 300 && status < 400) {
    const text = `answered ${status}, a redirect, which is never followed: set url to where it finally is`;
    return drop(failure(way, 'redirect', text, { status }));
  }
  if (!/^(identity)?$/i.test(header('content-encoding'))) {
    return drop(failure(way, 'broken', `answered ${bare(request.path)} compressed although it was asked not to`, { status }));
  }
  if (status !== 200) return errorAnswer(response, json, retryAfterMs(header('retry-after'), way.options.clock.now()));
  if (!json) {
    const text = `answered ${bare(request.path)} with something else than JSON; is it a proxy or a login page? Check url, which must lead to the Prometheus API`;
    return drop(failure(way, 'not-json', text, { status }));
  }
  const maxBytes = request.maxBytes ?? way.options.maxBytes;
  const tooLarge = (): HttpFailure => {
    const text = `answered ${bare(request.path)} with more than ${maxBytes} bytes: ask for less, or raise limits.maxBytes`;
    return drop(failure(way, 'too-large', text, { status }));
  };
  if (Number(header('content-length')) > maxBytes) return tooLarge();
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBytes) return tooLarge();
    if (request.onBody === undefined) pieces.push(piece);
    else if (!(await request.onBody(piece))) break;
  }
  return { ok: true, status, body: Buffer.concat(pieces), json, retryAfterMs: undefined };
}

async function errorAnswer(response: Dispatcher.ResponseData, json: boolean, wait: number | undefined): Promise<HttpAnswer> {
  const { statusCode: status, body } = response;
  const pieces: Buffer[] = [];
  let length = 0;
  // Read even when it is of no use: a connection whose answer was read can be used again.
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_ERROR_BYTES) break;
    if (json) pieces.push(piece);
  }
  const complete = json && length <= MAX_ERROR_BYTES;
  return { ok: true, status, body: complete ? Buffer.concat(pieces) : Buffer.alloc(0), json: complete, retryAfterMs: wait };
}
