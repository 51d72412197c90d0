import { afterEach, describe, expect, it } from 'vitest';
import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { createDemandLeases } from './demand-leases.ts';
import { maxDemandCount, readDemands } from './demand-schema.ts';
import { addAggregatorRoutes } from './routes.ts';
import { external, fakeAggregator, serveOn, start, turnsDuring } from './test-support.ts';

let close: (() => Promise<void>) | undefined;

afterEach(async () => {
  await close?.();
  close = undefined;
});

async function serve() {
  const clock = new VirtualClock(start);
  const aggregator = fakeAggregator();
  const { url, close: stop } = await serveOn((server) => {
    addAggregatorRoutes(server, { aggregator, facts: aggregator.facts, clock, instance: 'test' });
  });
  close = stop;
  const put = async (client: string, body: unknown) => {
    const response = await fetch(`${url}/api/v1/demands/${client}`, {
      method: 'PUT',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, text, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
  };
  return { put, aggregator, clock };
}

const [a, b, c] = [external('a'), external('b'), external('c')];

const every: readonly MetricQuery[] = [
  { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'qps', metricSelector: '' },
  {
    kind: 'object',
    namespace: 'shop',
    object: { apiVersion: 'v1', kind: 'Service', name: 'web' },
    metric: 'hits',
    metricSelector: 'verb=GET',
  },
  { kind: 'object', namespace: 'shop', object: { kind: 'Namespace', name: 'shop' }, metric: 'hits', metricSelector: '' },
  { kind: 'external', namespace: 'shop', metric: 'depth', metricSelector: 'queue=a' },
  { kind: 'prometheus', namespace: 'shop', source: 'main', query: 'sum(\n\trate(x[1m])\n)', emptyMeans: 'unknown' },
];

describe('PUT /api/v1/demands/<client>', () => {
  it('replaces what the client wants, subject by subject', async () => {
    const { put, aggregator } = await serve();
    const first = await put('hpa-0', [
      { subject: 'shop/web', queries: [a, b] },
      { subject: 'shop/api', queries: [a] },
    ]);
    expect(first).toMatchObject({ status: 200, json: { schemaVersion: 1, instance: 'test', leaseSeconds: 60, subjects: 2, queries: 2 } });
    expect(aggregator.wanted()).toEqual({ 'remote/hpa-0/shop/web': [a, b].map(queryKey), 'remote/hpa-0/shop/api': [queryKey(a)] });
    const second = await put('hpa-0', [{ subject: 'shop/web', queries: [c] }]);
    expect(second.json['revision']).not.toBe(first.json['revision']);
    expect(aggregator.wanted()).toEqual({ 'remote/hpa-0/shop/web': [queryKey(c)] });
    await put('hpa-0', []);
    expect(aggregator.wanted()).toEqual({});
  });

  it('takes every kind of query', async () => {
    const { put, aggregator } = await serve();
    expect((await put('x', [{ subject: 's', queries: every }])).status).toBe(200);
    expect(aggregator.wanted()).toEqual({ 'remote/x/s': every.map(queryKey) });
  });

  it('keeps clients apart', async () => {
    const { put, aggregator } = await serve();
    await put('one', [{ subject: 's', queries: [a] }]);
    await put('two', [{ subject: 's', queries: [b] }]);
    await put('one', []);
    expect(aggregator.wanted()).toEqual({ 'remote/two/s': [queryKey(b)] });
  });

  it('forgets a client that does not repeat itself for a minute', async () => {
    const { put, aggregator, clock } = await serve();
    const body = [{ subject: 's', queries: [a] }];
    await put('gone', body);
    await put('there', body);
    await clock.advance(59_000);
    const demandsSoFar = aggregator.demands.length;
    await put('there', body);
    // A body that repeats the one before is not taken in anew.
    expect(aggregator.demands).toHaveLength(demandsSoFar);
    await clock.advance(1000);
    expect(aggregator.wanted()).toEqual({ 'remote/there/s': [queryKey(a)] });
    await clock.advance(59_000);
    expect(aggregator.wanted()).toEqual({});
    // And takes it back in when it returns.
    await put('there', body);
    expect(aggregator.wanted()).toEqual({ 'remote/there/s': [queryKey(a)] });
  });

  it.each([
    ['{', 'the body is not JSON: send a list of {"subject": …, "queries": […]}', ''],
    ['{}', 'the body is not a list: send a list of {"subject": …, "queries": […]}', ''],
    [[1], 'Invalid input: expected object, received number', '[0]'],
    [[{ subject: 's' }], 'Invalid input: expected array, received undefined', '[0].queries'],
    [[{ subject: '', queries: [] }], 'Too small: expected string to have >=1 characters', '[0].subject'],
    [[{ subject: 's\u001b[2J', queries: [] }], 'no control characters', '[0].subject'],
    [[{ subject: 's', queries: [], 'x\ny': 1 }], 'Unrecognized key: "x?y"', '[0]'],
    [
      [{ subject: 's', queries: [a, { ...b, kind: 'shell' }] }],
      "Invalid discriminator value. Expected 'pods' | 'object' | 'external' | 'prometheus'",
      '[0].queries[1].kind',
    ],
    [[{ subject: 's', queries: [{ ...a, namespace: '../x' }] }], 'the name of a namespace', '[0].queries[0].namespace'],
    [[{ subject: 's', queries: [{ ...a, url: 'http://169.254.169.254' }] }], 'Unrecognized key: "url"', '[0].queries[0]'],
    [
      [
        { subject: 's', queries: [] },
        { subject: 's', queries: [] },
      ],
      'the subject is there twice: put all its queries into one entry',
      '[1].subject',
    ],
  ])('refuses %j and changes nothing', async (body, reason, path) => {
    const { put, aggregator } = await serve();
    await put('x', [{ subject: 'before', queries: [a] }]);
    expect(await put('x', body)).toMatchObject({
      status: 400,
      json: { schemaVersion: 1, error: path === '' ? reason : `${path}: ${reason}`, path, reason },
    });
    expect(aggregator.wanted()).toEqual({ 'remote/x/before': [queryKey(a)] });
  });

  it('refuses names of clients that would not be safe in a log', async () => {
    const { put } = await serve();
    for (const name of ['-x', 'a%2Fb', 'a%0Ab', 'x'.repeat(129)]) expect((await put(name, [])).status).toBe(400);
    expect((await put('x'.repeat(128), [])).status).toBe(200);
  });

  it('refuses a body of more than 8 MiB', async () => {
    const { put } = await serve();
    expect(await put('x', `[${' '.repeat(8 * 1024 * 1024)}]`)).toMatchObject({
      status: 413,
      text: 'the body is longer than 8388608 bytes: send less\n',
    });
    expect((await put('x', `[${' '.repeat(8 * 1024 * 1024 - 2)}]`)).status).toBe(200);
  });

  it('has room for 64 clients', async () => {
    const { put, clock } = await serve();
    for (let index = 0; index < 64; index++) expect((await put(`c${index}`, [])).status).toBe(200);
    expect(await put('one-more', [])).toMatchObject({
      status: 429,
      json: { reason: '64 clients have demands already: wait until one has gone' },
    });
    expect((await put('c0', [])).status).toBe(200);
    await clock.advance(60_000);
    expect((await put('one-more', [])).status).toBe(200);
  });
});

describe('readDemands', () => {
  it('bounds subjects and queries', async () => {
    const many = Array.from({ length: maxDemandCount / 2 + 1 }, (_, index) => external(`m${index}`));
    const tooMany = JSON.stringify([
      { subject: 'one', queries: many },
      { subject: 'two', queries: many },
    ]);
    expect(await readDemands(tooMany)).toMatchObject({
      ok: false,
      status: 413,
      reason: 'more than 50000 queries are more than the 50000 that one client may demand',
    });
    const subjects = JSON.stringify(Array.from({ length: maxDemandCount + 1 }, () => 0));
    expect(await readDemands(subjects)).toMatchObject({ ok: false, status: 413 });
  });

  it('lets others run in between', async () => {
    const body = JSON.stringify([{ subject: 's', queries: Array.from({ length: 2000 }, (_, index) => external(`m${index}`)) }]);
    const turns = await turnsDuring(async () => expect((await readDemands(body)).ok).toBe(true));
    expect(turns).toBeGreaterThanOrEqual(10);
  });
});

describe('createDemandLeases', () => {
  const bodyOf = (...metrics: string[]): Buffer =>
    Buffer.from(JSON.stringify(metrics.map((metric) => ({ subject: metric, queries: [external(metric)] }))));

  it('takes in bodies of one client one after the other', async () => {
    const aggregator = fakeAggregator();
    const leases = createDemandLeases({ aggregator, clock: new VirtualClock() });
    const many = Array.from({ length: 450 }, (_, index) => `m${index}`);
    const [first, second] = await Promise.all([leases.put('x', bodyOf(...many)), leases.put('x', bodyOf('last'))]);
    expect([first.ok, second.ok]).toEqual([true, true]);
    expect(aggregator.wanted()).toEqual({ 'remote/x/last': [queryKey(external('last'))] });
    expect([...(leases.lease('x')?.keys ?? [])]).toEqual([queryKey(external('last'))]);
  });

  it('lets no client queue up bodies', async () => {
    const leases = createDemandLeases({ aggregator: fakeAggregator(), clock: new VirtualClock() });
    const results = await Promise.all(Array.from({ length: 5 }, (_, index) => leases.put('x', bodyOf(`m${index}`))));
    expect(results.map((result) => (result.ok ? 200 : result.status))).toEqual([200, 200, 200, 429, 429]);
  });

  it('stops in the middle when it is closed, and leaves nothing behind', async () => {
    const aggregator = fakeAggregator();
    const leases = createDemandLeases({ aggregator, clock: new VirtualClock() });
    const many = Array.from({ length: 1000 }, (_, index) => `m${index}`);
    const taking = leases.put('x', bodyOf(...many));
    while (aggregator.demands.length === 0) await new Promise((resolve) => setImmediate(resolve));
    leases.close();
    expect(await taking).toMatchObject({ ok: false, status: 409 });
    expect(aggregator.demands.length).toBeLessThan(1000);
    expect(aggregator.wanted()).toEqual({});
    expect(leases.size).toBe(0);
  });

  it('tells of changes, and not of repetitions', async () => {
    const changes: string[] = [];
    const leases = createDemandLeases({
      aggregator: fakeAggregator(),
      clock: new VirtualClock(),
      onChange: (client) => changes.push(client),
    });
    await leases.put('x', bodyOf('a'));
    const first = leases.lease('x')?.revision;
    await leases.put('x', bodyOf('a'));
    expect([changes, leases.lease('x')?.revision]).toEqual([['x'], first]);
    await leases.put('x', bodyOf('b'));
    expect(changes).toEqual(['x', 'x']);
    expect(leases.lease('x')?.revision).not.toBe(first);
  });
});
