import { describe, expect, it } from 'vitest';
import { metricSourceSpec, type MetricSourceSpec } from '../../../metrics-aggregator/index.ts';
import { planQuery } from './plan-query.ts';

const specOf = (more: object = {}): MetricSourceSpec =>
  metricSourceSpec.parse({ url: 'https://prom.example', allowedNamespaces: { names: ['shop'] }, ...more });
const plan = (expression: string, namespace?: string, spec = specOf(), source: string | undefined = 'main') =>
  planQuery(expression, { source, spec, namespace, now: 0 });

describe('planQuery', () => {
  it('sends what is written when nobody is to be confined', () => {
    expect(plan('sum(rate(a{b="c"}[5m])) / count(d)')).toEqual({
      ok: true,
      query: 'sum(rate(a{b="c"}[5m])) / count(d)',
      kind: 'vector',
      selectors: ['a{b="c"}', 'd'],
      fields: [],
    });
    expect(plan('sum(')).toMatchObject({ ok: false, problem: expect.stringContaining('not PromQL') as unknown });
  });

  it('sends what a policy of the namespace would', () => {
    expect(plan('sum(rate(a[5m])) / count(d)', 'shop')).toMatchObject({
      ok: true,
      query: 'sum(rate(a{namespace="shop"}[5m])) / count(d{namespace="shop"})',
      selectors: ['a{namespace="shop"}', 'd{namespace="shop"}'],
    });
    const victoria = plan('a', 'shop', specOf({ type: 'VictoriaMetrics', tenancy: { namespaceLabel: 'ns' } }));
    expect(victoria).toMatchObject({ ok: true, query: 'a{ns="shop"}', fields: [['extra_label', 'ns=shop']] });
  });

  it.each([
    ['a namespace that may not', plan('a', 'blog'), 'MetricSource main does not allow namespace blog'],
    ['another namespace in the query', plan('a{namespace="x"}', 'shop'), 'sees its own namespace only'],
    ['a range that is too long', plan('rate(a[2d])', 'shop'), 'more than the 86400 s'],
  ])('refuses %s', (_, result, text) => {
    expect(result.ok).toBe(false);
    expect(result.ok ? '' : result.problem).toContain(text);
  });

  it('confines to any namespace on a server that no MetricSource declares', () => {
    expect(planQuery('a', { source: undefined, spec: specOf({ allowedNamespaces: undefined }), namespace: 'any', now: 0 })).toMatchObject({
      ok: true,
      query: 'a{namespace="any"}',
    });
  });
});
