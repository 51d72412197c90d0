import { afterEach, describe, expect, it } from 'vitest';
import { queryKey } from '../../core/model/metric-query.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import type { MetricsViewInput } from '../engine/metrics-view.ts';
import { addAggregatorRoutes, type AggregatorRoutesOptions } from './routes.ts';
import { external, fakeAggregator, podRecord, podUsage, serveOn, start, usageOf } from './test-support.ts';

let close: (() => Promise<void>) | undefined;

afterEach(async () => {
  await close?.();
  close = undefined;
});

async function serve(first: Partial<MetricsViewInput> = {}, options: Partial<AggregatorRoutesOptions> = {}) {
  const clock = new VirtualClock(start + 1000);
  const aggregator = fakeAggregator(first);
  const { url, close: stop } = await serveOn((server) => {
    addAggregatorRoutes(server, { aggregator, facts: aggregator.facts, clock, instance: 'test', ...options });
  });
  close = stop;
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    return {
      status: response.status,
      text,
      json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
      headers: response.headers,
    };
  };
  return { get, aggregator, clock };
}

const broken: Partial<MetricsViewInput> = {
  resourceSource: {
    healthy: false,
    reason: 'source-unavailable',
    detail: 'it answered 503',
    since: start - 30_000,
    lastSuccess: start - 45_000,
  },
  usageDoubt: { reason: 'source-unavailable', detail: 'held', since: start - 30_000 },
  sources: [
    {
      name: 'metrics.k8s.io',
      state: { healthy: true, lastSuccess: start },
      doubt: undefined,
      latencyMs: 12,
      queries: 0,
      circuit: 'closed',
    },
    {
      name: 'prometheus/main',
      state: { healthy: false, reason: 'refused', detail: 'not allowed', since: start - 1000, lastSuccess: undefined },
      doubt: { reason: 'outage', detail: 'all at zero', since: start - 2000, until: start + 60_000 },
      latencyMs: undefined,
      queries: 3,
      circuit: 'open',
    },
  ],
};

describe('GET /api/v1/health', () => {
  it('tells of usage and of each source', async () => {
    const { get } = await serve({ usage: usageOf([podUsage('a')]), ...broken });
    const answer = await get('/api/v1/health');
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.text).toBe(
      `${JSON.stringify({
        schemaVersion: 1,
        sequence: 1,
        at: '2026-11-22T12:00:00.000Z',
        ageSeconds: 1,
        healthy: false,
        reason: 'source-unavailable',
        detail: 'metrics.k8s.io: it answered 503',
        usage: {
          healthy: false,
          reason: 'source-unavailable',
          detail: 'it answered 503',
          since: '2026-11-22T11:59:30.000Z',
          lastSuccess: '2026-11-22T11:59:15.000Z',
          lastSuccessAgeSeconds: 46,
          doubt: { reason: 'source-unavailable', detail: 'held', since: '2026-11-22T11:59:30.000Z', until: null },
          pods: 1,
        },
        sources: [
          {
            name: 'metrics.k8s.io',
            healthy: true,
            reason: null,
            detail: null,
            since: null,
            lastSuccess: '2026-11-22T12:00:00.000Z',
            lastSuccessAgeSeconds: 1,
            doubt: null,
          },
          {
            name: 'prometheus/main',
            healthy: false,
            reason: 'refused',
            detail: 'not allowed',
            since: '2026-11-22T11:59:59.000Z',
            lastSuccess: null,
            lastSuccessAgeSeconds: null,
            doubt: { reason: 'outage', detail: 'all at zero', since: '2026-11-22T11:59:58.000Z', until: '2026-11-22T12:01:00.000Z' },
          },
        ],
      })}\n`,
    );
  });

  it('is healthy when all is, and not when something is good for growth only', async () => {
    const { get, aggregator } = await serve();
    expect((await get('/api/v1/health')).json).toMatchObject({ healthy: true, reason: null, detail: null });
    aggregator.publish({ usageDoubt: { reason: 'outage', detail: 'all at zero' } });
    expect((await get('/api/v1/health')).json).toMatchObject({
      healthy: false,
      reason: 'outage',
      detail: 'metrics.k8s.io is good for growth only: all at zero',
    });
  });
});

describe('GET /api/v1/sources', () => {
  it('lists the reports', async () => {
    const { get } = await serve(broken);
    expect((await get('/api/v1/sources')).json).toMatchObject({
      schemaVersion: 1,
      sources: [
        { name: 'metrics.k8s.io', healthy: true, latencyMs: 12, queries: 0, doubt: null },
        { name: 'prometheus/main', healthy: false, reason: 'refused', latencyMs: null, queries: 3, doubt: { reason: 'outage' } },
      ],
    });
  });
});

const queries = new Map<string, NonNullable<ReturnType<MetricsViewInput['queries']['get']>>>([
  [
    queryKey(external('depth')),
    {
      known: true,
      at: start - 2000,
      source: 'external.metrics.k8s.io',
      coverage: 0.5,
      doubt: { reason: 'partial', detail: 'the server warns', since: start - 2000 },
      series: [{ object: '', labels: { queue: 'a' }, milli: 2n ** 70n, timestamp: start - 3000, windowMs: undefined }],
    },
  ],
  [
    queryKey(external('none')),
    { known: false, reason: 'missing', detail: 'nothing came', since: start - 9000, source: 'external.metrics.k8s.io' },
  ],
]);

const pods: readonly PodRecord[] = [
  podRecord('a'),
  podRecord('b', { nodeName: 'n2' }),
  podRecord('young', { started: start - 1000 }),
  podRecord('half', {
    statuses: [
      { name: 'c', running: true },
      { name: 'd', running: true },
    ] as unknown as PodRecord['statuses'],
  }),
  podRecord('done', { phase: 'Succeeded' }),
  podRecord('a', { namespace: 'other' }),
];

const whole: Partial<MetricsViewInput> = {
  usage: usageOf(
    [
      podUsage('a'),
      podUsage('half', { clockSkew: true, containers: [{ name: 'c', cpuMilli: 1, memoryMilli: undefined }] }),
      podUsage('a', { namespace: 'other' }),
    ],
    [{ name: 'n1', timestamp: start - 1000, windowMs: 10_000, cpuMilli: 500, memoryMilli: undefined }],
  ),
  unscrapedNodes: new Map([['n2', { since: start - 60_000, pods: 4 }]]),
  queries,
};

interface Samples {
  readonly pods: readonly { readonly namespace: string; readonly name: string; readonly unknown: unknown }[];
  readonly nodes: readonly { readonly name: string }[];
  readonly queries: readonly { readonly query: string }[];
  readonly truncated: boolean;
}

describe('GET /api/v1/samples', () => {
  const names = ({ json }: { json: unknown }) => {
    const samples = json as Samples;
    return {
      pods: samples.pods.map((pod) => `${pod.namespace}/${pod.name}`),
      nodes: samples.nodes.map((node) => node.name),
      queries: samples.queries.length,
      truncated: samples.truncated,
    };
  };

  it('tells of every pod, node and query with age, window, coverage, source and what is unknown', async () => {
    const { get } = await serve(whole, { pods: () => pods });
    await expect((await get('/api/v1/samples')).text).toMatchFileSnapshot('samples.snapshot.txt');
  });

  it('tells of measured pods alone when the cluster is not known', async () => {
    const { get } = await serve(whole);
    const answer = await get('/api/v1/samples');
    expect(names(answer).pods).toEqual(['shop/a', 'shop/half', 'other/a']);
    expect((answer.json as unknown as Samples).pods[0]).toMatchObject({ node: null, coverage: null });
  });

  it('filters', async () => {
    const { get } = await serve(whole, { pods: () => pods });
    const ask = async (query: string) => names(await get(`/api/v1/samples?${query}`));
    expect(await ask('namespace=other')).toEqual({ pods: ['other/a'], nodes: [], queries: 0, truncated: false });
    expect(await ask('pod=a')).toEqual({ pods: ['shop/a', 'other/a'], nodes: [], queries: 0, truncated: false });
    expect(await ask('namespace=shop&pod=a')).toEqual({ pods: ['shop/a'], nodes: [], queries: 0, truncated: false });
    expect(await ask('node=n2')).toEqual({ pods: ['shop/b'], nodes: ['n2'], queries: 0, truncated: false });
    const key = encodeURIComponent(queryKey(external('none')));
    expect(await ask(`query=${key}`)).toEqual({ pods: [], nodes: [], queries: 1, truncated: false });
    expect(await ask('query=unheard')).toEqual({ pods: [], nodes: [], queries: 0, truncated: false });
    expect(await ask('limit=1')).toEqual({ pods: ['shop/a'], nodes: ['n1'], queries: 1, truncated: true });
  });

  it('refuses what it does not understand', async () => {
    const { get } = await serve(whole);
    expect(await get('/api/v1/samples?namspace=shop')).toMatchObject({
      status: 400,
      json: { schemaVersion: 1, error: 'namspace: there is no such filter: use namespace, pod, node, query or limit', path: 'namspace' },
    });
    expect((await get('/api/v1/samples?limit=-1')).json).toMatchObject({ error: 'limit: write a whole number from 0 to 1000000' });
    expect((await get('/api/v1/samples?node=n1')).json).toMatchObject({
      error: 'node: this aggregator does not know where pods run: leave node out',
    });
  });

  it('answers HEAD without a body', async () => {
    const { get } = await serve(whole);
    expect(await get('/api/v1/samples', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });
});

describe('authorize', () => {
  it('stands before every route', async () => {
    const seen: string[] = [];
    const { get, aggregator } = await serve(whole, {
      authorize: async ({ method, path }) => {
        seen.push(`${method} ${path}`);
        return { status: 403, body: 'no\n' };
      },
    });
    for (const path of ['health', 'sources', 'samples', 'view'])
      expect(await get(`/api/v1/${path}`)).toMatchObject({ status: 403, text: 'no\n' });
    expect(await get('/api/v1/demands/x', { method: 'PUT', body: '[]' })).toMatchObject({ status: 403 });
    expect(seen).toEqual(['GET /api/v1/health', 'GET /api/v1/sources', 'GET /api/v1/samples', 'GET /api/v1/view', 'PUT /api/v1/demands/x']);
    expect(aggregator.demands).toEqual([]);
  });
});

describe('methods', () => {
  it('are read ones, but for demands', async () => {
    const { get } = await serve();
    const post = await get('/api/v1/samples', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const read = await get('/api/v1/demands/x');
    expect([read.status, read.headers.get('allow')]).toEqual([405, 'PUT']);
  });
});
