import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import type { KubeClient, RawResponse } from '../../../core/kube/index.ts';
import { judgeServer, readServer, seconds, type ServerFacts } from './server-checks.ts';
import { statusesOf } from './test-support.ts';

const reached: Extract<ServerFacts, { reached: true }> = {
  reached: true,
  server: 'https://api',
  version: 'v1.36.3',
  latenciesMs: [80, 4, 5, 6, 4],
  skewMs: 300,
};

const judged = (change: Partial<typeof reached>): ReturnType<typeof judgeServer> => judgeServer({ ...reached, ...change });

describe('judgeServer', () => {
  it('is content with a server that is well', () => {
    expect(statusesOf(judged({}))).toEqual([
      'OK api-server/reachable',
      'OK api-server/version',
      'OK api-server/clock',
      'OK api-server/latency',
    ]);
  });

  it.each([
    ['v1.28.15', 'FAIL'],
    ['v1.29.0', 'OK'],
    ['v1.31.2-gke.1354000', 'OK'],
    ['v2.0.0', 'OK'],
    ['v0.30.0', 'FAIL'],
    ['devel', 'WARN'],
    [undefined, 'SKIPPED'],
  ])('version %s: %s', (version, status) => {
    expect(judged({ version })[1]?.status).toBe(status);
  });

  it.each([
    [1_999, 'OK', ''],
    [-1_999, 'OK', ''],
    [300_000, 'WARN', 'this machine is 5 min behind the API server'],
    [-90_000, 'WARN', 'this machine is 90 s ahead of the API server'],
    [undefined, 'SKIPPED', 'no Date header'],
  ])('clock %s ms apart: %s', (skewMs, status, text) => {
    const check = judged({ skewMs })[2];
    expect(check?.status).toBe(status);
    expect(check?.message).toContain(text);
  });

  it('goes by the middle of the latencies, without the first, which made the connection', () => {
    expect(judged({ latenciesMs: [5_000, 20, 30, 25, 22] })[3]).toMatchObject({
      status: 'OK',
      values: { medianMs: 25, worstMs: 5_000, requests: 5 },
    });
    expect(judged({ latenciesMs: [50, 1_500, 1_200, 30, 1_700] })[3]).toMatchObject({ status: 'WARN' });
  });

  it('says only that when nobody answers', () => {
    expect(
      judgeServer({ reached: false, server: 'https://api', problem: 'https://api cannot be reached: refused; check the address' }),
    ).toEqual([
      {
        check: 'api-server/reachable',
        status: 'FAIL',
        message: 'https://api cannot be reached: refused; check the address',
        values: { server: 'https://api' },
      },
    ]);
  });
});

describe('readServer', () => {
  const client = (answer: () => Partial<RawResponse>): KubeClient =>
    ({
      server: 'https://api',
      raw: () => Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}'), ...answer() }),
    }) as unknown as KubeClient;

  it('takes the version and the difference of the clocks', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 5, 1, 12, 0, 0));
    const body = Buffer.from('{"gitVersion":"v1.30.1"}');
    const facts = await readServer(
      client(() => ({ body, headers: { date: 'Mon, 01 Jun 2026 12:05:00 GMT' } })),
      clock,
    );
    expect(facts).toMatchObject({ reached: true, version: 'v1.30.1', skewMs: 300_500 });
  });

  it('is told of an answer that no API server gives, and of a server that is away', async () => {
    const clock = new VirtualClock();
    const html = await readServer(
      client(() => ({ headers: { 'content-type': 'text/html' }, body: Buffer.from('<html>') })),
      clock,
    );
    expect(html).toMatchObject({ reached: false, problem: expect.stringContaining('an HTML page') as unknown });
    expect(
      await readServer(
        client(() => ({ status: 503, body: Buffer.alloc(0) })),
        clock,
      ),
    ).toMatchObject({ reached: false });
  });

  it('does without a version that it may not read', async () => {
    const facts = await readServer(
      client(() => ({ status: 403, body: Buffer.from('{"kind":"Status"}') })),
      new VirtualClock(),
    );
    expect(facts).toMatchObject({ reached: true, version: undefined, skewMs: undefined });
  });
});

it('durations are said in the unit that fits', () => {
  expect([0, 1_499, 90_000, 180_000, 7_199_000, 7_200_000].map(seconds)).toEqual(['0 s', '1 s', '90 s', '3 min', '120 min', '2 h']);
});
