import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { HealthCheck } from './health.ts';
import { renderChecks, runChecks } from './health.ts';
import type { Logger } from './logging.ts';

export interface RouteRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Values of the `:name` segments, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** For answers that stream (server-sent events): whoever writes here answers `undefined`. */
  readonly response: ServerResponse;
}

export interface RouteResponse {
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export type RouteHandler = (request: RouteRequest) => Promise<RouteResponse | undefined> | RouteResponse | undefined;

export interface HttpServerOptions {
  /** Address to listen on; default 0.0.0.0. */
  readonly host?: string;
  /** 0 takes a free port, which `listen` answers. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Text of `/metrics`; 404 without. */
  readonly metrics?: { render(): Promise<string>; readonly contentType?: string };
}

/** Health, readiness, metrics and whatever else a program shows over HTTP. Read-only routes: no request body is read. */
export interface HttpServer {
  /** `path` may hold `:name` segments and end in `/*`. HEAD is answered by GET's handler. */
  route(method: 'GET', path: string, handler: RouteHandler): void;
  /** A check of `/healthz` and `/livez`: failing means "restart me". */
  addLiveness(name: string, check: HealthCheck): void;
  /** A check of `/readyz`: failing means "send nothing here". */
  addReadiness(name: string, check: HealthCheck): void;
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Stops listening and closes idle connections; others after `graceMs` (default 1000). */
  close(graceMs?: number): Promise<void>;
}

interface Route {
  readonly segments: readonly string[];
  readonly handler: RouteHandler;
}

const plain = 'text/plain; charset=utf-8';

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const routes: Route[] = [];
  const liveness = new Map<string, HealthCheck>([['ping', () => undefined]]);
  const readiness = new Map<string, HealthCheck>([['ping', () => undefined]]);
  const { clock, logger, metrics } = options;

  const route = (_method: 'GET', path: string, handler: RouteHandler): void => {
    routes.push({ segments: path.split('/').slice(1), handler });
  };
  for (const [path, checks] of [
    ['healthz', liveness],
    ['livez', liveness],
    ['readyz', readiness],
  ] as const) {
    route('GET', `/${path}`, ({ query }) => answerChecks(path, checks, query));
    route('GET', `/${path}/:check`, ({ params, query }) => {
      const name = params['check'] ?? '';
      const check = checks.get(name);
      return check === undefined ? notFound(`${path}/${name}`) : answerChecks(path, new Map([[name, check]]), query);
    });
  }
  if (metrics !== undefined) {
    route('GET', '/metrics', async () => ({
      contentType: metrics.contentType ?? 'text/plain; version=0.0.4; charset=utf-8',
      body: await metrics.render(),
    }));
  }

  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      logger.error('a request could not be answered', { path: request.url, error: messageOf(error) });
      if (response.headersSent) response.destroy();
      else send(response, { status: 500, body: 'internal error: see the log of this program\n' }, false);
    });
  });
  // Probes and scrapes are small; nobody may hold a connection open by sending slowly.
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'http://local');
    const found = match(routes, url.pathname);
    if (found === undefined) {
      send(response, notFound(url.pathname), method === 'HEAD');
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') {
      send(response, { status: 405, headers: { allow: 'GET, HEAD' }, body: `${method} is not allowed here: use GET\n` }, false);
      return;
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const { headers } = request;
    const result = await found.handler({
      method,
      path: url.pathname,
      query: url.searchParams,
      params: found.params,
      headers,
      signal: gone.signal,
      response,
    });
    if (result !== undefined) send(response, result, method === 'HEAD');
  }

  return {
    route,
    addLiveness: (name, check) => liveness.set(name, check),
    addReadiness: (name, check) => readiness.set(name, check),
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host ?? '0.0.0.0', () => {
          server.off('error', reject);
          const address = server.address();
          if (address === null || typeof address === 'string') reject(new Error(`the server has no port: ${String(address)}`));
          else resolve({ host: address.address, port: address.port });
        });
      }),
    close: (graceMs = 1000) =>
      new Promise((resolve) => {
        const timer = clock.setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          timer.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

async function answerChecks(path: string, checks: ReadonlyMap<string, HealthCheck>, query: URLSearchParams): Promise<RouteResponse> {
  const results = await runChecks(checks, new Set(query.getAll('exclude')));
  const healthy = results.every((result) => result.problem === undefined);
  // As the API server's endpoints: a bare "ok", or every check when asked for or when one fails.
  const body = healthy && !query.has('verbose') ? 'ok' : renderChecks(path, results);
  return { status: healthy ? 200 : 503, headers: { 'cache-control': 'no-store' }, body };
}

function notFound(path: string): RouteResponse {
  return { status: 404, body: `nothing is served at ${path}\n` };
}

function send(response: ServerResponse, { status = 200, contentType = plain, headers = {}, body }: RouteResponse, headOnly: boolean): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(headOnly ? undefined : body);
}

/** The first route that fits, in order of registration. */
function match(routes: readonly Route[], path: string): { handler: RouteHandler; params: Record<string, string> } | undefined {
  const given = path.split('/').slice(1);
  for (const { segments, handler } of routes) {
    const params = fit(segments, given);
    if (params !== undefined) return { handler, params };
  }
  return undefined;
}

function fit(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    if (segment === '*' && index === segments.length - 1) return { ...params, '*': given.slice(index).join('/') };
    const value = given[index];
    if (value === undefined) return undefined;
    if (segment.startsWith(':')) {
      const decoded = decode(value);
      if (decoded === undefined || decoded === '') return undefined;
      params[segment.slice(1)] = decoded;
    } else if (segment !== value) return undefined;
  }
  return given.length === segments.length ? params : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
