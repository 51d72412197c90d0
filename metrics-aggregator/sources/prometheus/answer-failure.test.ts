import { describe, expect, test } from 'vitest';
import { failureOfAnswer, failureOfHttp, limitOf } from './answer-failure.ts';
import { cleanText, mergeWarnings, parseEnvelope } from './envelope.ts';
import { flavourFields } from './flavour.ts';

describe('texts about limits', () => {
  test.each([
    ['points', 'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)'],
    ['points', 'too many points for the given start=1, end=2 and step=1; cannot exceed -search.maxPointsPerTimeseries=30000'],
    ['length', 'the query time range exceeds the limit (query length: 800h0m0s, limit: 768h0m0s) (err-mimir-max-query-length)'],
    ['samples', 'query processing would load too many samples into memory in query execution'],
    ['samples', 'cannot process more than -search.maxSamplesPerQuery=1000000000 samples'],
    ['series', 'the query exceeded the maximum number of series (limit: 100000 series) (err-mimir-max-series-per-query)'],
    ['series', 'the query exceeded the maximum number of chunks (limit: 2000000 chunks) (err-mimir-max-chunks-per-query)'],
    ['series', 'cannot select more than -search.maxUniqueTimeseries=300000 time series'],
    ['series', 'exceeded series limit: limit 1000 violated (got 1001)'],
    [
      'bytes',
      'the query exceeded the maximum allowed estimated amount of memory consumed by a single query (err-mimir-max-estimated-memory-consumption-per-query)',
    ],
  ])('%s: %s', (limit, text) => {
    expect(limitOf(text)).toBe(limit);
  });

  test.each([
    '',
    'found duplicate series for the match group',
    'parse error: unexpected end of input',
    'query timed out in expression evaluation',
  ])('none: %s', (text) => {
    expect(limitOf(text)).toBeUndefined();
  });
});

test('an answer without a text is told by its status', () => {
  const failed = { name: 'main', path: '/api/v1/query', envelope: undefined, retryAfterMs: undefined };
  expect(failureOfAnswer({ ...failed, status: 502 }).detail).toBe('MetricSource main could not answer (502)');
  expect(failureOfAnswer({ ...failed, status: 422 })).toMatchObject({ reason: 'refused' });
  expect(failureOfAnswer({ ...failed, status: 413 })).toMatchObject({ reason: 'refused' });
});

test('only an answer that is too long may be asked for in pieces', () => {
  const failure = { ok: false as const, detail: 'x', transient: false };
  expect(failureOfHttp({ ...failure, kind: 'too-large' })).toMatchObject({ reason: 'partial', limit: 'bytes' });
  expect(failureOfHttp({ ...failure, kind: 'redirect' })).not.toHaveProperty('limit');
});

describe('what is around the data', () => {
  test('is read, or is none', () => {
    expect(parseEnvelope('{"status":"error","errorType":"a","error":"b\\u0000c"}')).toMatchObject({
      status: 'error',
      errorType: 'a',
      error: 'b c',
      warnings: [],
    });
    expect(['', '[]', 'null', '{"status":5}', '{"status":"ok"}', '{'].map(parseEnvelope)).toEqual(
      Array.from({ length: 6 }, () => undefined),
    );
  });

  test('foreign text is one line, cut between characters', () => {
    expect(cleanText(' a\r\n\tb\u001b[31m\u202ec ', 50)).toBe('a b [31m c');
    expect(cleanText('😀😀😀', 4)).toBe('😀…');
  });

  test('warnings of many answers are few', () => {
    expect(mergeWarnings([['a', 'b'], ['a'], ['c', 'd', 'e', 'f']])).toEqual(['a', 'b', 'c', 'd', 'and 2 more warnings']);
  });
});

test('how far back a range looks is said in each server’s own way', () => {
  const request = { options: { lookbackSeconds: 60 }, use: 'range' as const, maxSeries: 5 };
  expect(flavourFields({ ...request, type: 'Prometheus' })).toEqual([['lookback_delta', '60s']]);
  expect(flavourFields({ ...request, type: 'Mimir' })).toEqual([['lookback_delta', '60s']]);
  expect(flavourFields({ ...request, type: 'VictoriaMetrics' })).toEqual([
    ['nocache', '1'],
    ['max_lookback', '60s'],
  ]);
  expect(flavourFields({ ...request, type: 'VictoriaMetrics', use: 'names' })).toEqual([]);
});
