import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterExpositions } from './cluster-expositions.ts';

export interface ExpositionListener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the texts for a real Prometheus to scrape: `/cadvisor/<node>`, `/app`, `/kube-state-metrics`. */
export async function serveExpositions(
  expositions: ClusterExpositions,
  options: { readonly port?: number; readonly host?: string } = {},
): Promise<ExpositionListener> {
  const { port = 0, host = '127.0.0.1' } = options;
  const server = createServer((request, response) => answer(expositions, request, response));
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

function answer(expositions: ClusterExpositions, request: IncomingMessage, response: ServerResponse): void {
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const make = textOf(expositions, path);
  if (make === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('Served are /cadvisor/<node>, /app and /kube-state-metrics.\n');
    return;
  }
  let text: string;
  try {
    text = make();
  } catch {
    // A machine that is off answers nothing at all.
    request.socket.destroy();
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  response.end(text);
}

function textOf(expositions: ClusterExpositions, path: string): (() => string) | undefined {
  if (path === '/app') return () => expositions.application();
  if (path === '/kube-state-metrics') return () => expositions.kubeStateMetrics();
  const [, segment] = /^\/cadvisor\/([^/]+)$/.exec(path) ?? [];
  if (segment === undefined) return undefined;
  const node = decodeURIComponent(segment);
  return expositions.nodes().includes(node) ? () => expositions.cadvisor(node) : undefined;
}
