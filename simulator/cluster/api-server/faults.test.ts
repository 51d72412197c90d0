import { describe, expect, it } from 'vitest';
import { configMap, openWatch, startTestServer, types } from './testing/harness.ts';
import type { ApiResponse } from './types.ts';

const path = '/api/v1/namespaces/default/configmaps';

describe('faults', () => {
  it('answers a status so many times, to whom it is meant for', async () => {
    const test = startTestServer();
    const handle = test.server.faults.add({
      match: { verb: 'list', userAgent: 'victim' },
      fault: { kind: 'status', code: 429, retryAfterSeconds: 2 },
      times: 2,
    });
    const ask = async (agent: string): Promise<number> => (await test.call('GET', path, { headers: { 'user-agent': agent } })).status;
    expect([await ask('other'), await ask('victim/1'), await ask('victim/1'), await ask('victim/1')]).toEqual([200, 429, 429, 200]);
    expect(handle.hits).toBe(2);
    expect(test.server.faults.counts()).toEqual({ status: 2 });
    handle.remove();
  });

  it('waits by the clock without holding it up', async () => {
    const test = startTestServer();
    test.server.faults.add({ fault: { kind: 'latency', ms: 5_000 } });
    let status: number | undefined;
    const call = test.call('GET', path).then((answer) => {
      status = answer.status;
    });
    await test.clock.advance(4_999);
    expect(status).toBeUndefined();
    await test.clock.advance(1);
    await call;
    expect(status).toBe(200);
  });

  it('drops connections before and after the work', async () => {
    const test = startTestServer();
    test.server.faults.add({ match: { verb: 'create' }, fault: { kind: 'drop' }, times: 1 });
    await expect(test.call('POST', path, { body: configMap('a') })).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect(test.server.registry.get(types.configMaps, 'default', 'a')).toBeUndefined();
    test.server.faults.add({ match: { verb: 'create' }, fault: { kind: 'drop', applied: true }, times: 1 });
    await expect(test.call('POST', path, { body: configMap('a') })).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect(test.server.registry.get(types.configMaps, 'default', 'a')).toBeDefined();
  });

  it('breaks, stalls and expires watches', async () => {
    const test = startTestServer();
    test.server.faults.add({ match: { verb: 'watch' }, fault: { kind: 'watch-drop', afterMs: 1_000 }, times: 1 });
    const dropped = await openWatch(test, `${path}?watch=1`);
    const stalled = await openWatch(test, `${path}?watch=1`);
    expect(stalled.events).toHaveLength(1);
    await test.clock.advance(1_000);
    expect(dropped.state).toBe('broken');
    const stall = test.server.faults.add({ fault: { kind: 'watch-stall' } });
    await test.server.registry.create(types.configMaps, configMap('a'));
    await test.server.settle();
    expect(stalled.events).toHaveLength(1);
    stall.remove();
    await test.server.settle();
    expect(stalled.events).toHaveLength(2);
    expect(test.server.faults.expireWatches({ resource: 'configmaps' })).toBe(1);
    await test.server.settle();
    expect(stalled.events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    expect(stalled.state).toBe('ended');
  });

  it('forces 410 on lists and watches', async () => {
    const test = startTestServer();
    test.server.faults.add({ match: { verb: 'list', continues: true }, fault: { kind: 'gone' } });
    await test.server.registry.create(types.configMaps, configMap('a'));
    const first = await test.call('GET', `${path}?limit=1`);
    const token = encodeURIComponent((first.body.metadata as { continue?: string }).continue ?? '');
    expect([first.status, (await test.call('GET', `${path}?limit=1&continue=${token}`)).status]).toEqual([200, 410]);
    test.server.faults.add({ match: { verb: 'watch' }, fault: { kind: 'gone', as: 'http' }, times: 1 });
    expect((await test.call('GET', `${path}?watch=1`)).status).toBe(410);
    test.server.faults.add({ match: { verb: 'watch' }, fault: { kind: 'gone' }, times: 1 });
    expect((await openWatch(test, `${path}?watch=1`)).events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });

  it('thins out lists, of aggregated APIs too', async () => {
    const test = startTestServer();
    const items = Array.from({ length: 40 }, (_, index) => ({ metadata: { name: `p${index}` } }));
    const handler = (): Promise<ApiResponse> =>
      Promise.resolve({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ items }) });
    test.server.mount('metrics.k8s.io/v1beta1', handler, []);
    test.server.faults.add({ fault: { kind: 'partial-list', drop: 0.5 } });
    const { body } = await test.call('GET', '/apis/metrics.k8s.io/v1beta1/pods');
    expect(body.items.length).toBeGreaterThan(5);
    expect(body.items.length).toBeLessThan(35);
  });
});

describe('aggregation', () => {
  it('routes to the mount, and says 503 while it is down', async () => {
    const test = startTestServer();
    const resources = [{ name: 'pods', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] }];
    const mount = test.server.mount(
      'metrics.k8s.io/v1beta1',
      () => Promise.resolve({ status: 200, body: '{"kind":"PodMetricsList","items":[]}' }),
      resources,
    );
    const service = async (): Promise<unknown> =>
      (await test.call('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io')).body.status;
    expect((await test.call('GET', '/apis/metrics.k8s.io/v1beta1/pods')).body.kind).toBe('PodMetricsList');
    expect(await service()).toMatchObject({ conditions: [{ type: 'Available', status: 'True' }] });
    mount.setAvailable(false);
    expect(await test.call('GET', '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods')).toMatchObject({
      status: 503,
      body: { reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request' },
    });
    expect(await service()).toMatchObject({ conditions: [{ type: 'Available', status: 'False', reason: 'FailedDiscoveryCheck' }] });
    mount.unmount();
    expect((await test.call('GET', '/apis/metrics.k8s.io/v1beta1/pods')).body.text).toBe('404 page not found\n');
  });
});
