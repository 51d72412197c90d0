import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { LazyAbort } from '../../api-server/http/lazy-abort.ts';
import { splitTarget } from '../../api-server/http/node-server.ts';
import type { ApiHandler, ApiResponse } from '../../api-server/types.ts';
import type { PrometheusListener } from '../types.ts';
import { formOf } from './parameters.ts';

export interface ListenOptions {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** Epoch milliseconds for the Date header. */
  readonly now: () => number;
}

/** Serves the handler over HTTP. */
export async function listen(handle: ApiHandler, { port = 0, host = '127.0.0.1', now }: ListenOptions): Promise<PrometheusListener> {
  const server = createServer((message, response) => {
    response.setHeader('date', new Date(now()).toUTCString());
    void serve(handle, message, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host}:${bound}`,
    port: bound,
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
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const [path, query] = splitTarget(message.url ?? '/');
    const answer = await handle({
      method: message.method ?? 'GET',
      path,
      query: formOf(query),
      headers: Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
      ),
      body: chunks.length === 0 ? undefined : Buffer.concat(chunks),
      get signal() {
        return gone.signal;
      },
    });
    if (!response.destroyed) send(response, answer, message);
  } catch (thrown) {
    if (gone.aborted || response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function send(response: ServerResponse, answer: ApiResponse, message: IncomingMessage): void {
  if ('start' in answer) {
    response.writeHead(answer.status, answer.headers ?? {});
    const stop = answer.start({
      write: (chunk) => {
        if (!response.destroyed) response.write(chunk);
      },
      end: () => response.end(),
      destroy: () => response.destroy(),
    });
    response.on('close', stop);
    return;
  }
  // The real server compresses whatever it answers, however short.
  const zips = /\bgzip\b/.test(String(message.headers['accept-encoding'] ?? '')) && answer.body.length > 0;
  const body = zips ? gzipSync(answer.body, { level: 1 }) : answer.body;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(zips ? { 'content-encoding': 'gzip' } : {}),
    ...(answer.status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
  });
  response.end(message.method === 'HEAD' ? undefined : body);
}
