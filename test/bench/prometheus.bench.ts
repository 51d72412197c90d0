import { monitorEventLoopDelay } from 'node:perf_hooks';
import { realClock } from '../../core/runtime/clock.ts';
import type { PrometheusQuery } from '../../core/model/metric-query.ts';
import { confineQuery } from '../../metrics-aggregator/promql/index.ts';
import type { GuardedHttp } from '../../metrics-aggregator/sources/http/index.ts';
import {
  createCatalogue,
  createPrometheusClient,
  createPrometheusUsageSource,
  prometheusSourceFromSpec,
  type PrometheusFromSpec,
} from '../../metrics-aggregator/sources/prometheus/index.ts';
import { median, rounded, type BenchRun, type Figure } from './figure.ts';
import { findPrometheus, startPrometheus, until } from './prometheus-server.ts';
import { namespaceOfApp, startTarget } from './prometheus-target.ts';

const size = { apps: 2000, podsPerApp: 5, namespaces: 50 };
const inFlight = 20;
const rounds = 5;
const limitSeconds = 3;

/**
 * 2,000 distinct queries of policies with 20 in flight, against a real Prometheus on this machine that scrapes 10,000 series: through the source (confined,
 * guarded, judged) and, in the same run, rounds interleaved, by plain `fetch`. The Prometheus needs most of the time of both. Then what the source adds.
 */
export const run: BenchRun = async () => [confineFigure(), ...(await usageFigures()), ...(await queryFigures())];

function figure(what: Omit<Figure, 'bench' | 'better' | 'limit' | 'against' | 'ratio'> & Partial<Figure>): Figure {
  return { bench: 'prometheus', better: 'lower', limit: null, against: null, ratio: null, ...what };
}

const queries: readonly PrometheusQuery[] = Array.from({ length: size.apps }, (_, app) => ({
  kind: 'prometheus',
  namespace: namespaceOfApp(app, size),
  source: 'bench',
  query: `sum(rate(http_requests_total{app="app-${app}"}[1m]))`,
  emptyMeans: 'unknown',
}));

/** What the source sends for each: the baseline asks the same. */
const confinedTexts = new Map(
  queries.map((query) => {
    const result = confineQuery(query.query, { namespaceLabel: 'namespace', namespace: query.namespace, maxRangeSeconds: 86_400 });
    return [query, result.ok ? result.query : ''];
  }),
);

function confineFigure(): Figure {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (const { query, namespace } of queries) {
      if (!confineQuery(query, { namespaceLabel: 'namespace', namespace, maxRangeSeconds: 86_400 }).ok)
        throw new Error(`${query} was refused`);
    }
    best = Math.min(best, ((performance.now() - start) * 1000) / queries.length);
  }
  return figure({ figure: 'confineQuery, one selector, not cached', value: rounded(best), unit: 'µs/query' });
}

/** Usage of 150,000 containers, as sockets bring it: 64 KiB at a time, out of memory. */
async function usageFigures(): Promise<Figure[]> {
  const containers = 150_000;
  const bodies = { pods: vectorBody(containers, true), times: vectorBody(containers, false), none: vectorBody(0, false) };
  const http: GuardedHttp = {
    exchange: async ({ form, onBody }) => {
      const query = form?.find(([name]) => name === 'query')?.[1] ?? '';
      const body = query.includes('by (node)') ? bodies.none : query.includes('timestamp(') ? bodies.times : bodies.pods;
      for (let at = 0; at < body.length; at += 65_536) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        await onBody?.(body.subarray(at, at + 65_536));
      }
      return { ok: true, status: 200, body: Buffer.alloc(0), json: true, retryAfterMs: undefined };
    },
    close: () => Promise.resolve(),
  };
  const catalogue = createCatalogue();
  if (!catalogue.ok) throw new Error(catalogue.problem);
  const source = createPrometheusUsageSource({ client: createPrometheusClient({ http, name: 'bench' }), catalogue: catalogue.catalogue });
  let best = Infinity;
  const delays = monitorEventLoopDelay({ resolution: 5 });
  for (let turn = 0; turn < 3; turn++) {
    if (turn === 1) delays.enable();
    const start = performance.now();
    const answer = await source.usage(new AbortController().signal);
    if (!answer.ok || answer.pods.containerCount !== containers) throw new Error('usage is not what was told');
    best = Math.min(best, performance.now() - start);
  }
  delays.disable();
  const what = `usage of ${containers} containers out of three instant vectors, parsed as they arrive`;
  return [
    figure({ figure: what, value: rounded(best), unit: 'ms' }),
    figure({
      figure: `${what}: longest time that the event loop stood still`,
      value: rounded(delays.max / 1e6 - 5),
      unit: 'ms',
      limit: 50,
    }),
  ];
}

function vectorBody(count: number, container: boolean): Buffer {
  const items = Array.from({ length: count }, (_, index) => {
    const metric = {
      namespace: `team-${index % 50}`,
      pod: `app-${index % 2000}-7d9f8b6c5d-${index.toString(36).padStart(5, '0')}`,
      ...(container && { container: 'main' }),
    };
    return JSON.stringify({ metric, value: [1_700_000_000.123, String(1_700_000_000 + index / 7)] });
  });
  return Buffer.from(`{"status":"success","data":{"resultType":"vector","result":[${items.join(',')}]}}`);
}

async function queryFigures(): Promise<Figure[]> {
  const program = findPrometheus();
  if (program === undefined) {
    process.stderr.write(
      'bench prometheus: there is no program `prometheus` (Debian: apt-get install prometheus), so the figures against it are missing\n',
    );
    return [];
  }
  const target = await startTarget(size);
  try {
    const server = await startPrometheus(program, { target: target.address, scrapeSeconds: 2 });
    try {
      return await measure(server.url);
    } finally {
      await server.stop();
    }
  } finally {
    await target.close();
  }
}

async function measure(url: string): Promise<Figure[]> {
  const made = prometheusSourceFromSpec(
    'bench',
    { type: 'Prometheus', url, plainHttp: true, network: { allowLoopback: true } },
    { credentials: {}, tls: {} },
    { clock: realClock },
  );
  if (!made.ok) throw new Error(made.problem);
  const { prometheus } = made;
  await until(() => hasRates(prometheus), 60_000);
  const ours: number[] = [];
  const fetched: number[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    ours.push(await timed((query) => throughSource(prometheus, query)));
    fetched.push(await timed((query) => byFetch(url, query)));
  }
  await prometheus.client.close();
  const value = median(ours);
  const against = median(fetched);
  const what = `${queries.length} distinct queries, ${inFlight} in flight, local Prometheus with ${size.apps * size.podsPerApp} series, median of ${rounds}`;
  return [
    figure({
      figure: what,
      value: rounded(value),
      unit: 's',
      limit: limitSeconds,
      against: { name: 'plain fetch', value: rounded(against) },
      ratio: rounded(against / value),
    }),
  ];
}

async function hasRates({ client }: PrometheusFromSpec): Promise<boolean> {
  const answer = await client.instant('count(rate(http_requests_total[1m]) > 0)');
  return answer.ok && answer.series[0]?.value === String(size.apps * size.podsPerApp);
}

/** Seconds for all queries with so many in flight. */
async function timed(ask: (query: PrometheusQuery) => Promise<void>): Promise<number> {
  let next = 0;
  const start = performance.now();
  const workers = Array.from({ length: inFlight }, async () => {
    for (let index = next++; index < queries.length; index = next++) await ask(queries[index]!);
  });
  await Promise.all(workers);
  return (performance.now() - start) / 1000;
}

async function throughSource({ source }: PrometheusFromSpec, query: PrometheusQuery): Promise<void> {
  const answer = await source.ask?.(query, new AbortController().signal);
  if (answer?.ok !== true || answer.series.length !== 1 || answer.series[0]!.milli <= 0n)
    throw new Error(`no value: ${JSON.stringify(answer?.ok === false ? answer : {})}`);
}

async function byFetch(url: string, query: PrometheusQuery): Promise<void> {
  const body = new URLSearchParams({ query: confinedTexts.get(query) ?? '' });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
  const answer = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  if (!(Number(answer.data.result[0]?.value[1]) > 0)) throw new Error('no value');
}
