import type { AwsRequest, AwsRequestHandler, AwsResponse, SdkRequest } from './types.ts';

/** A request handler for clients of the SDK that calls `handle` instead of a socket. It needs nothing of the SDK itself. */
export function createSdkRequestHandler(handle: (request: AwsRequest) => Promise<AwsResponse>): AwsRequestHandler {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request, options) => {
      const signal = options?.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
      const { status, headers, body } = await orAborted(handle(plainRequest(request)), signal);
      return { response: { statusCode: status, headers: { ...headers }, body: new TextEncoder().encode(body) } };
    },
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function plainRequest({ method, path, query, headers, body }: SdkRequest): AwsRequest {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const each of Array.isArray(value) ? value : [value ?? '']) search.append(name, String(each));
  }
  return {
    method,
    target: search.size === 0 ? path : `${path}?${search.toString()}`,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: textOf(body),
  };
}

function textOf(body: unknown): string {
  if (body === undefined || body === null) return '';
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  throw new TypeError('the body of a query request is text: nothing of these two services streams');
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(Object.assign(new Error('Request aborted'), { name: 'AbortError' }));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
