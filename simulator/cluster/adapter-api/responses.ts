import type { Clock } from '../../../core/model/clock.ts';
import type { ApiResponse } from '../api-server/types.ts';

/** An answer before faults are put on it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function ok(document: object): Answer {
  return json(200, document);
}

/** The texts of custom-metrics-apiserver v1.36. */
export function metricNotFound(metric: string, subject: string): Answer {
  return failure(404, 'NotFound', `the server could not find the metric ${metric} for ${subject}`);
}

export function noSuchResource(): Answer {
  return failure(404, 'NotFound', 'the server could not find the requested resource');
}

export function badRequest(message: string): Answer {
  return failure(400, 'BadRequest', message);
}

export function methodNotAllowed(): Answer {
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

/** An error that is no Status of its own gets no reason. */
export function internalError(message: string): Answer {
  return failure(500, undefined, message);
}

export function unavailable(): Answer {
  return failure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
}

export function tooManyRequests(retryAfterSeconds: number): Answer {
  const answer = failure(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds });
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterSeconds) } };
}

export function notServed(): Answer {
  return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' };
}

export function signInPage(): Answer {
  return { status: 200, headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html><body>Sign in</body></html>\n' };
}

/** The same document, longer: white space behind it is still JSON. */
export function padded(answer: Answer, bytes: number): Answer {
  return bytes === 0 ? answer : { ...answer, body: answer.body + ' '.repeat(bytes) };
}

/** The headers come at once and the body later: so nothing waits in the server for a clock that waits for the server. */
export function delayed({ status, headers, body }: Answer, clock: Clock, ms: number): ApiResponse {
  if (ms === 0) return { status, headers, body };
  return {
    status,
    headers,
    start: (sink) => {
      const timer = clock.setTimeout(() => {
        sink.write(body);
        sink.end();
      }, ms);
      return () => timer.cancel();
    },
  };
}

function failure(code: number, reason: string | undefined, message: string, details?: object): Answer {
  return json(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason !== undefined && { reason }),
    ...(details && { details }),
    code,
  });
}

function json(status: number, document: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) };
}
