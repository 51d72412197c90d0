import { isConcertinaError } from '../../../core/errors.ts';
import type { KubeClient, RawResponse } from '../../../core/kube/api.ts';
import { answerInvalid, readStatus, retryAfterOf } from '../../../core/kube/status-error.ts';
import type { SourceFailure } from '../source.ts';

/** The values of about 18,000 pods. Twice as much in one piece would hold the event loop up for longer than 50 ms. */
export const defaultMaxBytes = 4 * 1024 * 1024;

/** One GET of a JSON object. */
export interface DocumentRequest {
  readonly client: KubeClient;
  /** Absolute path with query, encoded. */
  readonly path: string;
  readonly timeoutMs: number;
  /** A larger answer is not parsed, bytes. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Who is asked, for sentences: `custom.metrics.k8s.io`. */
  readonly api: string;
  /** What is asked for, for sentences: `metric "qps" of services "shop/web"`. */
  readonly subject: string;
  /** What must be granted when the answer is 403. */
  readonly permission: string;
}

export type DocumentAnswer =
  | { readonly kind: 'document'; readonly document: Readonly<Record<string, unknown>> }
  /** Nobody serves the path: the API group, its version or the whole server is not there. */
  | { readonly kind: 'not-served' }
  /** The server knows the path and says 404 about what it names. */
  | { readonly kind: 'not-found' }
  | { readonly kind: 'failure'; readonly failure: SourceFailure };

/** What an API server says in a Status about a path that it has no handler for. */
const noSuchResource = 'the server could not find the requested resource';
/** Connections that broke under way, where a second try may well succeed. */
const broken = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Reads one JSON object; rejects only when the signal aborts. Texts of the answer never get into a sentence: an adapter may repeat secrets of its back end. */
export async function getDocument(request: DocumentRequest): Promise<DocumentAnswer> {
  const { client, path, timeoutMs, signal } = request;
  let response: RawResponse;
  try {
    // Retries are the runner's: two layers of them would multiply the load on a source in trouble.
    response = await client.raw({ method: 'GET', path, timeoutMs, signal, retries: 0, maxBytes: request.maxBytes });
  } catch (thrown) {
    signal?.throwIfAborted();
    if (isConcertinaError(thrown, 'API_ANSWER_INVALID') && thrown.details['reason'] === 'too-large') return failed(tooLarge(request));
    return failed(unanswered(thrown, request));
  }
  if (response.status === 200) return parsed(response, request);
  if (response.status === 404) return notFound(response, request);
  return failed(refusedWith(response, request));
}

function failed(failure: SourceFailure): DocumentAnswer {
  return { kind: 'failure', failure };
}

function tooLarge({ api, subject, maxBytes }: DocumentRequest): SourceFailure {
  const detail = `${api} answered more than ${maxBytes} bytes for ${subject}: narrow the selector`;
  return { ok: false, reason: 'refused', detail };
}

function parsed(response: RawResponse, request: DocumentRequest): DocumentAnswer {
  const { body } = response;
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch {
    return failed(notJson(response, request));
  }
  if (!isRecord(document)) return failed(notJson(response, request));
  return { kind: 'document', document };
}

function notJson(response: RawResponse, { api, path }: DocumentRequest): SourceFailure {
  return { ok: false, reason: 'invalid', detail: `${api}: ${answerInvalid(response, { method: 'GET', path }).message}` };
}

function notFound(response: RawResponse, request: DocumentRequest): DocumentAnswer {
  const status = statusOf(response);
  if (status !== undefined) return { kind: status.message === noSuchResource ? 'not-served' : 'not-found' };
  // The API server and go-restful each have a plain text of their own.
  const text = response.body.subarray(0, 64).toString('latin1');
  return /^404:? page not found/i.test(text) ? { kind: 'not-served' } : failed(notJson(response, request));
}

function statusOf(response: RawResponse): ReturnType<typeof readStatus> {
  try {
    return readStatus(JSON.parse(response.body.toString('utf8')), response.status);
  } catch {
    return undefined;
  }
}

function refusedWith(response: RawResponse, request: DocumentRequest): SourceFailure {
  const { api, subject, permission } = request;
  const { status } = response;
  if (status === 403) return { ok: false, reason: 'refused', detail: `${api} may not be asked for ${subject} (403): grant ${permission}` };
  if (status === 400 || status === 422) {
    return { ok: false, reason: 'refused', detail: `${api} does not accept the question for ${subject} (${status}): check its selectors` };
  }
  if (status === 408 || status === 429 || status >= 500) return unavailable(response, request);
  return { ok: false, reason: 'invalid', detail: `${api} answered ${status} for ${subject}: is there a proxy in between?` };
}

function unavailable({ status, headers }: RawResponse, { api, subject }: DocumentRequest): SourceFailure {
  const retryAfterMs = retryAfterOf(headers);
  const wait = retryAfterMs === undefined ? '' : ` and asks to wait ${retryAfterMs / 1000} s`;
  const detail = `${api} answered ${status} for ${subject}${wait}`;
  // A server that says when to come back, or that there are too many questions, is not asked again at once.
  const transient = retryAfterMs === undefined && status >= 500;
  return { ok: false, reason: 'source-unavailable', detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), transient };
}

function unanswered(thrown: unknown, { api, subject }: DocumentRequest): SourceFailure {
  const why = isConcertinaError(thrown) ? thrown.message : 'the request failed';
  // A time-out is not: a server that is slow only becomes slower by being asked again.
  const transient = isConcertinaError(thrown, 'API_UNREACHABLE') && broken.has(String(thrown.details['reason']));
  return { ok: false, reason: 'source-unavailable', detail: `${api} did not answer for ${subject}: ${why}`, transient };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
