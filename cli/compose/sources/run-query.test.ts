import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { metricSourceSpec } from '../../../metrics-aggregator/index.ts';
import type { PrometheusFromSpec } from '../../../metrics-aggregator/index.ts';
import { runQuery, type QueryRequest } from './run-query.ts';

const spec = metricSourceSpec.parse({ url: 'https://prom.example', allowedNamespaces: { all: true } });
const item = (value: string, histogram = false): object => ({ labels: { pod: 'a' }, timestamp: 1_000_000, value, histogram });

interface Fake {
  readonly instant?: object;
  readonly range?: object;
  readonly policy?: object;
}

function request(fake: Fake, change: Partial<QueryRequest> = {}): QueryRequest & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const say = (answer: object | undefined) => (question: unknown) => {
    asked.push(question);
    return Promise.resolve(answer ?? { ok: true, resultType: 'vector', series: [], warnings: [] });
  };
  const client = { instant: say(fake.instant), range: say(fake.range), labelValues: say({ ok: true, items: [], warnings: [] }) };
  const prometheus = { client, source: { ask: say(fake.policy) } } as unknown as PrometheusFromSpec;
  return {
    source: 'main',
    spec,
    prometheus,
    expression: 'sum(a)',
    namespace: undefined,
    range: undefined,
    clock: new VirtualClock(2_000_000),
    asked,
    ...change,
  };
}

describe('runQuery', () => {
  it('tells values, warnings and what was sent', async () => {
    const report = await runQuery(
      request({ instant: { ok: true, resultType: 'vector', series: [item('1.5'), item('', true)], warnings: ['w'] } }),
    );
    expect(report).toMatchObject({
      kind: 'ConcertinaSourceQuery',
      version: 1,
      ok: true,
      query: 'sum(a)',
      result: { type: 'vector', series: 2, values: [{ value: '1.5', labels: { pod: 'a' } }, { value: 'histogram' }] },
      warnings: ['w'],
      asPolicy: null,
      problem: null,
    });
    expect(report.selectors.map(({ selector }) => selector)).toEqual(['a']);
  });

  it('is sent nowhere when it is refused', async () => {
    const refused = request({}, { expression: 'a{namespace="x"}', namespace: 'shop' });
    const report = await runQuery(refused);
    expect(report).toMatchObject({ ok: false, query: null, reason: 'refused', result: null, latencyMs: null });
    expect(refused.asked).toEqual([]);
  });

  it('a failure is told with its reason, and the selectors all the same', async () => {
    const report = await runQuery(
      request({ instant: { ok: false, reason: 'source-unavailable', detail: 'MetricSource main could not answer (503)' } }),
    );
    expect(report).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
      problem: 'MetricSource main could not answer (503)',
      result: null,
    });
    expect(report.selectors).toMatchObject([{ selector: 'a', series: null }]);
  });

  it.each([
    [
      { ok: true, series: [{ object: '', labels: {}, milli: -1_250n, timestamp: 0, windowMs: undefined }], warnings: [], invalid: 0 },
      { value: '-1.25', problem: null },
    ],
    [
      { ok: true, series: [{ object: '', labels: {}, milli: 3_000n, timestamp: 0, windowMs: undefined }], warnings: [], invalid: 0 },
      { value: '3', problem: null },
    ],
    [
      { ok: true, series: [], warnings: [], invalid: 1 },
      { value: null, problem: 'the value is NaN or infinite, which is unknown to a policy' },
    ],
    [
      { ok: true, series: [], warnings: [], invalid: 0 },
      { value: null, problem: 'there is no series, which is unknown to a policy, or 0 to one with emptyMeans: Zero' },
    ],
    [
      { ok: false, reason: 'invalid', detail: 'gives 2 series' },
      { value: null, problem: 'gives 2 series' },
    ],
  ])('what a policy gets: %o', async (policy, expected) => {
    expect((await runQuery(request({ policy }, { namespace: 'shop' }))).asPolicy).toEqual(expected);
  });

  it('asks for a range, and keeps NaN apart from numbers', async () => {
    const values = {
      labels: {},
      timestamps: Float64Array.of(1_000, 2_000, 3_000),
      values: Float64Array.of(4, Number.NaN, 2),
      histograms: 0,
    };
    const asked = request(
      { range: { ok: true, series: [values], warnings: [], requests: 1 } },
      { range: { lengthMs: 60_000, stepMs: 1_000 } },
    );
    const report = await runQuery(asked);
    expect(asked.asked[0]).toEqual({ query: 'sum(a)', start: 1_940_000, end: 2_000_000, step: 1_000 });
    expect(report.result).toEqual({
      type: 'matrix',
      series: 1,
      values: [],
      ranges: [
        {
          labels: {},
          points: 3,
          first: 4,
          last: 2,
          min: 2,
          max: 4,
          values: [
            [1, 4],
            [2, 'NaN'],
            [3, 2],
          ],
        },
      ],
    });
    expect(await runQuery(request({}, { expression: 'a[5m]', range: { lengthMs: 60_000, stepMs: 1_000 } }))).toMatchObject({
      ok: false,
      reason: 'refused',
    });
  });

  it('holds a bounded part of a large answer', async () => {
    const many = Array.from({ length: 900 }, () => item('1'));
    expect((await runQuery(request({ instant: { ok: true, resultType: 'vector', series: many, warnings: [] } }))).result).toMatchObject({
      series: 900,
      values: { length: 500 },
    });
    const long = { labels: {}, timestamps: new Float64Array(90_000), values: new Float64Array(90_000), histograms: 0 };
    const range = { ok: true, series: [long, long, long], warnings: [], requests: 1 };
    expect((await runQuery(request({ range }, { range: { lengthMs: 90_000_000, stepMs: 1_000 } }))).result).toMatchObject({
      series: 3,
      ranges: { length: 2 },
    });
  });
});
