import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzip } from 'node:zlib';
import { ConnectionDropped } from '../faults.ts';
import { LazyAbort } from './lazy-abort.ts';
import type { ApiHandler, ApiRequest, ApiResponse, ApiSink } from '../types.ts';

export interface ListenOptions {
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  /** Epoch milliseconds for the Date header: clients on another clock go by it. Default: Node's own. */
  readonly now?: () => number;
}

export interface Listener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Answers below this size are not worth compressing, as upstream. */
const gzipFromBytes = 128 * 1024;
const keepAliveMs = 120_000;

/** Serves the handler over HTTP on loopback. */
export async function listen(handle: ApiHandler, options: ListenOptions = {}): Promise<Listener> {
  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, (message, response) => {
    if (options.now !== undefined) response.setHeader('date', new Date(options.now()).toUTCString());
    void serve(handle, message, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(handle: ApiHandler, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new LazyAbort();
  response.on('close', () => gone.abort());
  response.on('error', () => gone.abort());
  try {
    const request = await readRequest(message, gone);
    await send(response, await handle(request), request);
  } catch (thrown) {
    // A fault that drops the connection, or a client that went away while it was sending.
    if (!(thrown instanceof ConnectionDropped) && !gone.aborted && !response.headersSent) {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    response.destroy();
  }
}

async function readRequest(message: IncomingMessage, gone: LazyAbort): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const [path, query] = splitTarget(message.url ?? '/');
  return {
    method: message.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers: headersOf(message),
    body: chunks.length === 0 ? undefined : Buffer.concat(chunks),
    get signal() {
      return gone.signal;
    },
  };
}

export function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

/** Repeated headers joined; Impersonate-Group may stand more than once. */
function headersOf(message: IncomingMessage): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  const given: IncomingHttpHeaders = message.headers;
  for (const [name, value] of Object.entries(given)) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return headers;
}

async function send(response: ServerResponse, answer: ApiResponse, request: ApiRequest): Promise<void> {
  if ('start' in answer) {
    stream(response, answer);
    return;
  }
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const zipped = body.length >= gzipFromBytes && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? await zip(body) : undefined;
  const bytes = zipped ?? body;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(zipped === undefined ? {} : { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }),
    'content-length': bytes.length,
    'cache-control': 'no-cache, private',
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function zip(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, { level: 1 }, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

function stream(response: ServerResponse, answer: Extract<ApiResponse, { readonly start: unknown }>): void {
  response.writeHead(answer.status, { ...answer.headers, 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  const sink: ApiSink = {
    write: (chunk) => {
      if (!response.destroyed) response.write(chunk);
    },
    end: () => response.end(),
    destroy: () => response.destroy(),
    pendingBytes: () => response.writableLength,
  };
  const stop = answer.start(sink);
  response.on('close', stop);
  if (response.closed) stop();
}
