import { describe, expect, it } from 'vitest';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import type { MetricsSource, QueryAnswer } from '../sources/source.ts';
import { createSourceRunner, type RunnerOptions } from './source-runner.ts';

const query = (metric: string): MetricQuery => ({ kind: 'external', namespace: 'shop', metric, metricSelector: '' });
const value: QueryAnswer = {
  ok: true,
  series: [{ object: '', labels: {}, milli: 1n, timestamp: 0, windowMs: undefined }],
  warnings: [],
  invalid: 0,
};
const down: QueryAnswer = { ok: false, reason: 'source-unavailable', detail: '503' };
const name = (asked: MetricQuery): string => (asked.kind === 'external' ? asked.metric : '');

function setUp(ask: MetricsSource['ask'], options: Partial<RunnerOptions> = {}) {
  const clock = new VirtualClock();
  const answers: (readonly [string, QueryAnswer])[] = [];
  const runner = createSourceRunner({
    source: { name: 's', ...(ask === undefined ? {} : { ask }) },
    clock,
    random: () => 0.5,
    limits: { concurrency: 2, timeoutMs: 1000 },
    onAnswer: (asked, answer) => answers.push([name(asked), answer]),
    ...options,
  });
  return { clock, runner, answers };
}

describe('the runner of a source', () => {
  it('asks no more at the same time than it may, and all in the end', async () => {
    let now = 0;
    let most = 0;
    const { clock, runner, answers } = setUp(async () => {
      most = Math.max(most, ++now);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
      now--;
      return value;
    });
    runner.submit(['a', 'b', 'c', 'd', 'e'].map(query));
    await clock.advance(300);
    expect(most).toBe(2);
    expect(answers.map(([each]) => each).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('does not ask again what waits or is under way', async () => {
    let asked = 0;
    const { clock, runner } = setUp(async () => {
      asked++;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
      return value;
    });
    const queries = ['a', 'b', 'c'].map(query);
    runner.submit(queries);
    runner.submit(queries);
    await clock.advance(1000);
    expect(asked).toBe(3);
  });

  it('gives up a source that hangs at the deadline, even one that ignores its signal', async () => {
    const { clock, runner, answers } = setUp(() => new Promise(() => {}));
    runner.submit([query('a')]);
    await clock.advance(1000);
    expect(answers).toEqual([['a', { ok: false, reason: 'source-unavailable', detail: 's did not answer within 1 s' }]]);
  });

  it('asks once more after a failure of the moment, within the deadline', async () => {
    const script: QueryAnswer[] = [{ ok: false, reason: 'source-unavailable', detail: 'reset', transient: true }, value];
    const { clock, runner, answers } = setUp(() => Promise.resolve(script.shift() ?? down));
    runner.submit([query('a')]);
    await clock.advance(200);
    expect(answers).toEqual([['a', value]]);
  });

  it('opens the circuit after five failures: then one query a tick is the probe, and a success lets all others through', async () => {
    let asked = 0;
    let healthy = false;
    const { clock, runner, answers } = setUp(() => {
      asked++;
      return Promise.resolve(healthy ? value : down);
    });
    const queries = Array.from({ length: 20 }, (_, index) => query(`q${index}`));
    runner.submit(queries);
    await runner.idle();
    expect(runner.circuit().open).toBe(true);
    // Five open it; one more may be under way.
    expect(asked).toBeLessThanOrEqual(6);
    expect(answers).toHaveLength(20);
    expect(answers.filter(([, answer]) => !answer.ok && /^s failed \d times in a row/.test(answer.detail)).length).toBeGreaterThanOrEqual(
      14,
    );
    asked = 0;
    runner.submit(queries);
    await runner.idle();
    expect(asked).toBe(1);
    healthy = true;
    asked = 0;
    answers.length = 0;
    runner.submit(queries);
    await runner.idle();
    expect(asked).toBe(20);
    expect(answers.every(([, answer]) => answer.ok)).toBe(true);
    await clock.advance(0);
  });

  it('heeds Retry-After', async () => {
    let asked = 0;
    const { clock, runner, answers } = setUp(() => {
      asked++;
      return Promise.resolve(asked === 1 ? { ...down, retryAfterMs: 30_000 } : value);
    });
    runner.submit([query('a')]);
    await runner.idle();
    await clock.advance(15_000);
    runner.submit([query('a')]);
    await runner.idle();
    expect(asked).toBe(1);
    expect(answers.at(-1)?.[1]).toMatchObject({ ok: false, reason: 'source-unavailable' });
    await clock.advance(15_000);
    runner.submit([query('a')]);
    await runner.idle();
    expect(answers.at(-1)?.[1].ok).toBe(true);
  });

  it('answers what is not admitted without asking', async () => {
    const refusal: QueryAnswer = { ok: false, reason: 'refused', detail: 'not yours' };
    const { runner, answers } = setUp(() => Promise.reject(new Error('asked')), { admit: () => refusal });
    runner.submit([query('a')]);
    await runner.idle();
    expect(answers).toEqual([['a', refusal]]);
  });

  it('says nothing more once it is stopped', async () => {
    const { clock, runner, answers } = setUp(async () => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
      return value;
    });
    runner.submit(['a', 'b', 'c'].map(query));
    runner.stop();
    await runner.idle();
    await clock.advance(1000);
    expect(answers).toEqual([]);
  });
});
