import { ConcertinaError, isConcertinaError, messageOf } from '../errors.ts';
import { sleep, type Clock, type Random } from '../model/clock.ts';
import type { Fence, HttpMethod, Impersonation, RawRequest } from './api.ts';
import { fullJitter } from './backoff.ts';
import type { Connection, RequestHeaders } from './connection.ts';
import { describePath } from './paths.ts';
import type { RateLimiter } from './rate-limit.ts';
import { errorFromAnswer, retryAfterOf } from './status-error.ts';
import { exchange, isBrokenConnection, openStream, type WireAnswer, type WireRequest, type WireStream } from './transport.ts';

/** How one attempt at a request ended; what request metrics are made of. */
export interface RequestOutcome {
  readonly method: HttpMethod;
  readonly path: string;
  /** HTTP status, or 0 when there was no answer (unreachable, fenced, aborted). */
  readonly status: number;
  readonly durationMs: number;
  /** What was thrown when `status` is 0. */
  readonly error?: unknown;
}

/** A wait before another attempt. */
export interface RetryNotice {
  readonly method: HttpMethod;
  readonly path: string;
  readonly status: number;
  readonly attempt: number;
  readonly delayMs: number;
}

/** What all clients of one connection share, and what a derived client (impersonating, fenced) changes. */
export interface ClientContext {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly userAgent: string;
  readonly limiter: RateLimiter | undefined;
  readonly fences: readonly Fence[];
  readonly identity: Impersonation | undefined;
  readonly observer: ((outcome: RequestOutcome) => void) | undefined;
  readonly onRetry: ((notice: RetryNotice) => void) | undefined;
}

const defaultTimeoutMs = 30_000;
const maxRetries = 3;
const retryBackoff = { baseMs: 500, capMs: 5_000 };

/**
 * Sends a request through rate limit, credentials, fences and retries, and answers whatever the server said at last.
 *
 * Reads are retried on 429 and 503 (after `Retry-After`, else with full jitter) and once on a broken connection. Writes are retried only
 * on a 429 with `Retry-After`, where the server says that it did nothing; never an eviction, whose 429 is a PodDisruptionBudget's.
 * Throws `CREDENTIALS_EXPIRED` when a 401 stands after one refresh, `FENCED`, `API_UNREACHABLE`, or the signal's reason.
 */
export async function sendRequest(context: ClientContext, request: RawRequest): Promise<WireAnswer> {
  const { clock } = context;
  let deadline: number | undefined;
  let refreshed = false;
  let reconnected = request.method !== 'GET';
  for (let retries = 0; ;) {
    await context.limiter?.take(request.signal);
    // The limit is on the server's time, not on the wait for our own rate limit.
    deadline ??= clock.monotonic() + (request.timeoutMs ?? defaultTimeoutMs);
    const credentials = await context.connection.headers();
    const wire = { ...wireRequest(context, request, credentials), timeoutMs: deadline - clock.monotonic(), maxBytes: request.maxBytes };
    const answer = await attempt(context, request, wire).catch((thrown: unknown) => {
      if (reconnected || !isBrokenConnection(thrown)) throw thrown;
      reconnected = true;
      return undefined;
    });
    if (answer === undefined) continue;
    if (answer.status === 401) {
      await renewCredentials(context, { request, answer, credentials, again: refreshed });
      refreshed = true;
      continue;
    }
    const delayMs = retries < (request.retries ?? maxRetries) ? retryDelay(context, request, answer, retries) : undefined;
    if (delayMs === undefined || clock.monotonic() + delayMs >= deadline) return answer;
    retries += 1;
    context.onRetry?.({ method: request.method, path: request.path, status: answer.status, attempt: retries, delayMs });
    await sleep(clock, delayMs, request.signal);
    request.signal?.throwIfAborted();
  }
}

/** Opens a streaming read. No retries, except one after refreshed credentials; a failure status is thrown with its body read. */
export async function openRead(context: ClientContext, request: RawRequest): Promise<WireStream> {
  for (let refreshed = false; ; refreshed = true) {
    await context.limiter?.take(request.signal);
    const credentials = await context.connection.headers();
    const wire = wireRequest(context, request, credentials);
    const stream = await observed(context, request, () => openStream(context.connection, wire));
    if (stream.status < 400) return stream;
    const body = await readBounded(stream.body);
    const answer = { status: stream.status, headers: stream.headers, body };
    if (stream.status !== 401) throw errorFromAnswer(answer, request);
    await renewCredentials(context, { request, answer, credentials, again: refreshed });
  }
}

function attempt(context: ClientContext, request: RawRequest, wire: WireRequest): Promise<WireAnswer> {
  return observed(context, request, () => {
    wire.guard?.();
    return exchange(context.connection, context.clock, wire);
  });
}

function wireRequest(context: ClientContext, request: RawRequest, credentials: RequestHeaders): WireRequest {
  const headers: Record<string, string | string[]> = {
    accept: request.accept ?? 'application/json',
    'user-agent': context.userAgent,
    ...credentials,
    ...identityHeaders(context.identity),
  };
  if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
  const { method, path, body, signal } = request;
  const guard = !isMutating(request) || context.fences.length === 0 ? undefined : () => checkFences(context.fences, { method, path });
  return { method, path, headers, body, signal, guard };
}

/** Everything but reads and reviews: a review (`create` of a question about rights or a token) stores nothing and is asked in dry runs too. */
function isMutating({ method, path }: RawRequest): boolean {
  if (method === 'GET') return false;
  const { group, resource } = describePath(path);
  const review = (group === 'authorization.k8s.io' || group === 'authentication.k8s.io') && resource.endsWith('reviews');
  return !(method === 'POST' && review);
}

function checkFences(fences: readonly Fence[], request: { readonly method: HttpMethod; readonly path: string }): void {
  for (const fence of fences) fence.check(request);
}

function identityHeaders(identity: Impersonation | undefined): RequestHeaders {
  if (identity === undefined) return {};
  const user = { 'Impersonate-User': identity.user };
  return identity.groups === undefined || identity.groups.length === 0 ? user : { ...user, 'Impersonate-Group': [...identity.groups] };
}

async function observed<T extends { readonly status: number }>(
  context: ClientContext,
  request: RawRequest,
  run: () => Promise<T>,
): Promise<T> {
  const startedAt = context.clock.monotonic();
  const { method, path } = request;
  const report = (status: number, error?: unknown): void => {
    const durationMs = context.clock.monotonic() - startedAt;
    context.observer?.(error === undefined ? { method, path, status, durationMs } : { method, path, status, durationMs, error });
  };
  try {
    const answer = await run();
    report(answer.status);
    return answer;
  } catch (thrown) {
    report(0, thrown);
    throw thrown;
  }
}

interface Refusal {
  readonly request: RawRequest;
  readonly answer: WireAnswer;
  /** What the request was sent with. */
  readonly credentials: RequestHeaders;
  /** It is the second refusal. */
  readonly again: boolean;
}

async function renewCredentials(context: ClientContext, { request, answer, credentials, again }: Refusal): Promise<void> {
  const refused = new ConcertinaError(
    'CREDENTIALS_EXPIRED',
    `${context.connection.server} refused the credentials (401 for ${request.method} ${request.path.split('?', 1)[0]})`,
    { cause: errorFromAnswer(answer, request), details: { server: context.connection.server } },
  );
  if (again || context.connection.refresh === undefined) throw refused;
  // Of many requests that were refused together the first one refreshes for all.
  if (JSON.stringify(await context.connection.headers()) !== JSON.stringify(credentials)) return;
  try {
    await context.connection.refresh();
  } catch (thrown) {
    if (isConcertinaError(thrown, 'CREDENTIALS_EXPIRED')) throw thrown;
    throw new ConcertinaError('CREDENTIALS_EXPIRED', `${refused.message} and new ones cannot be had: ${messageOf(thrown)}`, {
      cause: refused.cause,
    });
  }
}

function retryDelay(context: ClientContext, request: RawRequest, answer: WireAnswer, retries: number): number | undefined {
  const overloaded = answer.status === 429;
  if (!overloaded && answer.status !== 503) return undefined;
  const asked = retryAfterOf(answer.headers);
  if (request.method === 'GET') return asked ?? fullJitter({ ...retryBackoff, random: context.random }, retries);
  if (!overloaded || asked === undefined || isEviction(request.path)) return undefined;
  return asked;
}

function isEviction(path: string): boolean {
  return (path.split('?', 1)[0] ?? '').endsWith('/eviction');
}

/** An error's body is a Status of a few hundred bytes; what is larger is cut. */
async function readBounded(body: WireStream['body'], limit = 64 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) break;
    }
  } catch {
    // The status line is what counts; a body that breaks off only makes the message poorer.
  }
  return Buffer.concat(chunks);
}
