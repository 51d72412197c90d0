import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { clearFaults, createPrometheusServer } from './index.ts';
import type { PrometheusServer } from './index.ts';

const open: PrometheusServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function start(): {
  readonly clock: VirtualClock;
  readonly server: PrometheusServer;
  readonly ask: (query: string, more?: Readonly<Record<string, string>>) => Promise<Answer>;
} {
  const clock = new VirtualClock();
  const server = createPrometheusServer({ clock });
  open.push(server);
  clock.useSettle(() => server.settle());
  const dispatcher = server.dispatcher();
  server.addTarget({ job: 'app', scrape: () => 'x{a="1"} 5\nx{a="2"} 7\n' });
  const ask = async (query: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> => {
    const path = 'step' in more ? 'query_range' : 'query';
    const url = `http://prometheus.test/api/v1/${path}?${new URLSearchParams({ query, ...more }).toString()}`;
    const answer = await request(url, { dispatcher });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };
  return { clock, server, ask };
}

function data(answer: Answer): unknown {
  return JSON.parse(answer.text);
}

describe('faults of the Prometheus', () => {
  it('answers truly without any', async () => {
    const { ask } = start();
    expect(data(await ask('sum(x)'))).toMatchObject({ status: 'success', data: { result: [{ value: [expect.any(Number), '12'] }] } });
  });

  it('slow: waits on the clock, and gives up where the query has less time', async () => {
    const { clock, server, ask } = start();
    server.faults.slowMs = 3000;
    let answered: Answer | undefined;
    void ask('x').then((answer) => (answered = answer));
    await clock.advance(2999);
    expect(answered).toBeUndefined();
    await clock.advance(1);
    expect(answered?.status).toBe(200);
    const short = ask('x', { timeout: '1s' });
    await clock.advance(1000);
    expect([(await short).status, data(await short)]).toEqual([
      503,
      { status: 'error', errorType: 'timeout', error: 'query timed out in query execution' },
    ]);
    // What is wrong with a query is known at once.
    expect((await ask('x{')).status).toBe(400);
  });

  it('429 and 503 with Retry-After', async () => {
    const { server, ask } = start();
    server.faults.answer = { kind: 'status', code: 429, retryAfterSeconds: 7 };
    const limited = await ask('x');
    expect([limited.status, limited.headers['retry-after'], data(limited)]).toEqual([
      429,
      '7',
      { status: 'error', errorType: 'too_many_requests', error: 'injected fault: HTTP 429' },
    ]);
    server.faults.answer = { kind: 'status', code: 503, error: 'no available backends' };
    expect(data(await ask('x'))).toEqual({ status: 'error', errorType: 'unavailable', error: 'no available backends' });
  });

  it('too many samples', async () => {
    const { server, ask } = start();
    server.faults.answer = { kind: 'too-many-samples' };
    const answer = await ask('x');
    expect([answer.status, data(answer)]).toEqual([
      422,
      { status: 'error', errorType: 'execution', error: 'query processing would load too many samples into memory in query execution' },
    ]);
  });

  it('warnings beside a success', async () => {
    const { server, ask } = start();
    server.faults.warnings = ['store gateway 2 did not answer'];
    expect(data(await ask('x'))).toMatchObject({ status: 'success', warnings: ['store gateway 2 did not answer'] });
  });

  it('HTML with 200 or 502, and a redirect', async () => {
    const { server, ask } = start();
    server.faults.answer = { kind: 'html' };
    const page = await ask('x');
    expect([page.status, page.headers['content-type'], page.text.startsWith('<!doctype html>')]).toEqual([
      200,
      'text/html; charset=utf-8',
      true,
    ]);
    server.faults.answer = { kind: 'html', code: 502 };
    expect((await ask('x')).status).toBe(502);
    server.faults.answer = { kind: 'redirect', location: 'http://169.254.169.254/' };
    const redirect = await ask('x');
    expect([redirect.status, redirect.headers['location']]).toEqual([302, 'http://169.254.169.254/']);
  });

  it('a huge body, which is JSON', async () => {
    const { server, ask } = start();
    server.faults.answer = { kind: 'huge', bytes: 3_000_000 };
    const answer = await ask('x');
    expect(answer.text.length).toBeGreaterThan(3_000_000);
    expect(data(answer)).toMatchObject({ status: 'success', data: { resultType: 'vector' } });
  });

  it('a body that is cut off', async () => {
    const { server, ask } = start();
    server.faults.answer = { kind: 'cut-off', afterBytes: 20 };
    await expect(ask('x')).rejects.toThrow('other side closed');
  });

  it('NaN, zero, or nothing for everything', async () => {
    const { server, ask } = start();
    server.faults.values = 'nan';
    expect(data(await ask('sum(x)'))).toMatchObject({ data: { result: [{ value: [expect.any(Number), 'NaN'] }] } });
    server.faults.values = 'zero';
    expect(data(await ask('sum(x)'))).toMatchObject({ data: { result: [{ value: [expect.any(Number), '0'] }] } });
    expect(data(await ask('vector(1)', { start: '0', end: '0', step: '1' }))).toMatchObject({ data: { result: [{ values: [[0, '0']] }] } });
    server.faults.values = 'empty';
    expect(data(await ask('x'))).toMatchObject({ status: 'success', data: { resultType: 'vector', result: [] } });
  });

  it('stale: without scrapes, values end with the lookback', async () => {
    const { clock, server, ask } = start();
    await clock.advance(1000);
    server.faults.scrapesStopped = true;
    await clock.advance(299_000);
    expect(data(await ask('count(x)'))).toMatchObject({ data: { result: [{}] } });
    await clock.advance(1001);
    expect(data(await ask('count(x)'))).toMatchObject({ data: { result: [] } });
    server.faults.scrapesStopped = false;
    await clock.advance(15_000);
    expect(data(await ask('count(x)'))).toMatchObject({ data: { result: [{}] } });
  });

  it('jobs that do not answer', async () => {
    const { clock, server, ask } = start();
    server.faults.failingJobs.add('app');
    await clock.advance(15_000);
    expect(data(await ask('up or count(x)'))).toMatchObject({ data: { result: [{ value: [expect.any(Number), '0'] }] } });
  });

  it('a clock ahead, which moves samples and the time of queries', async () => {
    const { clock, server, ask } = start();
    server.faults.clockSkewMs = 600_000;
    await clock.advance(15_000);
    const ahead = (clock.now() + 600_000) / 1000;
    expect(data(await ask('timestamp(x{a="1"})'))).toMatchObject({ data: { result: [{ value: [ahead, String(ahead)] }] } });
    expect(data(await ask('count(x)', { time: String(clock.now() / 1000) }))).toMatchObject({ data: { result: [{}] } });
  });

  it('hangs until the client goes away, without holding up the clock', async () => {
    const { clock, server } = start();
    server.faults.answer = { kind: 'hang' };
    const gone = new AbortController();
    const answer = request('http://prometheus.test/api/v1/query?query=x', { dispatcher: server.dispatcher(), signal: gone.signal });
    const failed = answer.then(
      () => 'answered',
      (error: unknown) => String(error),
    );
    await clock.advance(3_600_000);
    gone.abort();
    expect(await failed).toContain('aborted');
    await server.settle();
    expect(server.activity().inFlight).toBe(0);
  });

  it('a lower bound of points', async () => {
    const { server, ask } = start();
    server.faults.pointLimit = 1200;
    const answer = await ask('x', { start: '0', end: '1201', step: '1' });
    expect([answer.status, data(answer)]).toMatchObject([
      400,
      { error: expect.stringContaining('exceeded maximum resolution of 1,200 points') },
    ]);
    expect((await ask('x', { start: '0', end: '1200', step: '1' })).status).toBe(200);
  });

  it('strikes only the queries that are picked out', async () => {
    const { server, ask } = start();
    server.faults.answer = { kind: 'too-many-samples' };
    server.faults.only = (query) => query.includes('rate');
    expect((await ask('rate(x[1m])')).status).toBe(422);
    expect((await ask('x')).status).toBe(200);
  });

  it('is whole again when they are cleared', async () => {
    const { server, ask } = start();
    Object.assign(server.faults, { values: 'zero', slowMs: 5, clockSkewMs: 5, answer: { kind: 'html' }, pointLimit: 1, warnings: ['w'] });
    server.faults.failingJobs.add('app');
    clearFaults(server.faults);
    expect(server.faults.failingJobs.size).toBe(0);
    expect(data(await ask('sum(x)'))).toEqual({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: {}, value: [expect.any(Number), '12'] }] },
    });
  });
});
