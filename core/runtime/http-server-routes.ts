import type { X509Certificate } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** Methods that a route may have; HEAD is answered by the handler of GET. */
export type RouteMethod = 'GET' | 'PUT' | 'POST';

export interface RouteRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Values of the `:name` segments, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Names in lower case; a header that was sent several times is joined by `, `. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The values of a header one by one, for headers whose values may hold commas. The name in lower case. */
  readonly headerValues: (name: string) => readonly string[];
  /** The client's certificate, verified against the CA that the server has now; `undefined` without one and without TLS. */
  readonly clientCertificate: X509Certificate | undefined;
  /** Reads the body, at most the route's `maxBodyBytes`; to be called once, after whatever may refuse the request. Empty for GET. */
  readonly readBody: () => Promise<RouteBody>;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** For answers that stream (server-sent events): whoever writes here answers `undefined`. */
  readonly response: ServerResponse;
}

export interface RouteResponse {
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Empty with status 204. */
  readonly body: string | Uint8Array;
}

/** A request's body, or the answer that refuses it. */
export type RouteBody = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly response: RouteResponse };

/** Answers `undefined` for a request that may pass, else the answer that refuses it. */
export type RouteGuard = (request: RouteRequest) => Promise<RouteResponse | undefined>;

export type RouteHandler = (request: RouteRequest) => Promise<RouteResponse | undefined> | RouteResponse | undefined;

export interface RouteOptions {
  /** PUT and POST: a body that is longer is refused with 413. Default 1 MiB. */
  readonly maxBodyBytes?: number;
}

export interface Route {
  readonly method: RouteMethod;
  readonly segments: readonly string[];
  readonly handler: RouteHandler;
  readonly maxBodyBytes: number;
}

const defaultMaxBodyBytes = 1024 * 1024;

export function makeRoute(method: RouteMethod, path: string, handler: RouteHandler, options: RouteOptions = {}): Route {
  return { method, segments: path.split('/').slice(1), handler, maxBodyBytes: options.maxBodyBytes ?? defaultMaxBodyBytes };
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route; readonly params: Record<string, string> }
  /** The path is served, but not by this method; what is allowed, as the header has it. */
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

/** The first route that fits path and method, in order of registration. */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const given = path.split('/').slice(1);
  const wanted = method === 'HEAD' ? 'GET' : method;
  const allow = new Set<string>();
  for (const route of routes) {
    const params = fit(route.segments, given);
    if (params === undefined) continue;
    if (route.method === wanted) return { kind: 'found', route, params };
    allow.add(route.method);
    if (route.method === 'GET') allow.add('HEAD');
  }
  return allow.size === 0 ? { kind: 'none' } : { kind: 'method', allow: [...allow] };
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
