import { describe, expect, it } from 'vitest';
import type { MetricQuery, SeriesSample } from '../../core/model/metric-query.ts';
import type { QueryResult } from '../../core/model/metrics-view.ts';
import { aged, judgeQuery, totalOf, withDoubt, type JudgedQueryAnswer } from './query-result.ts';

const now = 1_000_000;
const external: MetricQuery = { kind: 'external', namespace: 'shop', metric: 'queue', metricSelector: '' };
const pods: MetricQuery = { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'qps', metricSelector: '' };
const prometheus = (emptyMeans: 'unknown' | 'zero'): MetricQuery => ({
  kind: 'prometheus',
  namespace: 'shop',
  source: 'main',
  query: 'up',
  emptyMeans,
});

const sample = (milli: bigint, timestamp = now - 1000): SeriesSample => ({ object: '', labels: {}, milli, timestamp, windowMs: undefined });
const ok = (series: readonly SeriesSample[], extra: Partial<Extract<JudgedQueryAnswer, { ok: true }>> = {}): JudgedQueryAnswer => ({
  ok: true,
  series,
  warnings: [],
  invalid: 0,
  ...extra,
});
const down: JudgedQueryAnswer = { ok: false, reason: 'source-unavailable', detail: 'answered 503' };

function judge(
  answer: JudgedQueryAnswer,
  { query = external, previous, at = now }: { query?: MetricQuery; previous?: QueryResult; at?: number } = {},
) {
  return judgeQuery(answer, { query, previous, now: at, maxAgeMs: 180_000 });
}

describe('judgeQuery, by the table of §A.8', () => {
  it('takes fresh values as they are', () => {
    const result = judge(ok([sample(1500n), sample(500n)]));
    expect(result).toMatchObject({ known: true, coverage: 1, doubt: undefined, at: now });
    expect(totalOf(result)).toBe(2);
  });

  it.each<[string, JudgedQueryAnswer, MetricQuery, object]>([
    ['nothing is unknown, not zero', ok([]), external, { known: false, reason: 'missing' }],
    ['nothing of a query is unknown', ok([]), prometheus('unknown'), { known: false, reason: 'missing' }],
    ['nothing is zero where the policy says so', ok([]), prometheus('zero'), { known: true, series: [{ milli: 0n }] }],
    [
      'but not if a part may be what is missing',
      ok([], { warnings: ['store down'] }),
      prometheus('zero'),
      { known: false, reason: 'missing' },
    ],
    ['NaN is no number', ok([], { invalid: 2 }), prometheus('zero'), { known: false, reason: 'invalid' }],
    ['a warning is a part', ok([sample(1n)], { warnings: ['store down'] }), external, { known: true, doubt: { reason: 'partial' } }],
    [
      'a sum that lacks a value is a part',
      ok([sample(1n)], { invalid: 1 }),
      external,
      { known: true, coverage: 0.5, doubt: { reason: 'partial' } },
    ],
    [
      'a pod without a value is dealt with pod by pod',
      ok([sample(1n)], { invalid: 1 }),
      pods,
      { known: true, coverage: 0.5, doubt: undefined },
    ],
    ['an old value is none', ok([sample(1n, now - 180_001)]), external, { known: false, reason: 'stale' }],
    [
      'one old value of two is a part',
      ok([sample(1n), sample(1n, now - 180_001)]),
      external,
      { known: true, doubt: { reason: 'partial' } },
    ],
    [
      'a value of the future is used and flagged',
      ok([sample(1n, now + 60_000)]),
      external,
      { known: true, doubt: { reason: 'clock-skew' } },
    ],
    ['an absent source', { ok: false, reason: 'source-absent', detail: 'nobody' }, external, { known: false, reason: 'source-absent' }],
  ])('%s', (_, answer, query, expected) => {
    expect(judge(answer, { query })).toMatchObject(expected);
  });

  it('flags a timestamp that goes back, but not the second between two replicas of an adapter', () => {
    const previous = judge(ok([sample(1n, now - 10_000)]));
    expect(judge(ok([sample(1n, now - 60_000)]), { previous })).toMatchObject({ doubt: { reason: 'clock-skew' } });
    expect(judge(ok([sample(1n, now - 12_000)]), { previous })).toMatchObject({ doubt: undefined });
  });

  it('holds the last value of a source that is down, for growth only and until it is too old', () => {
    const first = judge(ok([sample(7n)]));
    const second = judge(down, { previous: first, at: now + 15_000 });
    expect(second).toMatchObject({
      known: true,
      series: [{ milli: 7n }],
      at: now,
      doubt: { reason: 'source-unavailable', since: now + 15_000 },
    });
    const third = judge(down, { previous: second, at: now + 30_000 });
    expect(third).toMatchObject({ known: true, doubt: { since: now + 15_000 } });
    const last = judge(down, { previous: third, at: now + 180_001 });
    expect(last).toMatchObject({ known: false, reason: 'source-unavailable', since: now + 15_000 });
    expect(judge(ok([sample(8n, now + 190_000)]), { previous: last, at: now + 190_000 })).toMatchObject({ known: true, doubt: undefined });
  });

  it('does not hold a value of a question that is refused or has no answer', () => {
    const previous = judge(ok([sample(7n)]));
    expect(judge({ ok: false, reason: 'refused', detail: 'no' }, { previous })).toMatchObject({ known: false, reason: 'refused' });
    expect(judge({ ok: false, reason: 'missing', detail: 'no such metric' }, { previous })).toMatchObject({
      known: false,
      reason: 'missing',
    });
  });
});

describe('results as time passes', () => {
  it('are none any more when nobody has renewed them', () => {
    const result = judge(ok([sample(7n)]));
    expect(aged(result, now + 180_000, 180_000)).toBe(result);
    expect(aged(result, now + 180_001, 180_000)).toMatchObject({ known: false, reason: 'stale', since: now });
  });

  it('get the doubt of their source, unless they have one of their own', () => {
    const doubt = { reason: 'outage' as const, detail: 'all at once' };
    expect(withDoubt(judge(ok([sample(7n)])), doubt)).toMatchObject({ doubt });
    expect(withDoubt(judge(ok([sample(7n)], { warnings: ['x'] })), doubt)).toMatchObject({ doubt: { reason: 'partial' } });
    expect(withDoubt(judge(ok([])), doubt)).toMatchObject({ known: false });
  });
});
