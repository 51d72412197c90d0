import { describe, expect, it } from 'vitest';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView, QueryResult, ViewChange } from '../../core/model/metrics-view.ts';
import { viewLines } from '../serving/view-wire.ts';
import { external, podRecord, podUsage, start, usageOf } from '../serving/test-support.ts';
import { connected, refused, url, type FakeHandler } from './test-support.ts';

const tick = 15_000;
const depth = external('depth');
const key = queryKey(depth);

function known(at: number, overrides: Partial<Extract<QueryResult, { known: true }>> = {}): QueryResult {
  const series = [{ object: '', labels: {}, milli: 5000n, timestamp: at, windowMs: undefined }];
  return { known: true, at, source: 'external.metrics.k8s.io', coverage: 1, doubt: undefined, series, ...overrides };
}

/** A remote aggregator that runs, and everything that it has published. */
function running(...parameters: Parameters<typeof connected>) {
  const all = connected(...parameters);
  const views: { readonly view: MetricsView; readonly change: ViewChange }[] = [];
  all.remote.onView((view, change) => views.push({ view, change }));
  all.remote.start();
  const { clock, aggregator } = all;
  /** The aggregator makes a view every tick, as a real one does; its samples are 5 s old. */
  const live = async (ms: number, queries: () => ReadonlyMap<string, QueryResult> = () => new Map()) => {
    for (let passed = 0; passed < ms; passed += tick) {
      await clock.advance(Math.min(tick, ms - passed));
      const at = clock.now();
      const usage = usageOf([podUsage('a', { timestamp: at - 5000 })]);
      aggregator().publish({ at, usage, queries: queries(), resourceSource: { healthy: true, lastSuccess: at } });
      await clock.advance(1000);
    }
  };
  return { ...all, views, live };
}

describe('a remote aggregator', () => {
  it('knows nothing before it has asked', () => {
    const { remote } = connected();
    expect(remote.view()).toMatchObject({ sequence: 0, podCount: 0, resourceSource: { healthy: false, reason: 'not-observed' } });
    expect(remote.view().podGap(podRecord('a'))).toMatchObject({ reason: 'not-observed' });
  });

  it('publishes each view of the aggregator as soon as it is made', async () => {
    const { views, clock, aggregator, remote } = running();
    await clock.advance(1000);
    expect(views).toHaveLength(1);
    aggregator().publish({ at: clock.now(), usage: usageOf([podUsage('a'), podUsage('b')]) });
    await clock.advance(0);
    expect(views).toHaveLength(2);
    expect(remote.view().podCount).toBe(2);
    expect(views[1]?.change).toEqual({ usage: true, queries: new Set() });
    expect(views.map(({ view }) => view.sequence)).toEqual([1, 2]);
  });

  it('says who it is with each request, with the token as it is then', async () => {
    let token = 'first';
    const { requests, clock, aggregator } = running({}, { token: () => token });
    await clock.advance(1000);
    token = ' second\n';
    aggregator().publish();
    await clock.advance(1000);
    const tokens = requests.map(({ headers }) => headers['authorization']);
    expect([tokens[0], tokens.at(-1)]).toEqual(['Bearer first', 'Bearer second']);
  });

  it('waits for views instead of asking again and again', async () => {
    const { requests, live } = running();
    await live(10 * tick);
    expect(requests.filter(({ url: each }) => each.pathname === '/api/v1/view').length).toBeLessThanOrEqual(22);
  });

  it('does not fetch usage again when only queries were answered', async () => {
    const { views, clock, aggregator, remote } = running();
    remote.demand('shop/web', [depth]);
    await clock.advance(1000);
    aggregator().publish({ at: clock.now(), usage: usageOf([podUsage('a')]) });
    await clock.advance(1000);
    const usage = usageOf([podUsage('a'), podUsage('never-sent')]);
    aggregator().publish(
      { at: clock.now(), usage, queries: new Map([[key, known(clock.now())]]) },
      { usage: false, queries: new Set([key]) },
    );
    await clock.advance(1000);
    expect([...remote.view().pods()].map(({ name }) => name)).toEqual(['a']);
    expect(remote.view().query(depth)).toMatchObject({ known: true });
    expect(views.at(-1)?.change).toEqual({ usage: false, queries: new Set([key]) });
  });

  it('shows each sample as fresh once', async () => {
    const { views, clock, aggregator } = running();
    const fresh = (at: number): number => {
      let count = 0;
      views[at]?.view.eachFresh(() => count++);
      return count;
    };
    await clock.advance(1000);
    const usage = usageOf([podUsage('a')]);
    aggregator().publish({ usage });
    await clock.advance(1000);
    aggregator().publish({ usage });
    await clock.advance(1000);
    aggregator().publish({ usage: usageOf([podUsage('a', { timestamp: start })]) });
    await clock.advance(1000);
    expect([0, 1, 2, 3].map(fresh)).toEqual([0, 1, 0, 1]);
    const history = views[3]?.view.containerHistory('shop', 'a', 'c');
    expect([...(history?.timestamps ?? [])]).toEqual([start - 5000, start]);
  });

  it('keeps the history of a query', async () => {
    const { clock, aggregator, remote } = running();
    remote.demand('shop/web', [depth]);
    for (const milli of [1000n, 2500n]) {
      await clock.advance(tick);
      const series = [{ object: '', labels: {}, milli, timestamp: clock.now(), windowMs: undefined }];
      aggregator().publish({ at: clock.now(), queries: new Map([[key, known(clock.now(), { series })]]) });
      await clock.advance(1000);
    }
    expect([...(remote.view().queryHistory(depth)?.values ?? [])]).toEqual([1, 2.5]);
  });

  it('reports a listener that throws, and goes on', async () => {
    const { remote, clock, problems, views } = running();
    remote.onView(() => {
      throw new Error('listener is broken');
    });
    await clock.advance(1000);
    expect(problems).toEqual(['a listener for metrics threw: listener is broken']);
    expect(views).toHaveLength(1);
  });

  it('stops, and starts again', async () => {
    const { remote, clock, requests, aggregator, views } = running();
    await clock.advance(1000);
    remote.stop();
    await clock.advance(1000);
    const asked = requests.length;
    aggregator().publish();
    await clock.advance(10 * tick);
    expect([requests.length, views.length, clock.pending]).toEqual([asked, 1, 0]);
    remote.start();
    await clock.advance(1000);
    expect(views).toHaveLength(2);
    remote.stop();
  });
});

describe('while the aggregator is away', () => {
  it('what is known is in doubt within a tick, ages, and is unknown in the end', async () => {
    const { live, clock, intercept, remote, views, problems } = running();
    remote.demand('shop/web', [depth]);
    await live(4 * tick, () => new Map([[key, known(clock.now())]]));
    expect(remote.view()).toMatchObject({ resourceSource: { healthy: true }, usageDoubt: undefined });
    const lastSuccess = remote.view().at;
    const away = clock.now();
    intercept(refused);
    // What waited is answered still; the next request fails.
    await clock.advance(tick + 1);
    expect(problems[0]).toBe(`the metrics aggregator at ${url} did not answer: ECONNREFUSED`);
    await clock.advance(tick);
    const view = remote.view();
    const problem = `the metrics aggregator at ${url} did not answer: ECONNREFUSED`;
    expect(view.resourceSource).toMatchObject({ healthy: false, reason: 'source-unavailable', detail: problem, lastSuccess });
    const since = view.resourceSource.healthy ? 0 : view.resourceSource.since;
    expect([since > away, since <= away + tick]).toEqual([true, true]);
    expect(view.usageDoubt).toMatchObject({ reason: 'source-unavailable', detail: `${problem}; its last answer is still used for growth` });
    expect(view.podCount).toBe(1);
    expect(view.containerSample(podRecord('a'), 'c', 'cpu')).toMatchObject({ known: true, milli: 250 });
    expect(view.query(depth)).toMatchObject({ known: true, doubt: { reason: 'source-unavailable' } });
    // Published anew every tick.
    const before = views.length;
    await clock.advance(4 * tick);
    expect(views.length - before).toBe(4);
    await clock.advance(180_000);
    const late = remote.view();
    expect(late.podCount).toBe(0);
    expect(late.containerSample(podRecord('a'), 'c', 'cpu')).toMatchObject({ known: false, reason: 'source-unavailable' });
    expect(late.query(depth)).toMatchObject({ known: false, reason: 'source-unavailable', detail: `external.metrics.k8s.io: ${problem}` });
    const sequences = views.map(({ view: each }) => each.sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    expect(new Set(sequences).size).toBe(sequences.length);
  });

  it('what is wanted and was never answered is unknown because of that, and not because nobody asked', async () => {
    const { remote, intercept, clock, live, views } = running();
    const forbidden = async () => ({ status: 403, chunks: ['no\n'] });
    intercept(forbidden);
    remote.demand('shop/web', [depth]);
    await clock.advance(tick + 1000);
    const problem = /answered 403: grant verbs get on nonResourceURL/;
    expect(remote.view().resourceSource).toMatchObject({ reason: 'source-unavailable', detail: expect.stringMatching(problem) as string });
    expect(remote.view().query(depth)).toMatchObject({
      reason: 'source-unavailable',
      detail: expect.stringMatching(problem) as string,
      source: 'external.metrics.k8s.io',
    });
    expect(views.at(-1)?.change.queries).toEqual(new Set([key]));
    intercept(undefined);
    await live(2 * tick, () => new Map([[key, known(clock.now())]]));
    expect(remote.view().query(depth)).toMatchObject({ known: true, doubt: undefined });
  });

  it('recovers with the first view that comes', async () => {
    const { live, clock, intercept, remote } = running();
    await live(2 * tick);
    intercept(refused);
    await clock.advance(4 * tick);
    expect(remote.view().resourceSource.healthy).toBe(false);
    intercept(undefined);
    await live(tick);
    expect(remote.view()).toMatchObject({ resourceSource: { healthy: true }, usageDoubt: undefined });
  });

  it('a single failure is no absence', async () => {
    const { live, clock, intercept, views } = running();
    await live(2 * tick);
    intercept(refused);
    await clock.advance(1000);
    intercept(undefined);
    await live(4 * tick);
    expect(views.every(({ view }) => view.resourceSource.healthy)).toBe(true);
  });

  it('is noticed when it answers and makes no new view', async () => {
    const { live, clock, remote, aggregator } = running();
    await live(2 * tick);
    await clock.advance(3 * tick);
    expect(remote.view()).toMatchObject({
      resourceSource: { healthy: false, detail: `the metrics aggregator at ${url} has made no new view for 45 s: see its log` },
      usageDoubt: { reason: 'source-unavailable' },
    });
    aggregator().publish({ at: clock.now() });
    await clock.advance(0);
    expect(remote.view().resourceSource.healthy).toBe(true);
  });

  it('is not taken for present when it repeats what it said long ago', async () => {
    const { live, clock, remote, intercept, views } = running();
    await live(2 * tick);
    intercept(refused);
    await clock.advance(4 * tick);
    const before = views.length;
    intercept(undefined);
    // It stands still, but tells what it has again for the demand.
    remote.demand('shop/web', [depth]);
    await clock.advance(3000);
    expect(views.length).toBeGreaterThan(before);
    expect(views.slice(before).every(({ view }) => !view.resourceSource.healthy && view.usageDoubt !== undefined)).toBe(true);
  });

  it('is noticed when it takes requests and says nothing', async () => {
    const { live, clock, intercept, remote, problems } = running();
    await live(2 * tick);
    intercept(() => new Promise(() => undefined));
    // What waits is answered at the end of its time; the next request is given up 5 s after its own.
    await clock.advance(2 * tick + 6000);
    expect(problems).toEqual([`the metrics aggregator at ${url} did not answer in time`]);
    await clock.advance(5000);
    expect(remote.view()).toMatchObject({ resourceSource: { healthy: false, reason: 'source-unavailable' } });
  });

  it('is asked again after a growing pause, or when it says so', async () => {
    const { clock, intercept, requests } = running();
    await clock.advance(1000);
    intercept(refused);
    await clock.advance(2 * tick);
    const before = requests.length;
    await clock.advance(60_000);
    expect(requests.length - before).toBeLessThan(15);
    intercept(async () => ({ status: 503, headers: { 'retry-after': '30' }, chunks: ['busy'] }));
    await clock.advance(20_000);
    const busy = requests.length;
    await clock.advance(20_000);
    expect(requests.length - busy).toBeLessThanOrEqual(1);
  });
});

const head = { 'content-type': 'application/x-ndjson' };

describe('an answer that cannot be used', () => {
  const broken =
    (line: string): FakeHandler =>
    async () => ({ status: 200, headers: head, chunks: [line] });
  it.each<readonly [string, FakeHandler, string]>([
    ['another status', async () => ({ status: 500, chunks: ['stack trace of somebody'] }), 'answered 500'],
    ['401', async () => ({ status: 401, chunks: ['x'] }), 'answered 401: it does not accept the token of this ServiceAccount'],
    [
      '403',
      async () => ({ status: 403, chunks: ['x'] }),
      'answered 403: grant verbs get on nonResourceURL /concertina/api/v1/view and put on /concertina/api/v1/demands/*',
    ],
    [
      '404',
      async () => ({ status: 404, chunks: ['x'] }),
      'answered 404: it serves no such path, so something else listens there or it is of an older release',
    ],
    [
      'a redirect',
      async () => ({ status: 302, headers: { location: 'http://169.254.169.254/' }, chunks: [] }),
      'answered 302, a redirect, which is not followed: give the URL that it leads to',
    ],
    [
      'HTML',
      async () => ({ status: 200, headers: { 'content-type': 'text/html' }, chunks: ['<html>'] }),
      'gave an answer that cannot be used: it is no view',
    ],
    ['no JSON', broken('<html>\n'), 'gave an answer that cannot be used: a line is not JSON'],
    ['a header of nothing', broken('{}\n'), 'gave an answer that cannot be used: the header is not valid at schemaVersion'],
    [
      'another version',
      broken('{"schemaVersion":2}\n'),
      'gave an answer that cannot be used: it is of version 2 and this program reads version 1: run the same release on both sides',
    ],
    ['nothing', broken(''), 'gave an answer that cannot be used: it broke off before its end'],
  ])('is not used: %s', async (_, handler, problem) => {
    const { live, clock, intercept, problems, remote } = running();
    await live(2 * tick);
    const { sequence } = remote.view();
    intercept(handler);
    await clock.advance(tick + 500);
    expect(problems[0]).toBe(`the metrics aggregator at ${url} ${problem}`);
    expect(remote.view().sequence).toBe(sequence);
    expect(JSON.stringify(problems)).not.toContain('secret-token');
  });

  it('is not used when it breaks off, wherever it does', async () => {
    const report = {
      name: 'metrics.k8s.io',
      state: { healthy: true, lastSuccess: start },
      doubt: undefined,
      latencyMs: 1,
      queries: 0,
      circuit: 'closed',
    } as const;
    const whole = connected({
      sources: [report],
      usage: usageOf([podUsage('a'), podUsage('b')], [{ name: 'n', timestamp: start, windowMs: 1, cpuMilli: 1, memoryMilli: 1 }]),
    });
    const view = whole.aggregator().view();
    const lines = [...viewLines({ view, facts: whole.aggregator().facts(view), instance: 'x', now: start, usage: 'whole' })];
    const { clock, remote, intercept, problems } = connected();
    expect(lines.length).toBeGreaterThanOrEqual(5);
    for (let count = 0; count < lines.length; count++) {
      intercept(async () => ({ status: 200, headers: head, chunks: lines.slice(0, count) }));
      await remote.refresh();
      intercept(async () => ({ status: 200, headers: head, chunks: lines.slice(0, count), broken: true }));
      await remote.refresh();
      intercept(async () => ({ status: 200, headers: head, chunks: [...lines.slice(0, count), ...lines.slice(count + 1)] }));
      await remote.refresh();
      expect(remote.view().podCount, `without line ${count}: ${lines[count]}`).toBe(0);
    }
    expect(problems).toHaveLength(3 * lines.length);
    intercept(async () => ({ status: 200, headers: head, chunks: lines }));
    expect((await remote.refresh()).podCount).toBe(2);
    expect(clock.pending).toBe(0);
  });
});

describe('demands', () => {
  const puts = (requests: ReturnType<typeof connected>['requests']) => requests.filter(({ method }) => method === 'PUT');

  it('are told at once when they are new, together, and repeated every 20 s', async () => {
    const { remote, clock, aggregator, requests } = running();
    await clock.advance(1000);
    remote.demand('shop/web', [depth]);
    remote.demand('shop/api', [depth, external('other')]);
    await clock.advance(25);
    expect(aggregator().wanted()).toEqual({
      'remote/hpa-0/shop/web': [key],
      'remote/hpa-0/shop/api': [key, queryKey(external('other'))],
    });
    expect(puts(requests)).toHaveLength(1);
    remote.demand('shop/web', [depth]);
    await clock.advance(10_000);
    expect(puts(requests)).toHaveLength(1);
    await clock.advance(10_000);
    expect(puts(requests)).toHaveLength(2);
    await clock.advance(300_000);
    expect(puts(requests)).toHaveLength(17);
    expect(Object.keys(aggregator().wanted())).toHaveLength(2);
  });

  it('end when nobody wants anything', async () => {
    const { remote, clock, aggregator, requests } = running();
    remote.demand('shop/web', [depth]);
    await clock.advance(1000);
    remote.demand('shop/web', []);
    await clock.advance(25);
    expect(aggregator().wanted()).toEqual({});
    expect(puts(requests).map(({ body }) => body)).toEqual([expect.stringContaining('depth'), '[]']);
    await clock.advance(300_000);
    expect(puts(requests)).toHaveLength(2);
  });

  it('are not told while there are none', async () => {
    const { clock, requests } = running();
    await clock.advance(300_000);
    expect(puts(requests)).toEqual([]);
  });

  it('are told again when that failed', async () => {
    const { remote, clock, aggregator, intercept, problems } = running();
    await clock.advance(1000);
    intercept(refused);
    remote.demand('shop/web', [depth]);
    await clock.advance(3000);
    expect(problems).toContain(`what is wanted could not be told: the metrics aggregator at ${url} did not answer: ECONNREFUSED`);
    intercept(undefined);
    await clock.advance(10_000);
    expect(aggregator().wanted()).toEqual({ 'remote/hpa-0/shop/web': [key] });
  });

  it('that are refused while views come are said to be, in what is known of them', async () => {
    const all = running();
    const { remote, intercept, clock, live, aggregator } = all;
    const handler: FakeHandler = async (request, signal) =>
      request.method === 'PUT' ? { status: 403, chunks: ['no\n'] } : aggregatorHandler(request, signal);
    const aggregatorHandler = all.handler();
    intercept(handler);
    remote.demand('shop/web', [depth]);
    await clock.advance(1000);
    await live(tick);
    expect(remote.view().resourceSource.healthy).toBe(true);
    expect(remote.view().query(depth)).toMatchObject({
      reason: 'source-unavailable',
      detail: expect.stringMatching(/what is wanted could not be told: .* answered 403: grant verbs/) as string,
      since: expect.any(Number) as number,
    });
    intercept(undefined);
    await clock.advance(10_000);
    expect(aggregator().wanted()).toEqual({ 'remote/hpa-0/shop/web': [key] });
    await live(tick, () => new Map([[key, known(clock.now())]]));
    expect(remote.view().query(depth)).toMatchObject({ known: true });
  });

  it('bring the answers that are there already, without waiting for the next view', async () => {
    const { remote, clock } = running({ queries: new Map([[key, known(start)]]) });
    await clock.advance(1000);
    expect(remote.view().query(depth)).toMatchObject({ known: false, reason: 'not-observed' });
    remote.demand('shop/web', [depth]);
    await clock.advance(500);
    expect(remote.view().query(depth)).toMatchObject({ known: true });
  });

  it('of others are not told of', async () => {
    const { remote, clock } = running({ queries: new Map([[key, known(start)]]) });
    remote.demand('shop/web', [external('other')]);
    await clock.advance(1000);
    expect(remote.view().query(depth)).toMatchObject({ known: false, reason: 'not-observed' });
  });
});

describe('when the aggregator restarts', () => {
  const notAsked = {
    healthy: false,
    reason: 'not-observed',
    detail: 'it was not asked yet',
    since: start,
    lastSuccess: undefined,
  } as const;

  it('the sequence goes on rising, and what is wanted is told anew at once', async () => {
    const { live, clock, restart, remote, aggregator, views } = running({ sequence: 500 });
    remote.demand('shop/web', [depth]);
    await live(3 * tick, () => new Map([[key, known(clock.now())]]));
    expect(remote.view().sequence).toBeGreaterThanOrEqual(503);
    restart({ sequence: 0, resourceSource: notAsked }, 'second');
    // The wait for the old process ends with its time.
    await clock.advance(tick);
    await clock.advance(1000);
    expect(aggregator().wanted()).toEqual({ 'remote/hpa-0/shop/web': [key] });
    await live(2 * tick, () => new Map([[key, known(clock.now())]]));
    expect(aggregator().view().sequence).toBeLessThan(10);
    const sequences = views.map(({ view }) => view.sequence);
    expect(sequences.every((sequence, index) => index === 0 || sequence > (sequences[index - 1] ?? 0))).toBe(true);
    expect(remote.view()).toMatchObject({ podCount: 1, resourceSource: { healthy: true } });
  });

  it('what it said before is held, with a doubt when it takes long', async () => {
    const { live, clock, restart, remote, aggregator } = running();
    remote.demand('shop/web', [depth]);
    await live(2 * tick, () => new Map([[key, known(clock.now())]]));
    restart({ sequence: 0, resourceSource: notAsked }, 'second');
    await clock.advance(tick + 1000);
    // Not the empty view of one that has just begun.
    expect(remote.view()).toMatchObject({ podCount: 1, resourceSource: { healthy: true } });
    await clock.advance(tick);
    expect(remote.view()).toMatchObject({
      podCount: 1,
      resourceSource: { healthy: false, detail: `the metrics aggregator at ${url} has restarted and knows nothing yet` },
      usageDoubt: { reason: 'source-unavailable' },
    });
    // Usage is there first; the query is still to be answered.
    const at = clock.now();
    aggregator().publish({ at, usage: usageOf([podUsage('a', { timestamp: at })]) });
    await clock.advance(500);
    expect(remote.view()).toMatchObject({ podCount: 1, resourceSource: { healthy: true }, usageDoubt: undefined });
    expect(remote.view().query(depth)).toMatchObject({
      known: true,
      doubt: { detail: `the metrics aggregator at ${url} has not asked again yet; its last answer is still used for growth` },
    });
    aggregator().publish({ at: clock.now(), queries: new Map([[key, known(clock.now())]]) }, { usage: false });
    await clock.advance(500);
    expect(remote.view().query(depth)).toMatchObject({ known: true, doubt: undefined });
  });

  it('two that answer in turn are told of', async () => {
    const { clock, remote, intercept, problems } = running();
    let turn = 0;
    remote.demand('shop/web', [depth]);
    intercept(async ({ method }) => {
      if (method !== 'PUT') return { status: 204, chunks: [] };
      return { status: 200, chunks: [JSON.stringify({ instance: `i${turn++ % 2}`, revision: 1 })] };
    });
    await clock.advance(120_000);
    expect(problems.filter((problem) => problem.startsWith('more than one'))).toEqual([
      'more than one metrics aggregator answers at its URL, in turn: run one, or let each client stay with one',
    ]);
  });
});

describe('refresh', () => {
  it('asks once, without running', async () => {
    const { remote, aggregator, clock } = connected({ usage: usageOf([podUsage('a')]) });
    remote.demand('shop/web', [depth]);
    const refreshing = remote.refresh();
    await clock.advance(1000);
    expect(aggregator().wanted()).toEqual({ 'remote/hpa-0/shop/web': [key] });
    aggregator().publish({ usage: usageOf([podUsage('a')]), queries: new Map([[key, known(start)]]) });
    await clock.advance(0);
    const view = await refreshing;
    expect([view.podCount, view.query(depth).known]).toEqual([1, true]);
  });

  it('does not wait for ever for an answer', async () => {
    const { remote, clock } = connected({ usage: usageOf([podUsage('a')]) });
    remote.demand('shop/web', [depth]);
    const refreshing = remote.refresh();
    await clock.advance(20_000);
    expect((await refreshing).podCount).toBe(1);
  });

  it('says at once that the aggregator is away', async () => {
    const { remote, intercept } = connected();
    intercept(refused);
    const view = await remote.refresh();
    expect(view.resourceSource).toMatchObject({ healthy: false, reason: 'source-unavailable', lastSuccess: undefined });
    expect(view.usageDoubt).toBeUndefined();
  });
});

describe('the URL', () => {
  it.each([
    ['aggregator:8443', 'must begin with https://'],
    ['not a url', 'is no URL: write it as https://host:port'],
    ['https://user:pass@host', 'must have neither credentials nor a query: they would be shown in messages'],
    ['https://host/?token=x', 'must have neither credentials nor a query: they would be shown in messages'],
    [
      'http://aggregator.concertina:8080',
      'http://aggregator.concertina:8080 begins with http://, so that the token could be read on the way: use https://',
    ],
  ])('%s is refused', (bad, problem) => {
    expect(() => connected({}, { url: bad })).toThrowError(`the URL of the metrics aggregator ${problem}`);
  });

  it('may be http:// on this host, or when that is permitted, and may have a path', async () => {
    for (const good of ['http://127.0.0.1:80', 'http://localhost:80', 'http://[::1]:80'])
      expect(() => connected({}, { url: good })).not.toThrowError();
    const { remote, requests } = connected({}, { url: 'http://aggregator:8080/base/', plainHttp: true });
    await remote.refresh();
    expect(requests[0]?.url.href).toBe('http://aggregator:8080/base/api/v1/view?client=hpa-0&waitSeconds=0');
  });
});
