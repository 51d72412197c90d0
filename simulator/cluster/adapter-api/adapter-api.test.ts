import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';
import type { ApiResponse } from '../api-server/types.ts';
import { createAdapterApi, type AdapterApi, type AdapterGroupVersion } from './index.ts';

const now = Date.UTC(2026, 10, 22, 6, 12, 10);
const custom1 = 'custom.metrics.k8s.io/v1beta1';
const custom2 = 'custom.metrics.k8s.io/v1beta2';
const external = 'external.metrics.k8s.io/v1beta1';

const object = (namespace: string | undefined, name: string, labels: Record<string, string>): KubeObject => ({
  metadata: { name, labels, ...(namespace === undefined ? {} : { namespace }) },
});

function setup(): { adapter: AdapterApi; clock: VirtualClock; pods: KubeObject[] } {
  const clock = new VirtualClock(now);
  const pods = [object('shop', 'web-1', { app: 'web' }), object('shop', 'web-2', { app: 'web' }), object('shop', 'db', { app: 'db' })];
  const services = [object('shop', 'web', { tier: 'front' }), object('shop', 'db', {})];
  const stored = (type: ResourceType): KubeObject[] => (type.plural === 'pods' ? pods : type.plural === 'services' ? services : []);
  const list = (type: ResourceType, namespace?: string): KubeObject[] =>
    stored(type).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const get = (type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined =>
    list(type, namespace).find(({ metadata }) => metadata.name === name);
  return { adapter: createAdapterApi({ clock, objects: { get, list } }), clock, pods };
}

async function respond(adapter: AdapterApi, groupVersion: AdapterGroupVersion, tail: string, method = 'GET'): Promise<ApiResponse> {
  const url = new URL(`http://x/apis/${groupVersion}${tail}`);
  const group = adapter.groups.find((each) => each.groupVersion === groupVersion)!;
  return group.handler({
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: {},
    body: undefined,
    signal: new AbortController().signal,
  });
}

async function ask(adapter: AdapterApi, groupVersion: AdapterGroupVersion, tail: string, method?: string) {
  const response = await respond(adapter, groupVersion, tail, method);
  if (!('body' in response)) throw new Error('the answer is a stream');
  return { status: response.status, headers: response.headers, text: String(response.body) };
}

async function items(adapter: AdapterApi, groupVersion: AdapterGroupVersion, tail: string): Promise<Record<string, unknown>[]> {
  const { status, text } = await ask(adapter, groupVersion, tail);
  expect(status, text).toBe(200);
  return (JSON.parse(text) as { items: Record<string, unknown>[] }).items;
}

const failureOf = async (adapter: AdapterApi, groupVersion: AdapterGroupVersion, tail: string) => {
  const { status, text } = await ask(adapter, groupVersion, tail);
  return { status, body: JSON.parse(text) as { message: string; reason?: string; code: number } };
};

const web = { type: resourceTypes.services, namespace: 'shop', name: 'web', metric: 'qps' };

describe('custom metrics of the adapter', () => {
  it('writes v1beta2 byte for byte as Go does', async () => {
    const { adapter } = setup();
    adapter.setObject(web, '250');
    const { text } = await ask(adapter, custom2, '/namespaces/shop/services/web/qps');
    expect(text).toBe(
      '{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[{"describedObject":{"kind":"Service","namespace":"shop","name":"web","apiVersion":"/v1"},' +
        '"metric":{"name":"qps","selector":null},"timestamp":"2026-11-22T06:12:10Z","value":"250"}]}',
    );
  });

  it('writes v1beta1 with window, metricName and selector', async () => {
    const { adapter } = setup();
    adapter.setObject({ ...web, labels: { verb: 'GET' } }, 0.3, { windowSeconds: 60 });
    const { text } = await ask(adapter, custom1, '/namespaces/shop/services/web/qps?metricLabelSelector=verb%3DGET%2Cpath+notin+(a,b)');
    expect(text).toBe(
      '{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[{"describedObject":{"kind":"Service","namespace":"shop","name":"web","apiVersion":"/v1"},' +
        '"metricName":"qps","timestamp":"2026-11-22T06:12:10Z","window":60,"value":"300m","selector":{"matchLabels":{"verb":"GET"},"matchExpressions":[{"key":"path","operator":"NotIn","values":["a","b"]}]}}]}',
    );
  });

  it('answers pods that exist and match, each by the sum of its series', async () => {
    const { adapter, pods } = setup();
    for (const name of ['web-1', 'web-2', 'db', 'gone']) {
      for (const verb of ['GET', 'PUT']) {
        adapter.setObject(
          { type: resourceTypes.pods, namespace: 'shop', name, metric: 'rps', labels: { verb } },
          verb === 'GET' ? '1500m' : 2,
        );
      }
    }
    const values = async (query: string) =>
      (await items(adapter, custom2, `/namespaces/shop/pods/%2A/rps${query}`)).map((item) => [
        (item['describedObject'] as { name: string }).name,
        item['value'],
      ]);
    expect(await values('')).toEqual([
      ['web-1', '3500m'],
      ['web-2', '3500m'],
      ['db', '3500m'],
    ]);
    expect(await values('?labelSelector=app%3Dweb&metricLabelSelector=verb%3DPUT')).toEqual([
      ['web-1', '2'],
      ['web-2', '2'],
    ]);
    expect(await values('?labelSelector=app%3Dnobody')).toEqual([]);
    expect((await failureOf(adapter, custom2, '/namespaces/shop/pods/gone/rps')).status).toBe(404);
    pods.length = 0;
    expect(await values('')).toEqual([]);
  });

  it('gives pods that come later the value of a rule', async () => {
    const { adapter, clock, pods } = setup();
    adapter.setPods({ namespace: 'shop', selector: 'app=web', metric: 'rps' }, (time, pod) =>
      pod.metadata.name === 'web-3' ? undefined : (time - now) / 1000,
    );
    pods.push(object('shop', 'web-3', { app: 'web' }), object('shop', 'web-4', { app: 'web' }), object('other', 'web-5', { app: 'web' }));
    await clock.advance(2_500);
    const found = await items(adapter, custom2, '/namespaces/shop/pods/*/rps');
    expect(found.map((item) => item['value'])).toEqual(['2500m', '2500m', '2500m']);
    expect(found[0]).toMatchObject({ timestamp: '2026-11-22T06:12:12Z', describedObject: { kind: 'Pod', name: 'web-1' } });
  });

  it('answers objects of other groups, cluster-scoped ones and namespaces', async () => {
    const { adapter } = setup();
    adapter.setObject({ type: resourceTypes.deployments, namespace: 'shop', name: 'web', metric: 'lag' }, '1k');
    adapter.setObject({ type: resourceTypes.nodes, name: 'n1', metric: 'temperature' }, '-2500m');
    adapter.setObject({ type: resourceTypes.namespaces, name: 'shop', metric: 'depth' }, 7);
    expect(await items(adapter, custom2, '/namespaces/shop/deployments.apps/web/lag')).toMatchObject([
      { describedObject: { kind: 'Deployment', apiVersion: 'apps/v1', namespace: 'shop' }, value: '1k' },
    ]);
    const [node] = await items(adapter, custom2, '/nodes/n1/temperature');
    expect(node).toMatchObject({ describedObject: { kind: 'Node', name: 'n1', apiVersion: '/v1' }, value: '-2500m' });
    expect(node!['describedObject']).not.toHaveProperty('namespace');
    expect(await items(adapter, custom1, '/namespaces/shop/metrics/depth')).toMatchObject([
      { describedObject: { kind: 'Namespace', name: 'shop', apiVersion: '/v1' }, metricName: 'depth', value: '7' },
    ]);
  });

  it('says which metric it does not have, in the words of the library', async () => {
    const { adapter } = setup();
    adapter.setObject({ ...web, labels: { verb: 'GET' } }, 1);
    expect(await failureOf(adapter, custom2, '/namespaces/shop/services/web/none')).toEqual({
      status: 404,
      body: expect.objectContaining({
        kind: 'Status',
        reason: 'NotFound',
        code: 404,
        message: 'the server could not find the metric none for services web',
      }),
    });
    expect((await failureOf(adapter, custom2, '/namespaces/shop/services/web/qps?metricLabelSelector=verb%3DPUT')).body.message).toBe(
      'the server could not find the metric qps for services web with selector verb=PUT',
    );
    expect((await failureOf(adapter, custom2, '/namespaces/shop/pods/*/none')).body.message).toBe(
      'the server could not find the metric none for pods',
    );
    expect((await failureOf(adapter, custom2, '/namespaces/shop/pods/web-1')).body.message).toBe(
      'the server could not find the requested resource',
    );
    expect(await failureOf(adapter, custom2, '/namespaces/shop/pods')).toMatchObject({
      status: 400,
      body: { message: 'invalid request path' },
    });
    expect((await failureOf(adapter, custom2, '/namespaces/shop/pods/*/qps?labelSelector=a%3D%3D%3D')).status).toBe(400);
    expect((await failureOf(adapter, custom2, '/namespaces/shop/pods/*/qps?metricLabelSelector=a%3D%3D%3D')).status).toBe(500);
    expect((await ask(adapter, custom2, '/namespaces/shop/services/web/qps', 'POST')).status).toBe(405);
  });

  it('serves no value that is no number', async () => {
    const { adapter } = setup();
    adapter.setObject(web, Number.NaN);
    expect((await failureOf(adapter, custom2, '/namespaces/shop/services/web/qps')).status).toBe(404);
    adapter.setObject({ ...web, labels: { verb: 'PUT' } }, 3);
    expect((await failureOf(adapter, custom2, '/namespaces/shop/services/web/qps')).status).toBe(404);
    adapter.setObject(web, () => undefined);
    expect(await items(adapter, custom2, '/namespaces/shop/services/web/qps')).toMatchObject([{ value: '3' }]);
  });

  it('lists one resource that is no metric', async () => {
    const { adapter } = setup();
    adapter.setObject(web, 1);
    expect(JSON.parse((await ask(adapter, custom2, '')).text)).toEqual({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: custom2,
      resources: [{ name: '/custommetrics', singularName: '', namespaced: false, kind: 'MetricValueList', verbs: ['get'] }],
    });
  });
});

describe('external metrics of the adapter', () => {
  it('answers each series of the namespace with its labels, sorted', async () => {
    const { adapter } = setup();
    adapter.setExternal({ namespace: 'shop', metric: 'queue', labels: { q: 'b' } }, 43, { windowSeconds: 30 });
    adapter.setExternal({ namespace: 'shop', metric: 'queue', labels: { q: 'a' } }, 42);
    adapter.setExternal({ namespace: 'other', metric: 'queue' }, 1);
    expect((await ask(adapter, external, '/namespaces/shop/queue')).text).toBe(
      '{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[' +
        '{"metricName":"queue","metricLabels":{"q":"a"},"timestamp":"2026-11-22T06:12:10Z","value":"42"},' +
        '{"metricName":"queue","metricLabels":{"q":"b"},"timestamp":"2026-11-22T06:12:10Z","window":30,"value":"43"}]}',
    );
    expect(await items(adapter, external, '/namespaces/shop/queue?labelSelector=q+in+(b)')).toHaveLength(1);
    expect(await items(adapter, external, '/namespaces/nobody/queue')).toEqual([]);
    expect((await failureOf(adapter, external, '/namespaces/shop/none')).body.message).toMatch(
      /^the server could not find the metric none/,
    );
    expect((await failureOf(adapter, external, '/queue')).status).toBe(404);
  });
});

describe('faults of the adapter', () => {
  const path = '/namespaces/shop/services/web/qps';

  it('hold while they are set', async () => {
    const { adapter, clock } = setup();
    const { faults } = adapter;
    adapter.setObject(web, () => clock.now() / 1000);
    faults.unavailable = true;
    expect((await failureOf(adapter, custom2, path)).body.reason).toBe('ServiceUnavailable');
    faults.unavailable = false;
    faults.overloadedSeconds = 3;
    expect(await ask(adapter, custom2, path)).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    faults.overloadedSeconds = undefined;
    faults.html = true;
    expect(await ask(adapter, custom2, path)).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
    faults.html = false;
    faults.emptyList = true;
    expect(await items(adapter, custom2, path)).toEqual([]);
    faults.emptyList = false;
    faults.notANumber = true;
    expect(await items(adapter, custom2, path)).toMatchObject([{ value: 'NaN' }]);
    faults.notANumber = false;
    faults.paddingBytes = 1_000_000;
    expect((await ask(adapter, custom2, path)).text.length).toBeGreaterThan(1_000_000);
    faults.paddingBytes = 0;
    expect(await items(adapter, custom2, path)).toMatchObject([{ value: String(now / 1000) }]);
  });

  it('stop the time, or move it', async () => {
    const { adapter, clock } = setup();
    adapter.setObject(web, (time) => time - now);
    adapter.faults.frozenAt = clock.now() + 1;
    await clock.advance(60_000);
    expect(await items(adapter, custom2, path)).toMatchObject([{ value: '1', timestamp: '2026-11-22T06:12:10Z' }]);
    adapter.faults.frozenAt = undefined;
    adapter.faults.clockSkewMs = -30_000;
    expect(await items(adapter, custom2, path)).toMatchObject([{ value: '60k', timestamp: '2026-11-22T06:12:40Z' }]);
  });

  it('take a version away that is still listed', async () => {
    const { adapter } = setup();
    adapter.setObject(web, 1);
    adapter.faults.notServed.add(custom2);
    expect(await ask(adapter, custom2, path)).toMatchObject({ status: 404, text: '404 page not found\n' });
    expect(await ask(adapter, custom2, '')).toMatchObject({ status: 404 });
    expect(await items(adapter, custom1, path)).toHaveLength(1);
  });

  it('leave out the same share of the pods every time', async () => {
    const { adapter, pods } = setup();
    for (let index = 0; index < 200; index++) pods.push(object('shop', `p-${index}`, {}));
    adapter.setPods({ namespace: 'shop', selector: '', metric: 'rps' }, 1);
    adapter.faults.partial = 0.5;
    const names = async () =>
      (await items(adapter, custom2, '/namespaces/shop/pods/*/rps')).map((item) => (item['describedObject'] as { name: string }).name);
    const half = await names();
    expect(half.length).toBeGreaterThan(70);
    expect(half.length).toBeLessThan(130);
    expect(await names()).toEqual(half);
  });

  it('let the body come later, by the clock', async () => {
    const { adapter, clock } = setup();
    adapter.setObject(web, 1);
    adapter.faults.latencyMs = 5_000;
    const response = await respond(adapter, custom2, path);
    const written: string[] = [];
    if (!('start' in response)) throw new Error('the answer is not a stream');
    const sink = {
      write: (chunk: string | Buffer) => void written.push(String(chunk)),
      end: () => void written.push('end'),
      destroy: () => undefined,
    };
    const stop = response.start(sink);
    await clock.advance(4_999);
    expect(written).toEqual([]);
    await clock.advance(1);
    expect(written).toHaveLength(2);
    stop();
    response.start(sink)();
    await clock.advance(10_000);
    expect(written).toHaveLength(2);
  });
});
