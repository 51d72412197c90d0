import { describe, expect, it } from 'vitest';
import type { ExternalQuery, MetricQuery } from '../../../core/model/metric-query.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { fakeClient, pageNotFound, statusAnswer, type FakeAnswer } from '../metric-list/test-support.ts';
import { createExternalMetricsSource } from './index.ts';

const now = Date.UTC(2026, 10, 22, 6, 12, 30);
const timestamp = Date.UTC(2026, 10, 22, 6, 12, 10);
const query: ExternalQuery = { kind: 'external', namespace: 'shop', metric: 'queue', metricSelector: '' };

const item = (value: unknown, extra: object = {}) => ({
  metricName: 'queue',
  metricLabels: { q: 'a' },
  timestamp: '2026-11-22T06:12:10Z',
  value,
  ...extra,
});
const list = (...items: unknown[]) => ({
  kind: 'ExternalMetricValueList',
  apiVersion: 'external.metrics.k8s.io/v1beta1',
  metadata: {},
  items,
});

async function ask(answer: FakeAnswer, asked: MetricQuery = query, maxBytes?: number) {
  const { client, paths } = fakeClient(() => answer);
  const source = createExternalMetricsSource({ client, clock: new VirtualClock(now), timeoutMs: 1_000, maxBytes });
  return { answer: await source.ask!(asked, new AbortController().signal), paths };
}

describe('the source of external metrics', () => {
  it('asks in the namespace, everything encoded', async () => {
    expect((await ask(list())).paths).toEqual(['/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue']);
    expect((await ask(list(), { ...query, metric: 's0:rabbit mq', metricSelector: 'q in (a,b)' })).paths).toEqual([
      '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/s0%3Arabbit%20mq?labelSelector=q%20in%20%28a%2Cb%29',
    ]);
  });

  it('gives each series with its labels, exactly', async () => {
    const { answer } = await ask(
      list(item('42', { window: 60 }), item('1500u', { metricLabels: { q: 'b', n: 1 } }), item('7', { metricLabels: null })),
    );
    expect(answer).toEqual({
      ok: true,
      series: [
        { object: '', labels: { q: 'a' }, milli: 42_000n, timestamp, windowMs: 60_000 },
        { object: '', labels: { q: 'b' }, milli: 2n, timestamp, windowMs: undefined },
        { object: '', labels: {}, milli: 7_000n, timestamp, windowMs: undefined },
      ],
      warnings: [],
      invalid: 0,
    });
  });

  it('leaves out and counts what is no quantity or has no time', async () => {
    const { answer } = await ask(list(item('NaN'), item('1', { timestamp: 'x' }), 'text', item('1', { timestamp: undefined })));
    expect(answer).toMatchObject({ ok: true, series: [{ timestamp: now }], invalid: 3 });
    expect((await ask(list())).answer).toEqual({ ok: true, series: [], warnings: [], invalid: 0 });
  });

  it('maps failures as the table says', async () => {
    const reason = async (answer: FakeAnswer) => {
      const { answer: failure } = await ask(answer);
      return failure.ok ? 'ok' : failure.reason;
    };
    expect(await reason(pageNotFound)).toBe('source-absent');
    expect(await reason(statusAnswer(404, 'NotFound', 'the server could not find the metric queue for x'))).toBe('missing');
    expect(await reason(statusAnswer(503, 'ServiceUnavailable', 'x'))).toBe('source-unavailable');
    expect(await reason({ status: 200, body: '<html></html>' })).toBe('invalid');
    expect(await reason({ kind: 'MetricValueList', items: [] })).toBe('invalid');
    expect((await ask(statusAnswer(403, 'Forbidden', 'x'))).answer).toMatchObject({
      reason: 'refused',
      detail: expect.stringContaining(
        'grant the verb list on the resource "queue" of API group external.metrics.k8s.io in namespace "shop"',
      ) as string,
    });
    expect((await ask(list(item('1')), query, 10)).answer).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('refuses what it cannot ask', async () => {
    for (const asked of [
      { ...query, metric: 'a/b' },
      { ...query, namespace: '' },
      { ...query, kind: 'pods', selector: '' },
    ] as MetricQuery[]) {
      const { answer, paths } = await ask(list(), asked);
      expect([answer.ok, !answer.ok && answer.reason, paths.length]).toEqual([false, 'refused', 0]);
    }
  });
});
