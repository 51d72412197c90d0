import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluatingFake, type EvaluatingFake, type FakeLimits, type FakeSeries } from './evaluating-fake.ts';
import { createPrometheusClient, type PrometheusClient } from './prometheus-client.ts';
import type { RangeAnswer } from './range-query.ts';
import { defaultLimits, type PrometheusLimits } from './source-limits.ts';

const start = 1_700_000_000_000;

function seriesOf(pods: number, cpus = 1): FakeSeries[] {
  return Array.from({ length: pods * cpus }, (_, index) => ({
    labels: { __name__: 'x', pod: `pod.${Math.floor(index / cpus)}`, cpu: String(index % cpus) },
    // Some have gaps, and begin or end within the range.
    value: (at) => ((at / 1000 + index) % 7 < index % 3 ? undefined : (Math.floor(at / 1000) % 1000) + index / 4),
  }));
}

function clientOf(fake: EvaluatingFake, limits: Partial<PrometheusLimits> = {}, maxConcurrentRanges?: number): PrometheusClient {
  return createPrometheusClient({ http: fake.http, name: 'main', limits: { ...defaultLimits, ...limits }, maxConcurrentRanges });
}

function plain(answer: RangeAnswer): unknown {
  if (!answer.ok) return answer;
  const series = answer.series.map(({ labels, timestamps, values }) => ({
    labels,
    points: Array.from(timestamps, (time, index) => [time, values[index]]),
  }));
  return series.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function expected(fake: EvaluatingFake, query: string, range: { start: number; end: number; step: number }): unknown {
  return fake.evaluate(query, range).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe('a range in pieces is the range', () => {
  const scenario = fc.record({
    query: fc.constantFrom('x', 'x{cpu="0"}', 'sum by (pod) (x)', 'sum by (cpu, pod) (x)', 'sum(x)', 'x @ start()', 'x @ end()'),
    pods: fc.integer({ min: 1, max: 9 }),
    cpus: fc.integer({ min: 1, max: 2 }),
    step: fc.constantFrom(1000, 15_000, 60_000, 333),
    length: fc.integer({ min: 0, max: 200 }),
    rest: fc.integer({ min: 0, max: 300 }),
    maxPoints: fc.constantFrom(7, 50, 11_000),
    limits: fc.record<FakeLimits>({
      points: fc.constantFrom(10, 25, 11_000),
      samples: fc.constantFrom(40, 200, 1_000_000),
      series: fc.constantFrom(3, 1_000_000),
    }),
  });

  test('whatever the limits are: the same points, each once, or a failure', async () => {
    let whole = 0;
    let split = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ query, pods, cpus, step, length, rest, maxPoints, limits }) => {
        const fake = evaluatingFake(seriesOf(pods, cpus), limits);
        const range = { start, end: start + length * step + Math.min(rest, step - 1), step };
        const answer = await clientOf(fake, { maxPoints }).range({ query, ...range });
        // What cannot be split (a sum over all) may fail; nothing is ever wrong.
        const right = answer.ok ? plain(answer) : expected(fake, query, range);
        expect(right).toEqual(expected(fake, query, range));
        expect(answer.ok || answer.limit !== undefined || answer.reason === 'refused').toBe(true);
        whole += Number(answer.ok);
        split += Number(answer.ok && answer.requests > 1);
      }),
      { numRuns: 200 },
    );
    expect(whole).toBeGreaterThan(120);
    expect(split).toBeGreaterThan(50);
  });

  test('no point is asked for twice, and none is left out', async () => {
    const fake = evaluatingFake(seriesOf(2));
    const step = 60_000;
    const answer = await clientOf(fake, { maxPoints: 100 }).range({ query: 'x', start, end: start + 1000 * step, step });
    expect(answer).toMatchObject({ ok: true, requests: 11 });
    const asked = fake.queries.map((form) => ['start', 'end'].map((name) => Number(form.find(([key]) => key === name)?.[1]) * 1000));
    for (const [index, [from, to]] of asked.entries()) {
      expect(from).toBe(start + index * 100 * step);
      expect(to).toBe(Math.min(start + (index * 100 + 99) * step, start + 1000 * step));
    }
  });

  test('the size that the server takes is learned once', async () => {
    const fake = evaluatingFake(seriesOf(1), { points: 30 });
    const answer = await clientOf(fake, { maxPoints: 100 }).range({ query: 'x', start, end: start + 399_000, step: 1000 });
    expect(answer.ok).toBe(true);
    // 100 and 50 are refused once, then all are of 25.
    expect(answer.ok && answer.requests).toBe(18);
  });

  test('too many series: they are split by a label, and only then', async () => {
    const fake = evaluatingFake(seriesOf(8), { series: 3 });
    const range = { start, end: start + 10_000, step: 1000 };
    const answer = await clientOf(fake).range({ query: 'x', ...range });
    expect(plain(answer)).toEqual(expected(fake, 'x', range));
    expect(fake.queries.length).toBe(7);
    expect(fake.queries.at(-1)?.[0]?.[1]).toMatch(/^x\{pod!~".*",pod!~".*"\}$/);
  });

  test('a sum over all cannot be split by series', async () => {
    const fake = evaluatingFake(seriesOf(8), { series: 3 });
    const answer = await clientOf(fake).range({ query: 'sum(x)', start, end: start, step: 1000 });
    expect(answer).toMatchObject({
      ok: false,
      limit: 'series',
      detail: expect.stringContaining('could not be asked for in smaller pieces') as string,
    });
    expect(fake.queries).toHaveLength(1);
  });

  test('one question does not become a flood', async () => {
    const fake = evaluatingFake(seriesOf(1));
    const answer = await clientOf(fake, { maxPoints: 10 }).range({ query: 'x', start, end: start + 9_999_000, step: 1000 });
    expect(answer).toMatchObject({ ok: false, reason: 'refused', detail: expect.stringContaining('more than 256 requests') as string });
    expect(fake.requests.length).toBe(256);
  });

  test('a query whose meaning hangs on the range is not split', async () => {
    const fake = evaluatingFake(seriesOf(1));
    const request = { query: 'x + start()', start, end: start + 99_000, step: 1000 };
    expect(await clientOf(fake, { maxPoints: 50 }).range(request)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('cannot be asked for in pieces') as string,
    });
    expect((await clientOf(fake, { maxPoints: 100 }).range(request)).ok).toBe(true);
  });

  test('series of the whole answer are bounded', async () => {
    const fake = evaluatingFake(seriesOf(8));
    expect(await clientOf(fake, { maxSeries: 5 }).range({ query: 'x', start, end: start, step: 1000 })).toMatchObject({
      ok: false,
      reason: 'refused',
    });
    expect((await clientOf(fake, { maxSeries: 5 }).range({ query: 'x', start, end: start, step: 1000 }, { maxSeries: 8 })).ok).toBe(true);
  });

  test.each([
    { start, end: start - 1, step: 1000 },
    { start, end: start, step: 0 },
    { start, end: start, step: 0.5 },
    { start: 0.5, end: start, step: 1 },
    { start: Number.NaN, end: start, step: 1 },
  ])('%j is no range', async (range) => {
    const fake = evaluatingFake([]);
    expect(await clientOf(fake).range({ query: 'x', ...range })).toMatchObject({ ok: false, reason: 'refused' });
    expect(fake.requests).toHaveLength(0);
  });
});

test('one range query at a time, unless told', async () => {
  const range = { query: 'x', start, end: start + 99_000, step: 1000 };
  const one = evaluatingFake(seriesOf(1));
  const client = clientOf(one, { maxPoints: 20 });
  await Promise.all([client.range(range), client.range(range), client.range(range)]);
  expect(one.mostAtOnce).toBe(1);
  const two = evaluatingFake(seriesOf(1));
  const wide = clientOf(two, { maxPoints: 20 }, 2);
  await Promise.all([wide.range(range), wide.range(range), wide.range(range)]);
  expect(two.mostAtOnce).toBe(2);
});
