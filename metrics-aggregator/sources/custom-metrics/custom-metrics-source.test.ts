import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import type { MetricQuery, ObjectQuery, PodsQuery } from '../../../core/model/metric-query.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { fakeClient, pageNotFound, statusAnswer, type FakeAnswer } from '../metric-list/test-support.ts';
import type { QueryAnswer } from '../source.ts';
import { createCustomMetricsSource, type CustomMetricsOptions } from './index.ts';

const root = '/apis/custom.metrics.k8s.io';
const signal = new AbortController().signal;
const now = Date.UTC(2026, 10, 22, 6, 12, 30);

const pods: PodsQuery = { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'rps', metricSelector: '' };
const web: ObjectQuery = { kind: 'object', namespace: 'shop', object: { kind: 'Service', name: 'web' }, metric: 'qps', metricSelector: '' };

const groupOf = (preferred: string, ...versions: string[]) => ({
  kind: 'APIGroup',
  apiVersion: 'v1',
  name: 'custom.metrics.k8s.io',
  versions: versions.map((version) => ({ groupVersion: `custom.metrics.k8s.io/${version}`, version })),
  preferredVersion: { groupVersion: `custom.metrics.k8s.io/${preferred}`, version: preferred },
});
const bothVersions = groupOf('v1beta2', 'v1beta2', 'v1beta1');

const coreKinds = {
  kind: 'APIResourceList',
  groupVersion: 'v1',
  resources: [
    { name: 'bindings', kind: 'Binding', namespaced: true },
    { name: 'services/status', kind: 'Service', namespaced: true },
    { name: 'services', kind: 'Service', namespaced: true },
    { name: 'nodes', kind: 'Node', namespaced: false },
    { name: 'namespaces', kind: 'Namespace', namespaced: false },
  ],
};
const appsKinds = {
  kind: 'APIResourceList',
  groupVersion: 'apps/v1',
  resources: [
    { name: 'deployments/scale', kind: 'Scale', namespaced: true },
    { name: 'deployments', kind: 'Deployment', namespaced: true },
  ],
};

const value2 = (name: string, value: unknown, extra: object = {}) => ({
  describedObject: { kind: 'Pod', namespace: 'shop', name, apiVersion: '/v1' },
  metric: { name: 'rps', selector: null },
  timestamp: '2026-11-22T06:12:10Z',
  value,
  ...extra,
});
const list = (version: string, ...items: unknown[]) => ({
  kind: 'MetricValueList',
  apiVersion: `custom.metrics.k8s.io/${version}`,
  metadata: {},
  items,
});
const sample = (object: string, milli: bigint, windowMs?: number) => ({
  object,
  labels: {},
  milli,
  timestamp: Date.UTC(2026, 10, 22, 6, 12, 10),
  windowMs,
});

/** A source before a server that answers discovery, and everything else by `answer`. */
function world(answer: (path: string) => FakeAnswer | Promise<FakeAnswer>, options: Partial<CustomMetricsOptions> = {}) {
  const clock = new VirtualClock(now);
  const state: { group: FakeAnswer } = { group: bothVersions };
  const { client, paths } = fakeClient((path) => {
    if (path === root) return state.group;
    if (path === '/api/v1') return coreKinds;
    if (path === '/apis/apps/v1') return appsKinds;
    return answer(path);
  });
  const source = createCustomMetricsSource({ client, clock, timeoutMs: 1_000, ...options });
  const ask = (query: MetricQuery): Promise<QueryAnswer> => source.ask!(query, new AbortController().signal);
  return { clock, paths, state, ask };
}

const lastPath = async (query: MetricQuery): Promise<string | undefined> => {
  const { ask, paths } = world(() => list('v1beta2', value2('x', '1')));
  await ask(query);
  return paths.at(-1);
};

describe('what the source asks for', () => {
  it('is all pods that match, everything encoded', async () => {
    expect(await lastPath(pods)).toBe(`${root}/v1beta2/namespaces/shop/pods/%2A/rps?labelSelector=app%3Dweb`);
    const selector = 'app in (a,b),!canary';
    expect(await lastPath({ ...pods, selector, metric: 'job:rps:5m', metricSelector: 'verb!=GET' })).toBe(
      `${root}/v1beta2/namespaces/shop/pods/%2A/job%3Arps%3A5m?labelSelector=app%20in%20%28a%2Cb%29%2C%21canary&metricLabelSelector=verb%21%3DGET`,
    );
    expect(await lastPath({ ...pods, selector: '' })).toBe(`${root}/v1beta2/namespaces/shop/pods/%2A/rps`);
  });

  it('is one object by its resource and group', async () => {
    expect(await lastPath({ ...web, metricSelector: 'verb=GET' })).toBe(
      `${root}/v1beta2/namespaces/shop/services/web/qps?metricLabelSelector=verb%3DGET`,
    );
    expect(await lastPath({ ...web, object: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })).toBe(
      `${root}/v1beta2/namespaces/shop/deployments.apps/web/qps`,
    );
  });

  it('names no namespace for what is in none', async () => {
    expect(await lastPath({ ...web, object: { apiVersion: 'v1', kind: 'Node', name: 'n1' } })).toBe(`${root}/v1beta2/nodes/n1/qps`);
  });

  it('is the root-scoped form for a namespace, without discovery of its kind', async () => {
    const { ask, paths } = world(() => list('v1beta2', value2('shop', '1')));
    await ask({ ...web, object: { kind: 'Namespace', name: 'shop' } });
    expect(paths).toEqual([root, `${root}/v1beta2/namespaces/shop/metrics/qps`]);
  });

  it.each([
    [{ ...pods, metric: '../../../api/v1/secrets' }],
    [{ ...pods, namespace: '..' }],
    [{ ...web, object: { kind: 'Service', name: 'a/b' } }],
    [{ ...web, object: { kind: 'Service', name: '*' } }],
    [{ ...web, object: { kind: 'Namespace', name: '..' } }],
    [{ ...web, namespace: '' }],
    [{ kind: 'external', namespace: 'shop', metric: 'q', metricSelector: '' }],
  ] as [MetricQuery][])('is nothing at all for %j', async (query) => {
    const { ask, paths } = world(() => list('v1beta2'));
    expect(await ask(query)).toMatchObject({ ok: false, reason: 'refused' });
    expect(paths.filter((path) => path.startsWith(`${root}/`))).toEqual([]);
  });
});

describe('the values', () => {
  it('are exact in v1beta2: milli, nano rounded up, exponents, beyond 2^53, negative', async () => {
    const texts = ['250m', '100n', '1.5Gi', '2e3', '9007199254740993', '-2500m', '0', '61'];
    const { ask } = world(() => list('v1beta2', ...texts.map((text, index) => value2(`p${index}`, text, { windowSeconds: 60 }))));
    const expected = [250n, 1n, 1_610_612_736_000n, 2_000_000n, 9_007_199_254_740_993_000n, -2500n, 0n, 61_000n];
    expect(await ask(pods)).toEqual({
      ok: true,
      series: expected.map((milli, index) => sample(`p${index}`, milli, 60_000)),
      warnings: [],
      invalid: 0,
    });
  });

  it('have their window in another field in v1beta1, and none in the wrong one', async () => {
    const { ask, state } = world(() =>
      list('v1beta1', value2('a', '1', { window: 30 }), value2('b', '1', { windowSeconds: 30 }), value2('c', '1', { window: 0 })),
    );
    state.group = groupOf('v1beta1', 'v1beta1');
    expect(await ask(pods)).toMatchObject({ ok: true, series: [sample('a', 1000n, 30_000), sample('b', 1000n), sample('c', 1000n, 0)] });
  });

  it.each(['NaN', '+Inf', '', 'x', null, undefined, {}, '1'.repeat(101)])('leave %j out and count it', async (text) => {
    const { ask } = world(() => list('v1beta2', value2('a', '1'), value2('b', text)));
    expect(await ask(pods)).toMatchObject({ ok: true, series: [sample('a', 1000n)], invalid: 1 });
  });

  it('leave out what has no time, no name or is of another namespace', async () => {
    const { ask } = world(() =>
      list(
        'v1beta2',
        value2('a', '1', { timestamp: 'yesterday' }),
        value2('', '1'),
        value2('b', '1', { describedObject: { namespace: 'other', name: 'b' } }),
        value2('c', '1', { describedObject: undefined }),
        'text',
        value2('d', '1', { timestamp: null }),
      ),
    );
    expect(await ask(pods)).toMatchObject({ ok: true, series: [{ object: 'd', timestamp: now }], invalid: 5 });
  });

  it('of a pod that is listed twice are doubted', async () => {
    const { ask } = world(() => list('v1beta2', value2('a', '1'), value2('a', '5'), value2('b', '2')));
    expect(await ask(pods)).toEqual({
      ok: true,
      series: [sample('a', 5000n), sample('b', 2000n)],
      warnings: ['1 of the objects have more than one value of metric "rps" of the pods "app=web" of namespace "shop" ("a")'],
      invalid: 0,
    });
  });

  it('may be none', async () => {
    const { ask } = world(() => list('v1beta2'));
    expect(await ask(pods)).toEqual({ ok: true, series: [], warnings: [], invalid: 0 });
    const { ask: askOther } = world(() => ({ kind: 'MetricValueList', items: null }));
    expect(await askOther(pods)).toMatchObject({ ok: true, series: [] });
  });

  it('of one object are exactly one', async () => {
    const answered = async (...items: unknown[]) => world(() => list('v1beta2', ...items)).ask(web);
    expect(await answered(value2('web', '250'))).toEqual({ ok: true, series: [sample('web', 250_000n)], warnings: [], invalid: 0 });
    expect(await answered(value2('web', 'NaN'))).toEqual({ ok: true, series: [], warnings: [], invalid: 1 });
    expect(await answered()).toMatchObject({ ok: false, reason: 'missing' });
    expect(await answered(value2('web', '1'), value2('web', '2'))).toEqual({
      ok: false,
      reason: 'invalid',
      detail: 'custom.metrics.k8s.io answered 2 values for metric "qps" of "Service" "shop/web", where there can be only one',
    });
    expect(await answered(value2('other', '1'))).toMatchObject({ ok: false, reason: 'invalid' });
    expect(await answered(value2('web', '1', { describedObject: { name: 'web', namespace: 'other' } }))).toMatchObject({
      ok: false,
      reason: 'invalid',
    });
    expect(await answered(value2('web', '1', { describedObject: undefined }))).toMatchObject({ ok: true, series: [{ object: 'web' }] });
  });
});

describe('the version', () => {
  const served =
    (...versions: string[]) =>
    (path: string) =>
      versions.some((version) => path.startsWith(`${root}/${version}/`)) ? list('v1beta2', value2('a', '1')) : pageNotFound;

  it("is the server's preferred one of those that are known, found once", async () => {
    const { ask, paths, state } = world(() => list('v1beta1', value2('a', '1')));
    state.group = groupOf('v1', 'v1', 'v1beta1', 'v1beta2');
    await ask(pods);
    await ask(pods);
    expect(paths.map((path) => path.split('/')[3])).toEqual([undefined, 'v1beta1', 'v1beta1']);
    const older = world(() => list('v1beta1', value2('a', '1')));
    older.state.group = groupOf('v1beta1', 'v1beta2', 'v1beta1');
    await older.ask(pods);
    expect(older.paths.at(-1)).toContain('/v1beta1/');
    const other = world(served('v1'));
    other.state.group = groupOf('v1', 'v1');
    expect(await other.ask(pods)).toMatchObject({ ok: false, reason: 'source-absent' });
  });

  it('is discovered once for all who ask at the same time', async () => {
    const { ask, paths } = world(() => list('v1beta2', value2('a', '1')));
    await Promise.all(Array.from({ length: 20 }, () => ask(pods)));
    expect(paths.filter((path) => path === root)).toHaveLength(1);
  });

  it('is looked for again after ten minutes', async () => {
    const { ask, clock, paths, state } = world(() => list('v1beta1', value2('a', '1')));
    await ask(pods);
    state.group = groupOf('v1beta1', 'v1beta1');
    await clock.advance(599_000);
    await ask(pods);
    expect(paths.at(-1)).toContain('/v1beta2/');
    await clock.advance(1_000);
    await ask(pods);
    expect(paths.at(-1)).toContain('/v1beta1/');
  });

  it('is kept when looking for it again fails, which is tried again soon', async () => {
    const { ask, clock, paths, state } = world(() => list('v1beta2', value2('a', '1')));
    await ask(pods);
    state.group = statusAnswer(503, 'ServiceUnavailable', 'no');
    await clock.advance(600_000);
    expect(await ask(pods)).toMatchObject({ ok: true });
    expect(await ask(pods)).toMatchObject({ ok: true });
    expect(paths.filter((path) => path === root)).toHaveLength(2);
    await clock.advance(5_000);
    await ask(pods);
    expect(paths.filter((path) => path === root)).toHaveLength(3);
  });

  it('is changed at once when it is answered 404 for the group', async () => {
    let versions = ['v1beta2'];
    const { ask, state } = world((path) => served(...versions)(path));
    await ask(pods);
    versions = ['v1beta1'];
    state.group = groupOf('v1beta1', 'v1beta1');
    expect(await ask(pods)).toMatchObject({ ok: true, series: [{ object: 'a' }] });
  });

  it('is another one that is listed when the preferred one is not served, until the next discovery', async () => {
    const { ask, clock, paths } = world(served('v1beta1'));
    expect(await ask(pods)).toMatchObject({ ok: true, series: [{ object: 'a' }] });
    expect(paths.map((path) => path.split('/')[3])).toEqual([undefined, 'v1beta2', undefined, 'v1beta1']);
    await ask(pods);
    expect(paths).toHaveLength(5);
    await clock.advance(600_000);
    await ask(pods);
    expect(paths.slice(5).map((path) => path.split('/')[3])).toEqual([undefined, 'v1beta2', undefined, 'v1beta1']);
  });

  it('is not looked for again by every query that meets a path that nobody serves', async () => {
    const { ask, clock, paths } = world(() => pageNotFound);
    for (let index = 0; index < 10; index++) {
      const answer = await ask(pods);
      expect(answer).toMatchObject({ ok: false, reason: 'missing' });
      expect(!answer.ok && answer.detail).toContain('answers 404 for the path');
    }
    expect(paths.filter((path) => path === root)).toHaveLength(2);
    await clock.advance(5_000);
    await ask(pods);
    expect(paths.filter((path) => path === root)).toHaveLength(3);
  });

  it('of a group that goes away is absent, and found again when the group comes back', async () => {
    let there = true;
    const { ask, clock, paths, state } = world((path) => (there ? served('v1beta2')(path) : pageNotFound));
    await ask(pods);
    there = false;
    state.group = pageNotFound;
    expect(await ask(pods)).toEqual({
      ok: false,
      reason: 'source-absent',
      detail: 'custom.metrics.k8s.io: nobody serves it: install a metrics adapter, or check its APIService with `kubectl get apiservices`',
    });
    const asked = paths.length;
    await ask(pods);
    expect(paths).toHaveLength(asked);
    there = true;
    state.group = bothVersions;
    await clock.advance(5_000);
    expect(await ask(pods)).toMatchObject({ ok: true });
  });

  it('cannot be found in what is no APIGroup', async () => {
    const { ask, state } = world(served('v1beta2'));
    state.group = { kind: 'APIGroupList', groups: [] };
    expect(await ask(pods)).toMatchObject({ ok: false, reason: 'invalid' });
    state.group = bothVersions;
    expect(await ask(pods)).toMatchObject({ ok: true });
  });
});

describe('the kind of an object', () => {
  it('is found once for ten minutes, and a new kind soon', async () => {
    let kinds: object[] = [];
    const { client, paths } = fakeClient((path) => {
      if (path === root) return bothVersions;
      if (path === '/apis/shop.example/v1') return { kind: 'APIResourceList', resources: kinds };
      return list('v1beta2', value2('q', '1'));
    });
    const clock = new VirtualClock(now);
    const source = createCustomMetricsSource({ client, clock, timeoutMs: 1_000 });
    const ask = () => source.ask!({ ...web, object: { apiVersion: 'shop.example/v1', kind: 'Queue', name: 'q' } }, signal);
    const discoveries = () => paths.filter((path) => path === '/apis/shop.example/v1').length;
    expect(await ask()).toMatchObject({ ok: false, reason: 'missing', detail: expect.stringContaining('"Queue"') as string });
    await ask();
    expect(discoveries()).toBe(1);
    kinds = [{ name: 'queues', kind: 'Queue', namespaced: true }];
    await clock.advance(30_000);
    expect(await ask()).toMatchObject({ ok: true });
    expect(paths.at(-1)).toContain('/queues.shop.example/q/');
    await clock.advance(599_000);
    await Promise.all([ask(), ask()]);
    expect(discoveries()).toBe(2);
    await clock.advance(1_000);
    await Promise.all([ask(), ask()]);
    expect(discoveries()).toBe(3);
  });

  it('is that of the preferred version when its own is not served any more', async () => {
    const { ask, paths } = world((path) => {
      if (path === '/apis/networking.k8s.io') return { kind: 'APIGroup', preferredVersion: { version: 'v1' } };
      if (path === '/apis/networking.k8s.io/v1') {
        return { kind: 'APIResourceList', resources: [{ name: 'ingresses', kind: 'Ingress', namespaced: true }] };
      }
      return path.startsWith(`${root}/`) ? list('v1beta2', value2('i', '1')) : pageNotFound;
    });
    expect(await ask({ ...web, object: { apiVersion: 'networking.k8s.io/v1beta1', kind: 'Ingress', name: 'i' } })).toMatchObject({
      ok: true,
    });
    expect(paths.at(-1)).toContain('/ingresses.networking.k8s.io/i/qps');
    expect(await ask({ ...web, object: { apiVersion: 'gone.example/v1', kind: 'X', name: 'i' } })).toMatchObject({ reason: 'missing' });
    expect(await ask({ ...web, object: { apiVersion: '../v1', kind: 'X', name: 'i' } })).toMatchObject({ reason: 'missing' });
  });

  it('is kept when it cannot be looked for again', async () => {
    let down = false;
    const { client } = fakeClient((path) => {
      if (path === root) return bothVersions;
      if (path === '/api/v1') return down ? statusAnswer(500, 'InternalError', 'no') : coreKinds;
      return list('v1beta2', value2('web', '1'));
    });
    const clock = new VirtualClock(now);
    const source = createCustomMetricsSource({ client, clock, timeoutMs: 1_000 });
    await source.ask!(web, signal);
    down = true;
    await clock.advance(600_000);
    expect(await source.ask!(web, signal)).toMatchObject({ ok: true });
    expect(await source.ask!({ ...web, object: { kind: 'Nothing', name: 'x' } }, signal)).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
      transient: true,
    });
  });
});

describe('a failure', () => {
  const failureOf = async (answer: FakeAnswer, query: MetricQuery = web) => world(() => answer).ask(query);

  it('404 of the metric names metric, object and selector', async () => {
    const answer = statusAnswer(404, 'NotFound', 'the server could not find the metric qps for services web');
    expect(await failureOf(answer, { ...web, metricSelector: 'verb=GET' })).toEqual({
      ok: false,
      reason: 'missing',
      detail: `custom.metrics.k8s.io has no metric "qps" with "verb=GET" of "Service" "shop/web": check the adapter's rules and the labels of the series`,
    });
  });

  it('404 in the words of a server without such a path is one of the version', async () => {
    const answer = statusAnswer(404, 'NotFound', 'the server could not find the requested resource');
    expect(await failureOf(answer)).toMatchObject({ reason: 'missing', detail: expect.stringContaining('404 for the path') as string });
  });

  it('403 says what must be granted', async () => {
    const refusal = statusAnswer(403, 'Forbidden', 'services "web" is forbidden: User "secret" cannot get resource');
    expect(await failureOf(refusal)).toEqual({
      ok: false,
      reason: 'refused',
      detail:
        'custom.metrics.k8s.io may not be asked for metric "qps" of "Service" "shop/web" (403): grant the verb get on the resource "services/qps" of API group custom.metrics.k8s.io in namespace "shop"',
    });
    expect(await failureOf(refusal, { ...web, object: { kind: 'Namespace', name: 'shop' } })).toMatchObject({
      detail: expect.stringContaining('the resource "metrics" of API group custom.metrics.k8s.io in namespace "shop"') as string,
    });
    expect(await failureOf(refusal, { ...web, object: { kind: 'Node', name: 'n' } })).toMatchObject({
      detail: expect.stringContaining('the resource "nodes/qps" of API group custom.metrics.k8s.io in the cluster') as string,
    });
  });

  it('503, 429, 5xx and time-outs are a source that is unavailable', async () => {
    expect(await failureOf(statusAnswer(503, 'ServiceUnavailable', 'x'))).toMatchObject({ reason: 'source-unavailable', transient: true });
    expect(await failureOf(statusAnswer(503, 'ServiceUnavailable', 'x', { 'retry-after': '3' }))).toMatchObject({
      reason: 'source-unavailable',
      retryAfterMs: 3000,
      transient: false,
    });
    expect(await failureOf(statusAnswer(429, 'TooManyRequests', 'x', { 'retry-after': '7' }))).toEqual({
      ok: false,
      reason: 'source-unavailable',
      detail: 'custom.metrics.k8s.io answered 429 for metric "qps" of "Service" "shop/web" and asks to wait 7 s',
      retryAfterMs: 7000,
      transient: false,
    });
    expect(await failureOf(statusAnswer(429, 'TooManyRequests', 'x'))).toMatchObject({ reason: 'source-unavailable', transient: false });
    expect(await failureOf({ status: 502, body: '<html>bad gateway</html>' })).toMatchObject({
      reason: 'source-unavailable',
      transient: true,
    });
    const late = new ConcertinaError('API_UNREACHABLE', 'https://x did not finish in time', { details: { reason: 'timeout' } });
    expect(await failureOf(late)).toMatchObject({ reason: 'source-unavailable', transient: false });
    const reset = new ConcertinaError('API_UNREACHABLE', 'https://x was reset', { details: { reason: 'ECONNRESET' } });
    expect(await failureOf(reset)).toMatchObject({ reason: 'source-unavailable', transient: true });
    expect(await failureOf(new Error('secret'))).toMatchObject({ reason: 'source-unavailable', transient: false });
  });

  it('HTML, broken JSON, another kind and a redirect are invalid', async () => {
    const html = await failureOf({ status: 200, body: '<html>token=secret</html>', headers: { 'content-type': 'text/html' } });
    expect(html).toMatchObject({ ok: false, reason: 'invalid', detail: expect.stringContaining('an HTML page of 25 bytes') as string });
    expect(await failureOf({ status: 200, body: '{"kind":"MetricVal' })).toMatchObject({ reason: 'invalid' });
    expect(await failureOf({ status: 200, body: '[]' })).toMatchObject({ reason: 'invalid' });
    expect(await failureOf({ kind: 'Status' })).toMatchObject({ reason: 'invalid' });
    expect(await failureOf({ kind: 'MetricValueList', items: 'none' })).toMatchObject({ reason: 'invalid' });
    expect(await failureOf({ status: 302, body: '', headers: { location: 'https://secret' } })).toMatchObject({ reason: 'invalid' });
    expect(await failureOf({ status: 404, body: '<html>secret</html>', headers: { 'content-type': 'text/html' } })).toMatchObject({
      reason: 'invalid',
    });
  });

  it('of too large an answer is refused, and 400 too', async () => {
    const { ask } = world(() => list('v1beta2', value2('web', '1'), ' '.repeat(5_000)), { maxBytes: 4_000 });
    expect(await ask(web)).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: expect.stringMatching(/answered more than 4000 bytes for .*: narrow the selector/) as string,
    });
    expect(await failureOf(statusAnswer(400, 'BadRequest', 'secret'))).toMatchObject({ reason: 'refused' });
  });

  it('never repeats what the far side wrote', async () => {
    const texts = ['secret', '<html>secret</html>'];
    const answers = [200, 302, 400, 403, 404, 418, 429, 500, 503].flatMap((code) => [
      ...texts.map((body) => ({ status: code, body })),
      statusAnswer(code, 'secret', 'secret', { 'content-type': 'secret/secret' }),
    ]);
    for (const answer of answers) {
      const failure = await failureOf(answer);
      expect(failure.ok).toBe(false);
      expect(!failure.ok && failure.detail.replace('of unknown type', '')).not.toContain('<');
      expect(!failure.ok && failure.detail.replaceAll('bytes of secret/secret', '')).not.toContain('secret');
    }
  });

  it('is thrown when the asker has given up', async () => {
    const stop = new AbortController();
    const clock = new VirtualClock(now);
    const { client } = fakeClient((path) => {
      if (path === root) return bothVersions;
      stop.abort(new Error('enough'));
      return new Error('aborted');
    });
    await expect(createCustomMetricsSource({ client, clock, timeoutMs: 1_000 }).ask!(pods, stop.signal)).rejects.toThrow('enough');
  });
});
