import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createPrometheusServer } from '../../../simulator/cluster/prometheus/index.ts';
import { recordedQuestions } from './promql-expressions.ts';
import type { RecordedQuestion } from './promql-expressions.ts';
import { historyEnd, historyExposition } from './promql-history.ts';

type Recorded = RecordedQuestion & { readonly status: number; readonly body: string };

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

interface Answer {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: readonly Series[] | readonly [number, string] };
}

const { answers } = JSON.parse(readFileSync(new URL('promql-answers.json', import.meta.url), 'utf8')) as {
  readonly answers: readonly Recorded[];
};

const server = createPrometheusServer({ clock: new VirtualClock(historyEnd + 60_000) });
server.ingest(historyExposition());

async function ask(question: RecordedQuestion): Promise<{ readonly status: number; readonly body: string }> {
  const path = 'step' in question ? '/api/v1/query_range' : '/api/v1/query';
  const answer = await server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(question),
    headers: {},
    body: undefined,
    signal: new AbortController().signal,
  });
  return { status: answer.status, body: 'body' in answer ? answer.body.toString() : '' };
}

/** Order of an instant vector is nobody's promise, except where it is asked for. */
function comparable({ data, ...rest }: Answer, ordered: boolean): unknown {
  if (data === undefined || data.resultType === 'scalar' || data.resultType === 'string') return { ...rest, data };
  const result = [...(data.result as readonly Series[])];
  return { ...rest, type: data.resultType, result: ordered ? result : result.sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1)) };
}

function keyOf({ metric }: Series): string {
  return JSON.stringify(Object.entries(metric).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Equal text, or floats that differ by less than the rounding of a different order of additions. */
function sameNumber(left: string, right: string): boolean {
  if (left === right) return true;
  const [a, b] = [Number(left.replace('Inf', 'Infinity')), Number(right.replace('Inf', 'Infinity'))];
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}

/** Puts the expected text where the two numbers are equal enough, so that everything else is compared exactly. */
function aligned(actual: unknown, wanted: unknown): unknown {
  if (typeof actual === 'string' && typeof wanted === 'string') return sameNumber(actual, wanted) ? wanted : actual;
  if (Array.isArray(actual) && Array.isArray(wanted)) return actual.map((item, index) => aligned(item, wanted[index]));
  if (typeof actual === 'object' && typeof wanted === 'object' && actual !== null && wanted !== null) {
    return Object.fromEntries(
      Object.entries(actual).map(([key, value]) => [key, aligned(value, (wanted as Record<string, unknown>)[key])]),
    );
  }
  return actual;
}

describe('PromQL of the embedded Prometheus gives what the real one gave', () => {
  it('was asked the questions that stand in the list', () => {
    expect(answers).toMatchObject(recordedQuestions());
    expect(answers.length).toBe(recordedQuestions().length);
    expect(answers.length).toBeGreaterThan(400);
  });

  for (const recorded of answers) {
    const where = 'step' in recorded ? `${recorded.start}…${recorded.end} by ${recorded.step}` : recorded.time;
    it(`${recorded.query} at ${where}`, async () => {
      const answer = await ask(recorded);
      const ordered = /\b(?:sort|sort_desc|topk|bottomk)\b/.test(recorded.query);
      const wanted = comparable(JSON.parse(recorded.body) as Answer, ordered);
      const actual = comparable(JSON.parse(answer.body) as Answer, ordered);
      expect(aligned(actual, wanted)).toEqual(wanted);
      expect(answer.status).toBe(recorded.status);
    });
  }
});
