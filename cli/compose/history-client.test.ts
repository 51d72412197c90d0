import { expect, test } from 'vitest';
import type { BuiltSource } from '../../metrics-aggregator/index.ts';
import { createHistoryClient } from './history-client.ts';

type Range = NonNullable<BuiltSource['range']>;
type Answer = Awaited<ReturnType<Range>>;

const query = { query: 'x', start: 0, end: 60_000, stepMs: 60_000 };

async function ask(answer: Answer | undefined) {
  const client = createHistoryClient('past', () => (answer === undefined ? undefined : () => Promise.resolve(answer)));
  const labels: unknown[] = [];
  return { answer: await client.queryRange(query, (series) => labels.push(series.labels)), labels };
}

test('series are given away one by one', async () => {
  const item = { labels: { pod: 'a' }, timestamps: Float64Array.of(0), values: Float64Array.of(1), histograms: 0 };
  expect(await ask({ ok: true, series: [item], warnings: [], requests: 1 })).toEqual({
    answer: { ok: true, requests: 1 },
    labels: [{ pod: 'a' }],
  });
});

test('a MetricSource that is not set up is not there yet', async () => {
  expect((await ask(undefined)).answer).toMatchObject({ ok: false, reason: 'source-absent', notYet: true, tooMuch: false });
});

test.each([
  ['the server says so', { reason: 'refused', status: 422, limit: 'samples' }, true],
  ['its answer has more series than are taken', { reason: 'refused', status: 200 }, true],
  ['the question is at fault', { reason: 'refused', status: 400 }, false],
  ['the credentials are', { reason: 'refused', status: 401 }, false],
  ['the address is not permitted', { reason: 'refused' }, false],
  ['it is down', { reason: 'source-unavailable', status: 503 }, false],
] as const)('whether smaller pieces may be answered: %s', async (_, failure, tooMuch) => {
  expect((await ask({ ok: false, detail: 'why', ...failure })).answer).toEqual({
    ok: false,
    reason: failure.reason,
    message: 'why',
    tooMuch,
  });
});
