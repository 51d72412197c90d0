import type { ApiRequest, ApiResponse } from '../../api-server/types.ts';
import type { AnswerFault } from '../faults.ts';
import type { HandlerContext } from './handler.ts';
import { failure } from './results.ts';

const tooManySamples = 'query processing would load too many samples into memory in query execution';

const errorTypes: Readonly<Record<number, string>> = {
  400: 'bad_data',
  404: 'not_found',
  422: 'execution',
  429: 'too_many_requests',
  503: 'unavailable',
};

/** The answer that stands in for the true one. */
export function alteredAnswer(fault: Exclude<AnswerFault, { kind: 'cut-off' } | { kind: 'hang' }>): ApiResponse {
  switch (fault.kind) {
    case 'status': {
      const { code, errorType = errorTypes[code] ?? 'internal', error = `injected fault: HTTP ${code}`, retryAfterSeconds } = fault;
      const retry: Readonly<Record<string, string>> = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return { status: code, headers: { 'content-type': 'application/json', ...retry }, body: failure(errorType, error) };
    }
    case 'too-many-samples':
      return { status: 422, headers: { 'content-type': 'application/json' }, body: failure('execution', tooManySamples) };
    case 'html':
      return { status: fault.code ?? 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: htmlPage };
    case 'redirect':
      return { status: 302, headers: { location: fault.location, 'content-type': 'text/html; charset=utf-8' }, body: '<a>Found</a>.\n' };
    case 'huge':
      return hugeAnswer(fault.bytes);
  }
}

const htmlPage = '<!doctype html>\n<html><head><title>Sign in</title></head><body><h1>Please sign in to continue</h1></body></html>\n';
const pieceBytes = 64 * 1024;

/** A true envelope that is stretched by a metric's label; it comes in pieces, so that nobody needs to hold it whole. */
function hugeAnswer(bytes: number): ApiResponse {
  const head = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"padding":"';
  const tail = '"},"value":[0,"1"]}]}}';
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    start: (sink) => {
      let open = true;
      sink.write(head);
      for (let left = bytes; open && left > 0; left -= pieceBytes) sink.write('x'.repeat(Math.min(left, pieceBytes)));
      if (open) {
        sink.write(tail);
        sink.end();
      }
      return () => {
        open = false;
      };
    },
  };
}

/** A connection that ends in the middle of the answer. */
export function brokenOff(body: string, afterBytes = Math.floor(body.length / 2)): ApiResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    start: (sink) => {
      sink.write(body.slice(0, afterBytes));
      // In a turn of its own, so that what was written still arrives.
      const soon = setImmediate(() => sink.destroy());
      return () => clearImmediate(soon);
    },
  };
}

/** Waits until the client has gone; the clock may pass meanwhile. */
export async function neverAnswers({ activity }: HandlerContext, request: ApiRequest): Promise<ApiResponse> {
  await activity.park(
    () =>
      new Promise<void>((resolve) => {
        if (request.signal.aborted) resolve();
        else request.signal.addEventListener('abort', () => resolve(), { once: true });
      }),
  );
  return { status: 503, body: '' };
}
