import { describe, expect, it } from 'vitest';
import type { MetricQuery } from '../../../core/model/metric-query.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { parseMetricSource, type QueryAnswer } from '../../../metrics-aggregator/index.ts';
import { judgeAnswers, judgeSourceUse } from './query-checks.ts';
import type { SourceFacts } from './sources.ts';
import { forbidden, policyFacts, read } from './test-support.ts';

const asking = (query: string, place = 'shop/web', source = 'main') =>
  policyFacts(place, { spec: { metrics: [{ type: 'Prometheus', prometheus: { source, query, target: { type: 'Value', value: '1' } } }] } });

function source(spec: object = { allowedNamespaces: { names: ['shop'] } }): SourceFacts {
  const raw: KubeObject = { metadata: { name: 'main' }, spec: { url: 'https://prom.example', ...spec } };
  return {
    name: 'main',
    raw,
    parsed: parseMetricSource(raw),
    secrets: [],
    ready: undefined,
    version: undefined,
    probe: undefined,
    asked: [],
  };
}

describe('what policies ask of MetricSources', () => {
  const use = (policy: ReturnType<typeof asking>, facts: readonly SourceFacts[] = [source()]) =>
    judgeSourceUse([policy], read(facts), 0)[0];

  it('is well', () => {
    expect(use(asking('sum(rate(x[5m]))'))).toMatchObject({
      status: 'OK',
      message: '1 metric of policies may be asked of their MetricSources',
    });
    expect(judgeSourceUse([policyFacts('shop/web')], read([]), 0)).toEqual([]);
    expect(judgeSourceUse([asking('x')], forbidden, 0)[0]?.status).toBe('SKIPPED');
  });

  it.each([
    ['of a source that is not there', asking('x', 'shop/web', 'other'), 'MetricSource other, which does not exist'],
    ['from a namespace that may not', asking('x', 'blog/web'), 'MetricSource main does not allow namespace blog'],
    ['of another namespace', asking('x{namespace="blog"}'), 'is refused'],
    ['over too long a time', asking('rate(x[2d])'), 'is refused'],
    ['that is no PromQL', asking('sum('), 'is not PromQL'],
  ])('a query %s fails', (_, policy, text) => {
    const check = use(policy);
    expect(check?.status).toBe('FAIL');
    expect(check?.message).toContain(policy.name);
    expect(check?.message).toContain(text);
  });

  it('goes by the label, the limit and the validity of the source', () => {
    const label = source({ allowedNamespaces: { all: true }, tenancy: { namespaceLabel: 'ns' } });
    expect(use(asking('x{namespace="blog"}'), [label])?.status).toBe('OK');
    expect(use(asking('x{ns="blog"}'), [label])?.status).toBe('FAIL');
    expect(use(asking('rate(x[2d])'), [source({ allowedNamespaces: { all: true }, limits: { maxRangeSeconds: 200_000 } })])?.status).toBe(
      'OK',
    );
    expect(use(asking('x'), [source({ url: 'ftp://x' })])?.message).toContain('cannot be used');
  });
});

describe('the answers to what policies ask', () => {
  const query: MetricQuery = { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'qps', metricSelector: '' };
  const value: QueryAnswer = {
    ok: true,
    series: [{ object: 'a', labels: {}, milli: 5n, timestamp: 1_000_000, windowMs: undefined }],
    warnings: [],
    invalid: 0,
  };
  const judge = (answer: QueryAnswer, { native = false, left = 0, now = 1_010_000 } = {}) =>
    judgeAnswers([{ query, answer }], { askerOf: () => ({ name: 'HorizontalPolicy shop/web', native }), left, now })[0];

  it.each([
    [value, 'OK', '1 metric of policies were asked and answered'],
    [
      { ok: false, reason: 'missing', detail: 'no such metric' },
      'FAIL',
      'HorizontalPolicy shop/web: Pods metric qps is not known (missing): no such metric',
    ],
    [{ ...value, series: [] }, 'FAIL', 'was answered without a value'],
    [{ ...value, series: [], invalid: 2 }, 'FAIL', '2 values, none of them a number'],
    [{ ...value, warnings: ['store-1 is away'] }, 'WARN', 'good for growth and not for shrinking: store-1 is away'],
  ] as [QueryAnswer, string, string][])('%o: %s', (answer, status, text) => {
    const check = judge(answer);
    expect(check?.status).toBe(status);
    expect(check?.message).toContain(text);
  });

  it('are old, or of a native HPA, or too many to be asked', () => {
    expect(judge(value, { now: 1_400_000 })).toMatchObject({ status: 'WARN', values: { ageSeconds: 400 } });
    expect(judge({ ok: false, reason: 'missing', detail: '' }, { native: true })?.status).toBe('WARN');
    expect(judge(value, { left: 7 })?.message).toContain('7 more were not asked');
    expect(judgeAnswers([], { askerOf: () => ({ name: '', native: false }), left: 0, now: 0 })).toEqual([]);
  });
});
