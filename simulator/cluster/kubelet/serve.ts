import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { KubeletFleet } from './types.ts';

export interface ServeKubeletsOptions {
  /** 0 picks a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** PEM; plain HTTP without. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** Whether the nodes announce this server in their status and annotation; default true. */
  readonly advertise?: boolean;
}

/** One server for the numbers of all nodes: `/<node>/metrics/resource`. Anybody may read; it holds nothing but simulated numbers. */
export async function serveKubelets(
  fleet: KubeletFleet,
  options: ServeKubeletsOptions = {},
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const host = options.host ?? '127.0.0.1';
  const listener = (request: IncomingMessage, response: ServerResponse): void => answer(fleet, request, response);
  const server = options.tls === undefined ? createHttpServer(listener) : createHttpsServer({ ...options.tls }, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  if (options.advertise !== false) fleet.setEndpoint({ port, address: host });
  return {
    port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(fleet: KubeletFleet, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path === '/healthz') return send(response, 200, 'ok');
  const match = /^\/([^/]+)\/metrics\/resource$/.exec(path);
  const name = match?.[1] === undefined ? undefined : decodeURIComponent(match[1]);
  if (name === undefined || !fleet.hasNode(name)) {
    return send(response, 404, 'This is a simulated kubelet: it serves /<node>/metrics/resource only.\n');
  }
  let text: string;
  try {
    text = fleet.resourceMetrics(name);
  } catch {
    // A machine that is off answers nothing at all.
    request.socket.destroy();
    return;
  }
  const gzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
  if (gzip) response.setHeader('content-encoding', 'gzip');
  response.end(gzip ? gzipSync(text, { level: 1 }) : text);
}

function send(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(text);
}
