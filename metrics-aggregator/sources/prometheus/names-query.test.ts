import { expect, test } from 'vitest';
import { json, success, testRigs, type FakeHandler } from './test-support.ts';

const make = testRigs();

const answer =
  (data: unknown): FakeHandler =>
  (_, response) =>
    json(response, 200, { status: 'success', data, warnings: ['w'] });

test('series that selectors match', async () => {
  const made = await make(answer([{ __name__: 'x', a: 'b' }]));
  const { client } = made.prometheus;
  expect(await client.series(['x', 'y{a="b"}'], { start: 1000, end: 2500 })).toEqual({
    ok: true,
    items: [{ __name__: 'x', a: 'b' }],
    warnings: ['w'],
  });
  expect(made.server.requests[0]).toMatchObject({
    method: 'POST',
    body: 'match%5B%5D=x&match%5B%5D=y%7Ba%3D%22b%22%7D&start=1.000&end=2.500',
  });
});

test('names and values of labels', async () => {
  const made = await make(answer(['a', 'b']), { type: 'Thanos' });
  const { client } = made.prometheus;
  expect(await client.labelNames()).toEqual({ ok: true, items: ['a', 'b'], warnings: ['w'] });
  expect(await client.labelValues('a/b', { match: ['x'] })).toMatchObject({ ok: true, items: ['a', 'b'] });
  expect(made.server.requests[1]).toMatchObject({ method: 'GET' });
  expect(made.server.requests[1]?.url.pathname).toBe('/api/v1/label/a%2Fb/values');
  expect([...(made.server.requests[1]?.url.searchParams ?? [])]).toEqual([
    ['match[]', 'x'],
    ['dedup', 'true'],
    ['partial_response', 'false'],
  ]);
});

test('too many names, and names that are none', async () => {
  const many = await make(answer(Array.from({ length: 20 }, (_, index) => `v${index}`)));
  expect(await many.prometheus.client.labelValues('a', { maxItems: 10 })).toMatchObject({
    ok: false,
    reason: 'refused',
    detail: expect.stringContaining('more than 10 values of label a') as string,
  });
  const strange = await make(answer([5]));
  expect(await strange.prometheus.client.labelNames()).toMatchObject({ ok: false, reason: 'invalid' });
  expect(await strange.prometheus.client.series(['x'])).toMatchObject({ ok: false, reason: 'invalid' });
});

test('what a server says of metrics, cleaned', async () => {
  const made = await make(answer({ x: [{ type: 'counter', help: 'a\u0007 b', unit: '' }], y: [], z: [{ type: 5 }] }));
  expect(await made.prometheus.client.metadata({ metric: 'x' })).toEqual({
    ok: true,
    items: [
      { metric: 'x', type: 'counter', help: 'a b', unit: '' },
      { metric: 'z', type: '', help: '', unit: '' },
    ],
    warnings: ['w'],
  });
  expect(made.server.requests[0]?.url.search).toBe('?metric=x');
});

test('version of a server', async () => {
  const made = await make(answer({ version: '2.42.0+ds\n' }));
  expect(await made.prometheus.client.buildInfo()).toEqual({ ok: true, version: '2.42.0+ds' });
  const silent = await make((request, response) => {
    if (request.url.pathname.endsWith('buildinfo')) json(response, 404, {});
    else json(response, 200, success('scalar', [1, '1']));
  });
  expect(await silent.prometheus.client.buildInfo()).toEqual({ ok: true, version: 'unknown' });
  const absent = await make((_, response) => void response.writeHead(404).end());
  expect(await absent.prometheus.client.buildInfo()).toMatchObject({ ok: false, reason: 'source-absent' });
  const strange = await make((_, response) => json(response, 200, { hello: 1 }));
  expect(await strange.prometheus.client.buildInfo()).toMatchObject({ ok: false, reason: 'invalid' });
  const locked = await make((_, response) => json(response, 401, {}));
  expect(await locked.prometheus.client.buildInfo()).toMatchObject({
    ok: false,
    reason: 'refused',
    detail: expect.stringContaining('check auth') as string,
  });
});
