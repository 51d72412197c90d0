import { describe, expect, it } from 'vitest';
import { countSeries } from './count-series.ts';
import type { PrometheusClient } from '../../../metrics-aggregator/index.ts';
import { loosen, metricOf } from './selector-parts.ts';

/** Answers from a table of queries; what is not in it is empty. */
function client(values: Readonly<Record<string, string>>, names: readonly string[] = []): PrometheusClient & { readonly asked: string[] } {
  const asked: string[] = [];
  const item = (value: string): object => ({ labels: {}, timestamp: 1_000_000, value, histogram: false });
  const instant = (query: string): Promise<object> => {
    asked.push(query);
    const value = values[query];
    if (value === 'fails')
      return Promise.resolve({ ok: false, reason: 'source-unavailable', detail: 'MetricSource main could not answer (503)' });
    return Promise.resolve({ ok: true, resultType: 'vector', series: value === undefined ? [] : [item(value)], warnings: [] });
  };
  const labelValues = (): Promise<object> => Promise.resolve({ ok: true, items: names, warnings: [] });
  return { asked, instant, labelValues } as unknown as PrometheusClient & { readonly asked: string[] };
}

describe('countSeries', () => {
  it('counts, and tells the ages by the clock of the server', async () => {
    const [count] = await countSeries(client({ 'count(a)': '12', 'max(timestamp(a))': '995', 'min(timestamp(a))': '980.5' }), ['a']);
    expect(count).toEqual({
      selector: 'a',
      series: 12,
      newestAgeMs: 5_000,
      oldestAgeMs: 19_500,
      problem: undefined,
      loosened: [],
      similar: undefined,
    });
  });

  it('finds the matcher that is at fault', async () => {
    const [count] = await countSeries(client({ 'count(a{namespace="shop"})': '7', 'count(a)': '40' }), ['a{job="x",namespace="shop"}']);
    expect(count?.series).toBe(0);
    expect(count?.loosened).toEqual([
      { without: 'job="x"', series: 7 },
      { without: 'job="x",namespace="shop"', series: 40 },
    ]);
  });

  it('proposes a name where there is no such metric', async () => {
    const names = ['http_requests_total', 'up', 'x'.repeat(100_000)];
    const [count] = await countSeries(client({}, names), ['http_request_totl{namespace="shop"}']);
    expect(count).toMatchObject({ series: 0, loosened: [], similar: 'http_requests_total' });
    const [there] = await countSeries(client({}, ['up']), ['up']);
    expect(there?.similar, 'a metric that only has no samples now').toBeUndefined();
  });

  it('says where it cannot be counted, which is not zero', async () => {
    const [count] = await countSeries(client({ 'count(a)': 'fails' }), ['a']);
    expect(count).toMatchObject({ series: undefined, problem: 'MetricSource main could not answer (503)' });
  });

  it('asks a bounded number of questions', async () => {
    const fake = client({});
    const selectors = Array.from({ length: 100 }, (_, index) => `m${index}`);
    expect(await countSeries(fake, selectors)).toHaveLength(20);
    expect(fake.asked).toHaveLength(20);
  });
});

describe('loosen', () => {
  it.each([
    ['a{x="1"}', ['x="1" → a']],
    ['a{x="1",y=~"2"}', ['x="1" → a{y=~"2"}', 'y=~"2" → a{x="1"}', 'x="1",y=~"2" → a']],
    ['{__name__="a",x="1"}', ['x="1" → {__name__="a"}']],
    ['a', []],
    ['{x="1"}', []],
    ['{x="1",y="2"}', []],
    ['sum(a) + b', []],
    ['not PromQL {', []],
  ])('%s', (selector, expected) => {
    expect(loosen(selector).map(({ without, selector: text }) => `${without} → ${text}`)).toEqual(expected);
  });

  it('is bounded', () => {
    const many = Array.from({ length: 40 }, (_, index) => `l${index}="v"`).join();
    expect(loosen(`a{${many}}`)).toHaveLength(9);
  });
});

it('metricOf is the name that is asked for', () => {
  expect([metricOf('a{x="1"}'), metricOf('{__name__="b"}'), metricOf('{__name__=~"b.*"}'), metricOf('')]).toEqual([
    'a',
    'b',
    undefined,
    undefined,
  ]);
});
