import { ConcertinaError, isConcertinaError } from '../errors.ts';
import type { HttpMethod, Status } from './api.ts';

/** The API server understood the request and said no. `message` is the server's own sentence with code, reason and request. */
export class ApiStatusError extends ConcertinaError {
  readonly status: Status;
  /** What the server asked for in `Retry-After`; undefined when it did not. */
  readonly retryAfterMs: number | undefined;

  constructor(status: Status, request?: { readonly method: HttpMethod; readonly path: string }, retryAfterMs?: number) {
    const path = request?.path.split('?', 1)[0];
    const where = request === undefined ? '' : `, ${request.method} ${path}`;
    super('API_STATUS', `${status.message} (${status.code} ${status.reason}${where})`, {
      details: { code: status.code, reason: status.reason, ...(request && { method: request.method, path }) },
    });
    this.name = 'ApiStatusError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The Status of a thrown value, also when it is the cause of a `CREDENTIALS_EXPIRED`. */
function statusOf(thrown: unknown): Status | undefined {
  if (thrown instanceof ApiStatusError) return thrown.status;
  if (isConcertinaError(thrown) && thrown.cause instanceof ApiStatusError) return thrown.cause.status;
  return undefined;
}

/** 404: the object, or the whole API group, is not there. */
export function isNotFound(thrown: unknown): boolean {
  return statusOf(thrown)?.code === 404;
}

/** 409 `Conflict`: somebody else wrote first, or a precondition does not hold. Read again and decide again. */
export function isConflict(thrown: unknown): boolean {
  const status = statusOf(thrown);
  return status?.code === 409 && status.reason !== 'AlreadyExists';
}

/** 409 `AlreadyExists`. */
export function isAlreadyExists(thrown: unknown): boolean {
  const status = statusOf(thrown);
  return status?.code === 409 && status.reason === 'AlreadyExists';
}

/** 410 `Gone` or `Expired`: the resourceVersion or continue token is too old; list again. */
export function isGone(thrown: unknown): boolean {
  return statusOf(thrown)?.code === 410;
}

/** 429: of an eviction it is the refusal of a PodDisruptionBudget, of anything else overload. */
export function isTooManyRequests(thrown: unknown): boolean {
  return statusOf(thrown)?.code === 429;
}

/** 403: RBAC, a webhook or an admission plugin refused. */
export function isForbidden(thrown: unknown): boolean {
  return statusOf(thrown)?.code === 403;
}

/** 422 `Invalid`: the object failed validation; `status.details.causes` names the fields. */
export function isInvalid(thrown: unknown): boolean {
  return statusOf(thrown)?.code === 422;
}

/** 401, also after the credentials were refreshed in vain. */
export function isUnauthorized(thrown: unknown): boolean {
  return statusOf(thrown)?.code === 401;
}

/** 503 or 500 with a timeout: the server, or the backend of an aggregated API, cannot answer now. */
export function isUnavailable(thrown: unknown): boolean {
  const code = statusOf(thrown)?.code;
  return code === 502 || code === 503 || code === 504;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * The error for an answer with a status of 400 or more. A `Status` object and the plain-text answers of the API server's own filters
 * (`404 page not found` of an unknown group, the aggregator's 503) become {@link ApiStatusError}; anything else came from something
 * between us and the API server.
 */
export function errorFromAnswer(answer: Answer, request: { readonly method: HttpMethod; readonly path: string }): ConcertinaError {
  const retryAfterMs = retryAfterOf(answer.headers);
  const status = statusFromBody(answer);
  if (status !== undefined) return new ApiStatusError(status, request, retryAfterMs);
  return answerInvalid(answer, request);
}

/** `API_ANSWER_INVALID` for an answer that is not what the path promises; tells its kind and size, never its text. */
export function answerInvalid(answer: Answer, request: { readonly method: HttpMethod; readonly path: string }): ConcertinaError {
  const path = request.path.split('?', 1)[0];
  const kind = classify(answer);
  return new ConcertinaError(
    'API_ANSWER_INVALID',
    `${request.method} ${path} was answered with status ${answer.status} and ${kind} instead of JSON; is there a proxy in between?`,
    { details: { method: request.method, path, status: answer.status, kind } },
  );
}

/** Milliseconds of a `Retry-After` header in seconds; the date form is not used by Kubernetes and is ignored. */
export function retryAfterOf(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined || !/^\d{1,6}$/.test(text.trim())) return undefined;
  return Number(text.trim()) * 1000;
}

/** Reads a parsed `metav1.Status`; undefined when it is not one. */
export function readStatus(value: unknown, fallbackCode: number): Status | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const raw = value as { kind?: unknown; code?: unknown; reason?: unknown; message?: unknown; details?: unknown };
  if (raw.kind !== 'Status') return undefined;
  const code = typeof raw.code === 'number' && raw.code > 0 ? raw.code : fallbackCode;
  const reason = typeof raw.reason === 'string' && raw.reason !== '' ? raw.reason : (reasons[code] ?? 'Unknown');
  const message = typeof raw.message === 'string' && raw.message !== '' ? raw.message : `the API server answered ${code}`;
  const details = typeof raw.details === 'object' && raw.details !== null ? (raw.details as NonNullable<Status['details']>) : undefined;
  return details === undefined ? { code, reason, message } : { code, reason, message, details };
}

function statusFromBody(answer: Answer): Status | undefined {
  const text = answer.body.subarray(0, 1).toString('latin1');
  if (text === '{') {
    try {
      return readStatus(JSON.parse(answer.body.toString('utf8')), answer.status);
    } catch {
      return undefined;
    }
  }
  if (!(answer.headers['content-type'] ?? 'text/plain').startsWith('text/plain')) return undefined;
  const line = firstLine(answer.body);
  if (line.startsWith('<')) return undefined;
  const reason = reasons[answer.status] ?? 'Unknown';
  return { code: answer.status, reason, message: line === '' ? `the API server answered ${answer.status} without a text` : line };
}

/** The first line of a short text, at most 200 characters, without control characters. */
function firstLine(body: Buffer): string {
  const text = body.subarray(0, 800).toString('utf8').trimStart().split(/\r?\n/, 1)[0] ?? '';
  return text
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 200);
}

function classify(answer: Answer): string {
  const type = (answer.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const head = answer.body.subarray(0, 200).toString('latin1').trimStart().toLowerCase();
  if (answer.body.length === 0) return 'an empty body';
  if (type === 'text/html' || head.startsWith('<!doctype html') || head.startsWith('<html')) {
    return `an HTML page of ${answer.body.length} bytes`;
  }
  if (head.startsWith('{') || head.startsWith('[')) return `JSON that is broken or of another kind (${answer.body.length} bytes)`;
  return `${answer.body.length} bytes of ${/^[\w.+/-]{1,60}$/.test(type) ? type : 'unknown type'}`;
}
