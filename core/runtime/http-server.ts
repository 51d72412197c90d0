import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { HealthCheck } from './health.ts';
import { renderChecks, runChecks } from './health.ts';
import { hasLongRest, readBody } from './http-server-body.ts';
import { makeRoute, matchRoute } from './http-server-routes.ts';
import type { Route, RouteGuard, RouteHandler, RouteMethod, RouteOptions, RouteRequest, RouteResponse } from './http-server-routes.ts';
import { createTlsServer, type ServerTls } from './http-server-tls.ts';
import type { Logger } from './logging.ts';

export type { RouteBody, RouteGuard, RouteHandler, RouteMethod, RouteOptions, RouteRequest, RouteResponse } from './http-server-routes.ts';
export type { ServerTls } from './http-server-tls.ts';

export interface HttpServerOptions {
  /** Address to listen on; default 0.0.0.0. */
  readonly host?: string;
  /** 0 takes a free port, which `listen` answers. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Text of `/metrics`; 404 without. Without `authorize` anybody may read it. */
  readonly metrics?: { render(): Promise<string>; readonly contentType?: string; readonly authorize?: RouteGuard };
  /** HTTPS; plain HTTP without. */
  readonly tls?: ServerTls | undefined;
  /**
   * Milliseconds that an idle connection is kept; default 5,000. A client that keeps its connections longer than the server does now and then sends a request
   * into one that is being closed.
   */
  readonly keepAliveMs?: number | undefined;
  /** Connections beyond so many are closed as they come; default: no limit. */
  readonly maxConnections?: number | undefined;
}

/** Health, readiness, metrics and whatever else a program shows over HTTP. Nobody's body is read but that of a PUT or POST whose handler asks for it. */
export interface HttpServer {
  /** `path` may hold `:name` segments and end in `/*`. HEAD is answered by GET's handler. */
  route(method: RouteMethod, path: string, handler: RouteHandler, options?: RouteOptions): void;
  /** New certificates for a server that was made with `tls`; whether clients are asked for one stays as it was. */
  renewTls(tls: ServerTls): void;
  /** A check of `/healthz` and `/livez`: failing means "restart me". */
  addLiveness(name: string, check: HealthCheck): void;
  /** A check of `/readyz`: failing means "send nothing here". */
  addReadiness(name: string, check: HealthCheck): void;
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Stops listening and closes idle connections; others after `graceMs` (default 1000). */
  close(graceMs?: number): Promise<void>;
}

const plain = 'text/plain; charset=utf-8';

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const routes: Route[] = [];
  const liveness = new Map<string, HealthCheck>([['ping', () => undefined]]);
  const readiness = new Map<string, HealthCheck>([['ping', () => undefined]]);
  const { clock, logger, metrics } = options;

  const route = (method: RouteMethod, path: string, handler: RouteHandler, routeOptions?: RouteOptions): void => {
    routes.push(makeRoute(method, path, handler, routeOptions));
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
    route('GET', '/metrics', async (request) => {
      const refused = await metrics.authorize?.(request);
      if (refused !== undefined) return refused;
      return { contentType: metrics.contentType ?? 'text/plain; version=0.0.4; charset=utf-8', body: await metrics.render() };
    });
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request, response).catch((error: unknown) => {
      logger.error('a request could not be answered', { path: pathOf(request), error: messageOf(error) });
      if (response.headersSent) response.destroy();
      else send(response, { status: 500, body: 'internal error: see the log of this program\n' }, false);
    });
  };
  const secure = options.tls === undefined ? undefined : createTlsServer(options.tls, clock, listener);
  const server = secure?.server ?? createServer(listener);
  // Probes and scrapes are small; nobody may hold a connection open by sending slowly.
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  if (options.keepAliveMs !== undefined) server.keepAliveTimeout = options.keepAliveMs;
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'http://local');
    const found = matchRoute(routes, method, url.pathname);
    if (found.kind === 'none') {
      send(response, notFound(url.pathname), method === 'HEAD');
      return;
    }
    if (found.kind === 'method') {
      send(response, methodNotAllowed(method, found.allow), false);
      return;
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const { route: chosen, params } = found;
    const routeRequest: RouteRequest = {
      method,
      path: url.pathname,
      query: url.searchParams,
      params,
      headers: request.headers,
      headerValues: (name) => request.headersDistinct[name] ?? [],
      clientCertificate: secure?.clientCertificate(request.socket),
      readBody: () => readBody(request, chosen.method === 'GET' ? 0 : chosen.maxBodyBytes),
      signal: gone.signal,
      response,
    };
    const result = await chosen.handler(routeRequest);
    if (result === undefined) return;
    if (!response.headersSent && hasLongRest(request, chosen.maxBodyBytes)) response.setHeader('connection', 'close');
    send(response, result, method === 'HEAD');
  }

  return {
    route,
    renewTls: (tls) => {
      if (secure === undefined) throw new Error('a server without TLS cannot be given certificates: create it with them');
      secure.renew(tls);
    },
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

function methodNotAllowed(method: string, allow: readonly string[]): RouteResponse {
  return { status: 405, headers: { allow: allow.join(', ') }, body: `${method} is not allowed here: use ${allow[0]}\n` };
}

/** Without the query: it may hold what a log must not. */
function pathOf(request: IncomingMessage): string | undefined {
  return request.url?.split('?', 1)[0];
}

function send(response: ServerResponse, { status = 200, contentType = plain, headers = {}, body }: RouteResponse, headOnly: boolean): void {
  // RFC 9110: an answer 204 has neither a body nor a length.
  const entity = status === 204 ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...entity, 'x-content-type-options': 'nosniff', ...headers });
  response.end(headOnly || status === 204 ? undefined : body);
}
