import { sleep } from '../../../../core/model/clock.ts';
import type { Clock } from '../../../../core/model/clock.ts';
import type { Activity } from '../../api-server/activity.ts';
import type { ApiHandler, ApiRequest, ApiResponse } from '../../api-server/types.ts';
import { noFaults } from '../faults.ts';
import type { PrometheusFaults } from '../faults.ts';
import { ApiError } from './api-error.ts';
import type { Exchange, ServerState } from './exchange.ts';
import { alteredAnswer, brokenOff, neverAnswers } from './faulty-answers.ts';
import { parametersOf, timeoutOf } from './parameters.ts';
import { instantQuery, rangeQuery } from './queries.ts';
import { failure, success } from './results.ts';
import { labelNames, labelValues, metadataMap, seriesList } from './series-endpoints.ts';

interface Endpoint {
  readonly methods: readonly string[];
  readonly answer: (exchange: Exchange) => string;
  /** Whether it works under the query's timeout. */
  readonly query?: true;
}

const both = ['GET', 'POST'];

const endpoints: Readonly<Record<string, Endpoint>> = {
  query: { methods: both, answer: instantQuery, query: true },
  query_range: { methods: both, answer: rangeQuery, query: true },
  series: { methods: both, answer: seriesList },
  labels: { methods: both, answer: labelNames },
  label: { methods: ['GET'], answer: labelValues },
  metadata: { methods: ['GET'], answer: metadataMap },
  'status/buildinfo': { methods: ['GET'], answer: () => JSON.stringify(buildInfo) },
};

/** The version whose behaviour is followed; the revision says that this is not it. */
const buildInfo = {
  version: '2.42.0',
  revision: 'simulated',
  branch: 'simulated',
  buildUser: 'concertina',
  buildDate: '20230201-00:00:00',
  goVersion: 'none',
};

/** The HTTP API over the state of a server. */
export function createPrometheusHandler(server: ServerState, clock: Clock, activity: Activity): ApiHandler {
  return (request) => activity.track(() => answer({ server, clock, activity }, request));
}

export interface HandlerContext {
  readonly server: ServerState;
  readonly clock: Clock;
  readonly activity: Activity;
}

async function answer(context: HandlerContext, request: ApiRequest): Promise<ApiResponse> {
  const { path } = request;
  if (path === '/-/ready') return text(200, 'Prometheus Server is Ready.\n');
  if (path === '/-/healthy') return text(200, 'Prometheus Server is Healthy.\n');
  const match = /^\/api\/v1\/(?:label\/([^/]+)\/values|(.+))$/.exec(path);
  const key = match?.[1] === undefined ? (match?.[2] ?? '') : 'label';
  const endpoint = key === 'label' && match?.[1] === undefined ? undefined : endpoints[key];
  if (endpoint === undefined) return plainError(404, '404 page not found\n');
  if (request.method === 'OPTIONS') return { status: 204, body: '' };
  if (!endpoint.methods.includes(request.method)) {
    const allowed = [...endpoint.methods, 'OPTIONS'].sort().join(', ');
    return plainError(405, 'Method Not Allowed\n', { allow: allowed });
  }
  return api(context, request, { endpoint, name: decoded(match?.[1] ?? '') });
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '\uFFFD';
  }
}

interface Routed {
  readonly endpoint: Endpoint;
  readonly name: string;
}

async function api(context: HandlerContext, request: ApiRequest, { endpoint, name }: Routed): Promise<ApiResponse> {
  const { server } = context;
  const parameters = parametersOf(request);
  const faults = facing(server.faults, endpoint, parameters);
  if (faults.answer !== undefined && faults.answer.kind !== 'cut-off') {
    await wait(context, request, faults.slowMs);
    return faults.answer.kind === 'hang' ? neverAnswers(context, request) : alteredAnswer(faults.answer);
  }
  try {
    // Worked out first: what is wrong with a query is said at once, and its "now" is when it came.
    const data = endpoint.answer({ server, parameters, name, values: faults.values });
    const timeoutMs = endpoint.query === true ? timeoutOf(parameters, server.timeoutMs) : Number.POSITIVE_INFINITY;
    await wait(context, request, Math.min(faults.slowMs, timeoutMs));
    if (faults.slowMs > timeoutMs || timeoutMs <= 0) throw new ApiError('timeout', 'query timed out in query execution');
    const body = success(data, faults.warnings);
    return faults.answer === undefined ? json(200, body) : brokenOff(body, faults.answer.afterBytes);
  } catch (thrown) {
    if (thrown instanceof ApiError) return json(thrown.status, failure(thrown.type, thrown.message));
    throw thrown;
  }
}

/** The faults that strike this request: all endpoints, or only the queries that are picked out. */
function facing(faults: PrometheusFaults, endpoint: Endpoint, parameters: URLSearchParams): PrometheusFaults {
  const isQuery = endpoint.query === true;
  const spared = faults.only !== undefined && !(isQuery && faults.only(parameters.get('query') ?? ''));
  if (spared) return noFaults();
  return isQuery ? faults : { ...faults, warnings: [] };
}

async function wait({ activity, clock }: HandlerContext, request: ApiRequest, ms: number): Promise<void> {
  if (ms > 0) await activity.park(() => sleep(clock, ms, request.signal));
}

const jsonHeaders = { 'content-type': 'application/json' } as const;

function json(status: number, body: string): ApiResponse {
  return { status, headers: jsonHeaders, body };
}

function text(status: number, body: string): ApiResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

function plainError(status: number, body: string, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return { status, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body };
}
