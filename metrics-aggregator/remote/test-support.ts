import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { HttpServer, RouteHandler, RouteRequest } from '../../core/runtime/http-server.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import type { MetricsViewInput } from '../engine/metrics-view.ts';
import { addAggregatorRoutes, type AggregatorRoutes, type AggregatorRoutesOptions } from '../serving/routes.ts';
import { fakeAggregator, start, type FakeAggregator } from '../serving/test-support.ts';
import { createRemoteAggregator, type RemoteAggregatorOptions } from './remote-aggregator.ts';

/** The protocol without sockets, so that it runs on a virtual clock: the routes of `serving/` behind a dispatcher. */

export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly chunks: readonly string[];
  /** The connection breaks after the chunks. */
  readonly broken?: boolean;
}

export type FakeHandler = (request: SeenRequest, signal: AbortSignal) => Promise<FakeAnswer>;

/** As much of a dispatcher as the client uses. */
export function dispatcherOf(handler: () => FakeHandler): { readonly dispatcher: Dispatcher; readonly requests: SeenRequest[] } {
  const requests: SeenRequest[] = [];
  const request = async (options: Dispatcher.RequestOptions): Promise<unknown> => {
    const signal = options.signal as AbortSignal;
    const headers = options.headers as Record<string, string>;
    const seen = {
      method: options.method,
      url: new URL(options.path, String(options.origin)),
      headers,
      body: typeof options.body === 'string' ? options.body : '',
    };
    requests.push(seen);
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }));
    // Handled here for an answer that comes first.
    aborted.catch(() => undefined);
    const answer = await Promise.race([handler()(seen, signal), aborted]);
    return { statusCode: answer.status, headers: answer.headers ?? {}, body: bodyOf(answer) };
  };
  return { dispatcher: { request } as unknown as Dispatcher, requests };
}

async function* bodyOf({ chunks, broken }: FakeAnswer): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
  if (broken === true) throw Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
}

/** The routes of one process of the aggregator. */
export function routesOf(options: AggregatorRoutesOptions): { readonly handler: FakeHandler; readonly routes: AggregatorRoutes } {
  const handlers = new Map<string, RouteHandler>();
  const server: Pick<HttpServer, 'route'> = { route: (method, path, handler) => void handlers.set(`${method} ${path}`, handler) };
  const routes = addAggregatorRoutes(server, options);
  const handler: FakeHandler = async (seen, signal) => {
    const client = /^\/api\/v1\/demands\/(.+)$/.exec(seen.url.pathname)?.[1];
    const route = handlers.get(`${seen.method} ${client === undefined ? seen.url.pathname : '/api/v1/demands/:client'}`);
    if (route === undefined) return { status: 404, chunks: ['nothing\n'] };
    const chunks: string[] = [];
    let head: { status: number; headers: Record<string, string> } | undefined;
    const response = {
      destroyed: false,
      writeHead: (status: number, headers: Record<string, string>) => void (head = { status, headers }),
      write: (chunk: string) => chunks.push(chunk) > 0,
      end: () => undefined,
      on: () => undefined,
      destroy: () => undefined,
    };
    const request: Partial<RouteRequest> = {
      method: seen.method,
      path: seen.url.pathname,
      query: seen.url.searchParams,
      params: { client: decodeURIComponent(client ?? '') },
      headers: seen.headers,
      readBody: async () => ({ ok: true, bytes: Buffer.from(seen.body) }),
      signal,
      response: response as unknown as ServerResponse,
    };
    const answer = await route(request as RouteRequest);
    if (answer !== undefined) {
      return {
        status: answer.status ?? 200,
        headers: { 'content-type': answer.contentType ?? 'text/plain' },
        chunks: [String(answer.body)],
      };
    }
    return { status: head?.status ?? 0, headers: head?.headers ?? {}, chunks };
  };
  return { handler, routes };
}

/** An answer takes a turn of the event loop for each of its lines. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export const url = 'https://aggregator.concertina:8443';

/** An aggregator, its API, and a remote aggregator of it, all on one virtual clock. */
export function connected(first: Partial<MetricsViewInput> = {}, options: Partial<RemoteAggregatorOptions> = {}) {
  const clock = new VirtualClock(start, settle);
  const problems: string[] = [];
  const serveOne = (input: Partial<MetricsViewInput>, instance: string) => {
    const aggregator = fakeAggregator(input);
    return { aggregator, ...routesOf({ aggregator, facts: aggregator.facts, clock, instance }) };
  };
  let process: { readonly aggregator: FakeAggregator; readonly handler: FakeHandler } = serveOne(first, 'first');
  let handler: FakeHandler = process.handler;
  const { dispatcher, requests } = dispatcherOf(() => handler);
  const remote = createRemoteAggregator({
    url,
    token: () => 'secret-token',
    clock,
    random: () => 0.5,
    pollIntervalMs: 15_000,
    maxAgeMs: 180_000,
    onProblem: (problem) => problems.push(problem),
    client: 'hpa-0',
    dispatcher,
    ...options,
  });
  return {
    clock,
    remote,
    problems,
    requests,
    /** The aggregator that answers now. */
    aggregator: () => process.aggregator,
    /** Answers as the aggregator does. */
    handler: () => process.handler,
    /** Another process takes its place. */
    restart: (input: Partial<MetricsViewInput>, instance: string) => {
      process = serveOne(input, instance);
      handler = process.handler;
    },
    /** Answers in place of the aggregator; `undefined`: the aggregator again. */
    intercept: (next: FakeHandler | undefined) => {
      handler = next ?? process.handler;
    },
  };
}

export const refused: FakeHandler = () =>
  Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:8443'), { code: 'ECONNREFUSED' }));
