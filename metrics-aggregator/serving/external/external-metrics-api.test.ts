import { describe, expect, it } from 'vitest';
import type { QueryResult } from '../../../core/model/metrics-view.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createExternalMetricsApi, type ExternalMetricsApiOptions, type ExternalRequest } from './external-metrics-api.ts';
import { start } from '../test-support.ts';

const known: QueryResult = {
  known: true,
  at: start,
  source: 'prometheus/main',
  coverage: 1,
  doubt: undefined,
  series: [
    { object: '', labels: { queue: 'a' }, milli: 42_000n, timestamp: start - 1500, windowMs: 60_000 },
    { object: '', labels: {}, milli: 1_500n, timestamp: start, windowMs: undefined },
  ],
};

function make(options: Partial<ExternalMetricsApiOptions> = {}) {
  const clock = new VirtualClock(start);
  const asked: unknown[] = [];
  const problems: string[] = [];
  const api = createExternalMetricsApi({
    metrics: () => [
      { name: 'queue_depth', source: 'main', query: 'sum(depth)' },
      { name: 'another', source: 'main', query: 'x' },
      { name: 'queue_depth', source: 'second', query: 'y' },
    ],
    evaluate: async (...parameters) => {
      asked.push(parameters);
      return known;
    },
    clock,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  const ask = async (request: ExternalRequest) => {
    const answer = await api.handle(request);
    expect(answer.contentType).toBe('application/json');
    return { status: answer.status ?? 200, json: JSON.parse(String(answer.body)) as Record<string, unknown> };
  };
  const metric = (labelSelector: string | null = null, name = 'queue_depth') =>
    ask({ kind: 'metric', namespace: 'shop', metric: name, labelSelector });
  const path = (text: string) => ask({ kind: 'other', path: text });
  return { metric, path, clock, asked, problems };
}

const failure = (code: number, reason: string, message: string) => ({
  status: code,
  json: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
});

describe('a metric', () => {
  it('is answered as the real API shapes it', async () => {
    const { metric, asked } = make();
    expect(await metric()).toEqual({
      status: 200,
      json: {
        kind: 'ExternalMetricValueList',
        apiVersion: 'external.metrics.k8s.io/v1beta1',
        metadata: {},
        items: [
          { metricName: 'queue_depth', metricLabels: { queue: 'a' }, timestamp: '2026-11-22T11:59:58Z', window: 60, value: '42' },
          { metricName: 'queue_depth', metricLabels: {}, timestamp: '2026-11-22T12:00:00Z', value: '1500m' },
        ],
      },
    });
    expect(asked).toEqual([['shop', 'queue_depth', '']]);
  });

  it('is asked for with a canonical selector', async () => {
    const { metric, asked } = make();
    await metric(' z in (b, a),queue == a');
    expect(asked).toEqual([['shop', 'queue_depth', 'queue==a,z in (a,b)']]);
  });

  it('is refused with a selector that is none', async () => {
    const { metric, asked } = make();
    const refused = await metric('a=b=c');
    expect(refused).toMatchObject({ status: 400, json: { kind: 'Status', reason: 'BadRequest', code: 400 } });
    expect(refused.json['message']).toMatch(/^labelSelector: /);
    expect(asked).toEqual([]);
  });

  it('is not found when nobody offers it', async () => {
    const { metric } = make();
    expect(await metric(null, 'none')).toEqual(
      failure(404, 'NotFound', 'the server could not find the metric none: no MetricSource offers it in externalMetrics'),
    );
  });

  const say = 'external metric queue_depth of namespace shop is unknown: ';
  it.each<readonly [string, QueryResult, string]>([
    [
      'not known',
      { known: false, reason: 'source-unavailable', detail: 'prometheus/main answered 503', since: start, source: 'prometheus/main' },
      'source-unavailable: prometheus/main answered 503',
    ],
    ['without a value', { ...known, series: [] }, 'missing: the answer has no value'],
    [
      'good for growth only',
      { ...known, doubt: { reason: 'partial', detail: 'the server warns' } },
      'partial: the server warns; it is good for growth only',
    ],
  ])('that is %s is 503, never 0 and never an empty list', async (_, result, reason) => {
    const { metric } = make({ evaluate: async () => result });
    expect(await metric()).toEqual(failure(503, 'ServiceUnavailable', say + reason));
  });

  it('that is good for growth only is served to those who want it so', async () => {
    const doubted = { ...known, doubt: { reason: 'partial', detail: 'the server warns' } } as const;
    const { metric } = make({ evaluate: async () => doubted, doubtful: 'serve' });
    expect((await metric()).status).toBe(200);
  });

  it('is unknown when it takes too long', async () => {
    const { metric, clock } = make({ evaluate: () => new Promise(() => undefined) });
    const answer = metric();
    await clock.advance(8_000);
    expect(await answer).toEqual(failure(503, 'ServiceUnavailable', `${say}source-unavailable: there was no answer within 8 s`));
    expect(clock.pending).toBe(0);
  });

  it('tells a client nothing of a fault, and the log everything', async () => {
    const { metric, problems } = make({ evaluate: async () => Promise.reject(new Error('secret in /var/x')) });
    expect(await metric()).toEqual(
      failure(500, 'InternalError', 'external metric queue_depth could not be evaluated: see the log of the metrics aggregator'),
    );
    expect(problems).toEqual(['external metric queue_depth of namespace shop could not be evaluated: secret in /var/x']);
  });
});

describe('discovery', () => {
  const groupBody = {
    name: 'external.metrics.k8s.io',
    versions: [{ groupVersion: 'external.metrics.k8s.io/v1beta1', version: 'v1beta1' }],
    preferredVersion: { groupVersion: 'external.metrics.k8s.io/v1beta1', version: 'v1beta1' },
  };

  it('lists the group', async () => {
    const { path } = make();
    expect((await path('/apis')).json).toEqual({ kind: 'APIGroupList', apiVersion: 'v1', groups: [groupBody] });
    expect((await path('/apis/external.metrics.k8s.io')).json).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...groupBody });
  });

  it('lists each metric once, by name', async () => {
    const { path } = make();
    const resource = (name: string) => ({ name, singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] });
    expect((await path('/apis/external.metrics.k8s.io/v1beta1')).json).toEqual({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'external.metrics.k8s.io/v1beta1',
      resources: [resource('another'), resource('queue_depth')],
    });
  });

  it('has documents of OpenAPI that lead to each other', async () => {
    const { path } = make();
    expect((await path('/openapi/v2')).json).toMatchObject({ swagger: '2.0', paths: {} });
    const { paths } = (await path('/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> };
    const url = paths['apis/external.metrics.k8s.io/v1beta1']?.serverRelativeURL ?? '';
    expect(url).toMatch(/^\/openapi\/v3\/apis\/external\.metrics\.k8s\.io\/v1beta1\?hash=[0-9A-F]{64}$/);
    expect((await path(url.split('?', 1)[0] ?? '')).json).toMatchObject({ openapi: '3.0.0', paths: {} });
  });

  it.each([
    '/apis/custom.metrics.k8s.io',
    '/apis/external.metrics.k8s.io/v1beta2',
    '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop',
    '/openapi/v4',
  ])('has nothing at %s', async (where) => {
    expect(await make().path(where)).toEqual(failure(404, 'NotFound', 'the server could not find the requested resource'));
  });
});
