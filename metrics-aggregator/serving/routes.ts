import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/model/clock.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { HttpServer, RouteGuard, RouteHandler, RouteRequest, RouteResponse } from '../../core/runtime/http-server.ts';
import { jsonAnswer, jsonType, linesType, refusal, schemaVersion, wholeParameter } from './answers.ts';
import { createDemandLeases, demandLeaseMs, type DemandLeases } from './demand-leases.ts';
import { maxDemandBytes } from './demand-schema.ts';
import type { MetricsAggregator, ViewFacts } from './ports.ts';
import { samplesJson } from './samples.ts';
import { healthJson, sourcesJson } from './source-answers.ts';
import { streamPieces } from './stream.ts';
import { createViewPoll, type ViewPoll } from './view-poll.ts';
import { viewLines } from './view-wire.ts';

export interface AggregatorRoutesOptions {
  readonly aggregator: Pick<MetricsAggregator, 'view' | 'onView' | 'demand'>;
  /** What a view of this aggregator was made of. */
  readonly facts: (view: MetricsView) => ViewFacts;
  readonly clock: Clock;
  /** The pods that the cluster has: with them `/api/v1/samples` tells why a pod has no sample, and on which node each one runs. */
  readonly pods?: (() => Iterable<PodRecord>) | undefined;
  /** Asked first of every request; without it anybody may read, and demand queries. */
  readonly authorize?: RouteGuard | undefined;
  /** Of this process, different from any before it; default a random one. */
  readonly instance?: string | undefined;
}

export interface AggregatorRoutes {
  /** Clients that wait for a view, and clients with demands. */
  stats(): { readonly waiting: number; readonly clients: number };
  /** Answers who waits, and forgets what clients wanted. */
  close(): void;
}

/** Longest wait for a view, seconds. */
const maxWaitSeconds = 60;
const clientName = /^[A-Za-z0-9]([-A-Za-z0-9._]{0,126}[A-Za-z0-9])?$/;

/**
 * The API of the aggregator, read-only towards the cluster: `/api/v1/health`, `/api/v1/sources` and `/api/v1/samples` for people and the dashboard;
 * `/api/v1/view` and `/api/v1/demands/<client>` for the aggregators of other processes (`remote/`).
 */
export function addAggregatorRoutes(server: Pick<HttpServer, 'route'>, options: AggregatorRoutesOptions): AggregatorRoutes {
  const { aggregator, clock, facts } = options;
  const instance = options.instance ?? randomUUID();
  let poll: ViewPoll | undefined;
  const leases = createDemandLeases({ aggregator, clock, onChange: (client) => poll?.wake(client) });
  poll = createViewPoll({ aggregator, clock, instance, demandsOf: (client) => leases.lease(client)?.revision ?? 0 });
  const context: RouteContext = { options, instance, leases, poll };

  const guarded =
    (handler: RouteHandler): RouteHandler =>
    async (request) =>
      (await options.authorize?.(request)) ?? handler(request);
  server.route(
    'GET',
    '/api/v1/health',
    guarded(() => {
      const view = aggregator.view();
      return jsonAnswer(healthJson(view, facts(view).usageSource, clock.now()));
    }),
  );
  server.route(
    'GET',
    '/api/v1/sources',
    guarded(() => jsonAnswer(sourcesJson(aggregator.view(), clock.now()))),
  );
  server.route(
    'GET',
    '/api/v1/samples',
    guarded((request) => answerSamples(context, request)),
  );
  server.route(
    'GET',
    '/api/v1/view',
    guarded((request) => answerView(context, request)),
  );
  server.route(
    'PUT',
    '/api/v1/demands/:client',
    guarded((request) => answerDemands(context, request)),
    { maxBodyBytes: maxDemandBytes },
  );

  return {
    stats: () => ({ waiting: context.poll.waiting, clients: leases.size }),
    close: () => {
      context.poll.close();
      leases.close();
    },
  };
}

interface RouteContext {
  readonly options: AggregatorRoutesOptions;
  readonly instance: string;
  readonly leases: DemandLeases;
  readonly poll: ViewPoll;
}

/** 150,000 pods and whatever else there is. */
const mostItems = 1_000_000;

async function answerSamples({ options }: RouteContext, request: RouteRequest): Promise<RouteResponse | undefined> {
  const { query, response, signal } = request;
  const unknown = [...query.keys()].find((name) => !['namespace', 'pod', 'node', 'query', 'limit'].includes(name));
  // A filter that is misspelt would show everything and look like an answer.
  if (unknown !== undefined)
    return refusal({ path: printable(unknown), reason: 'there is no such filter: use namespace, pod, node, query or limit' });
  const limit = wholeParameter(query, 'limit', { min: 0, max: mostItems, fallback: mostItems });
  if (!limit.ok) return limit.response;
  const filter = {
    namespace: query.get('namespace') ?? undefined,
    pod: query.get('pod') ?? undefined,
    node: query.get('node') ?? undefined,
    query: query.get('query') ?? undefined,
    limit: limit.value,
  };
  if (filter.node !== undefined && options.pods === undefined) {
    return refusal({ path: 'node', reason: 'this aggregator does not know where pods run: leave node out' });
  }
  const view = options.aggregator.view();
  response.writeHead(200, { 'content-type': jsonType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  const pieces = samplesJson({ view, facts: options.facts(view), pods: options.pods?.(), now: options.clock.now(), filter });
  await streamPieces(response, pieces, { clock: options.clock, signal });
  return undefined;
}

async function answerView({ options, instance, leases, poll }: RouteContext, request: RouteRequest): Promise<RouteResponse | undefined> {
  const { query, response, signal } = request;
  const after = wholeParameter(query, 'after', { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: -1 });
  if (!after.ok) return after.response;
  const demands = wholeParameter(query, 'demands', { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
  if (!demands.ok) return demands.response;
  const wait = wholeParameter(query, 'waitSeconds', { min: 0, max: maxWaitSeconds, fallback: 0 });
  if (!wait.ok) return wait.response;
  const client = query.get('client') ?? undefined;
  if (client !== undefined && !clientName.test(client)) return refusal({ path: 'client', reason: clientRule });
  const seen = {
    client,
    after: after.value < 0 ? undefined : after.value,
    instance: query.get('instance') ?? undefined,
    demands: demands.value,
  };
  const outcome = await poll.wait(seen, wait.value * 1000, signal);
  if (signal.aborted) return undefined;
  if (outcome.kind === 'busy')
    return { ...refusal({ path: '', reason: 'too many clients wait for a view: try again' }, 503), headers: { 'retry-after': '5' } };
  if (outcome.kind === 'none') return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
  const { view, usage } = outcome;
  // A client without a lease gets no answers rather than those of everybody.
  const wanted = client === undefined ? undefined : (leases.lease(client) ?? noDemands);
  response.writeHead(200, { 'content-type': linesType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  const lines = viewLines({ view, facts: options.facts(view), instance, now: options.clock.now(), usage, demands: wanted });
  await streamPieces(response, lines, { clock: options.clock, signal });
  return undefined;
}

const noDemands = { revision: 0, keys: new Set<string>() };

const clientRule =
  'name the client with letters, digits, "-", "." and "_", at most 128 of them, beginning and ending with a letter or digit';

async function answerDemands({ instance, leases }: RouteContext, request: RouteRequest): Promise<RouteResponse> {
  const client = request.params['client'] ?? '';
  if (!clientName.test(client)) return refusal({ path: 'client', reason: clientRule });
  const body = await request.readBody();
  if (!body.ok) return body.response;
  const taken = await leases.put(client, body.bytes);
  if (!taken.ok) return refusal(taken, taken.status);
  const { revision, keys, subjects } = taken.lease;
  return jsonAnswer({ schemaVersion, instance, leaseSeconds: demandLeaseMs / 1000, revision, subjects, queries: keys.size });
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 64);
}
