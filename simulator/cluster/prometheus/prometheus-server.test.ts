import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createPrometheusServer } from './index.ts';
import type { PrometheusServer, PrometheusServerOptions } from './index.ts';

const open: PrometheusServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

function start(options: Omit<PrometheusServerOptions, 'clock'> = {}): { readonly clock: VirtualClock; readonly server: PrometheusServer } {
  const clock = new VirtualClock();
  const server = createPrometheusServer({ clock, ...options });
  open.push(server);
  clock.useSettle(() => server.settle());
  return { clock, server };
}

async function values(server: PrometheusServer, query: string, time?: number): Promise<readonly string[]> {
  const answer = await server.handle({
    method: 'GET',
    path: '/api/v1/query',
    query: new URLSearchParams({ query, ...(time === undefined ? {} : { time: String(time / 1000) }) }),
    headers: {},
    body: undefined,
    signal: new AbortController().signal,
  });
  if (!('body' in answer) || answer.status !== 200) throw new Error(`${query}: ${answer.status}`);
  const { data } = JSON.parse(answer.body.toString()) as { data: { result: { value: [number, string] }[] } };
  return data.result.map(({ value }) => value[1]);
}

describe('scrapes', () => {
  it('come at once, then every interval, with the time at which they were due', async () => {
    const { clock, server } = start();
    let count = 0;
    server.addTarget({ job: 'a', scrape: () => `scraped ${++count}\n`, intervalMs: 10_000 });
    const from = clock.now();
    await clock.advance(25_000);
    expect(await values(server, 'scraped')).toEqual(['3']);
    expect(await values(server, 'timestamp(scraped)')).toEqual([String((from + 20_000) / 1000)]);
    expect(await values(server, 'scrape_samples_scraped')).toEqual(['1']);
  });

  it('begin later where that is asked for', async () => {
    const { clock, server } = start();
    server.addTarget({ job: 'a', scrape: () => 'x 1\n', intervalMs: 10_000, offsetMs: 4000 });
    await clock.advance(3999);
    expect(await values(server, 'x')).toEqual([]);
    await clock.advance(1);
    expect(await values(server, 'x')).toEqual(['1']);
  });

  it('that fail, hang or are no exposition are up 0 and make everything stale', async () => {
    const { clock, server } = start();
    let answer = (): string | Promise<string> => 'x 1\n';
    server.addTarget({ job: 'a', scrape: () => answer(), intervalMs: 10_000, timeoutMs: 2000 });
    await clock.advance(1);
    for (const broken of [
      () => {
        throw new Error('down');
      },
      () => Promise.reject(new Error('down')),
      () => new Promise<string>(() => undefined),
      () => 'x{',
    ]) {
      answer = broken;
      await clock.advance(12_000);
      expect([await values(server, 'x'), await values(server, 'up')]).toEqual([[], ['0']]);
      answer = async () => 'x 2\n';
      await clock.advance(10_000);
      expect([await values(server, 'x'), await values(server, 'up')]).toEqual([['2'], ['1']]);
    }
  });

  it('of a target that is removed end with staleness markers', async () => {
    const { clock, server } = start();
    const target = server.addTarget({ job: 'a', scrape: () => 'x 1\n' });
    await clock.advance(1);
    target.remove();
    expect([await values(server, 'x'), await values(server, 'up')]).toEqual([[], []]);
    await clock.advance(60_000);
    expect(await values(server, 'last_over_time(up[5m])')).toEqual(['1']);
    expect(clock.pending).toBe(0);
  });

  it('honour timestamps, or not', async () => {
    const { clock, server } = start();
    const at = clock.now() - 60_000;
    server.addTarget({ job: 'own', scrape: () => `x 1 ${at}\n` });
    server.addTarget({ job: 'ours', scrape: () => `x 1 ${at}\n`, honorTimestamps: false });
    await clock.advance(1);
    const scraped = (clock.now() - 1) / 1000;
    expect(await values(server, 'timestamp(x{job="own"})')).toEqual([String(at / 1000)]);
    expect(await values(server, 'timestamp(x{job="ours"})')).toEqual([String(scraped)]);
  });

  it('take nothing from far ahead', async () => {
    const { clock, server } = start();
    server.addTarget({ job: 'a', scrape: () => `near 1 ${clock.now() + 599_000}\nfar 1 ${clock.now() + 601_000}\n` });
    await clock.advance(1);
    expect([await values(server, 'near', clock.now() + 599_000), await values(server, 'far', clock.now() + 601_000)]).toEqual([['1'], []]);
  });

  it('are kept for the retention', async () => {
    const { clock, server } = start({ retentionMs: 120_000 });
    let shown = 'x 1\ny 1\n';
    server.addTarget({ job: 'a', scrape: () => shown });
    await clock.advance(60_000);
    shown = 'x 1\n';
    const before = server.seriesCount;
    await clock.advance(240_000);
    expect(await values(server, 'count_over_time(x[1h]) <= 13')).toHaveLength(1);
    expect(before - server.seriesCount).toBe(1);
  });

  it('can be made at will', async () => {
    const { clock, server } = start();
    let count = 0;
    const one = server.addTarget({ job: 'a', scrape: () => `scraped ${++count}\n` });
    await clock.advance(5000);
    await one.scrapeNow();
    expect(await values(server, 'scraped')).toEqual(['2']);
    await clock.advance(5000);
    await server.scrapeAll();
    expect(await values(server, 'scraped')).toEqual(['3']);
  });
});

describe('the lookback', () => {
  it('ends after five minutes exactly', async () => {
    const { clock, server } = start();
    server.ingest('x 1\n', clock.now());
    expect(await values(server, 'x', clock.now() + 300_000)).toEqual(['1']);
    expect(await values(server, 'x', clock.now() + 300_001)).toEqual([]);
  });

  it('is what it was set to', async () => {
    const { clock, server } = start({ lookbackMs: 60_000 });
    server.ingest('x 1\n', clock.now());
    expect(await values(server, 'x', clock.now() + 60_001)).toEqual([]);
  });
});

describe('the bound of samples', () => {
  it('refuses what would load more', async () => {
    const { clock, server } = start({ maxSamples: 10 });
    for (let at = 0; at < 20; at++) server.ingest(`x ${at}\n`, clock.now() + at * 1000);
    expect(await values(server, 'count_over_time(x[5s])', clock.now() + 19_000)).toEqual(['6']);
    await expect(values(server, 'count_over_time(x[15s])', clock.now() + 19_000)).rejects.toThrow('422');
  });
});
