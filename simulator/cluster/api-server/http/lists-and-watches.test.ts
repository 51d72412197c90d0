import { describe, expect, it } from 'vitest';
import { configMap, nodeObject, openWatch, podObject, startTestServer, types } from '../testing/harness.ts';
import type { TestServer } from '../testing/harness.ts';

const path = '/api/v1/namespaces/default/configmaps';

async function fill(test: TestServer, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await test.server.registry.create(types.configMaps, {
      ...configMap(`m${index}`, { n: String(index) }),
      metadata: { name: `m${index}`, namespace: 'default', labels: { parity: index % 2 === 0 ? 'even' : 'odd' } },
    });
  }
}

function names(items: readonly { metadata: { name: string } }[]): string[] {
  return items.map((item) => item.metadata.name).filter((name) => name !== 'kube-root-ca.crt');
}

function revisionOf(test: TestServer): string {
  return test.server.registry
    .list(types.configMaps)
    .reduce((top, object) => (Number(object.metadata.resourceVersion) > Number(top) ? (object.metadata.resourceVersion ?? top) : top), '0');
}

describe('lists', () => {
  it('pages through one state while objects change', async () => {
    const test = startTestServer();
    await fill(test, 5);
    const first = await test.call('GET', `${path}?limit=3`);
    expect(first.body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { remainingItemCount: 3 } });
    await test.server.registry.delete(types.configMaps, 'default', 'm4');
    await test.server.registry.create(types.configMaps, configMap('m5'));
    const token = (first.body.metadata as { continue?: string }).continue ?? '';
    const second = await test.call('GET', `${path}?limit=3&continue=${encodeURIComponent(token)}`);
    expect(names([...first.body.items, ...second.body.items])).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    expect(second.body.metadata).not.toHaveProperty('continue');
  });

  it('answers 410 with a token that goes on when the pages have expired', async () => {
    const test = startTestServer();
    await fill(test, 4);
    const first = await test.call('GET', `${path}?limit=2`);
    await test.clock.advance(301_000);
    await test.server.registry.create(types.configMaps, configMap('m9'));
    const token = encodeURIComponent((first.body.metadata as { continue?: string }).continue ?? '');
    const late = await test.call('GET', `${path}?limit=2&continue=${token}`);
    expect(late).toMatchObject({ status: 410, body: { reason: 'Expired', code: 410 } });
    const fresh = encodeURIComponent((late.body.metadata as { continue?: string }).continue ?? '');
    const rest = await test.call('GET', `${path}?continue=${fresh}`);
    expect(names(rest.body.items)).toEqual(['m1', 'm2', 'm3', 'm9']);
  });

  it('selects by labels and fields', async () => {
    const test = startTestServer();
    await fill(test, 4);
    const by = async (query: string): Promise<string[]> => names((await test.call('GET', `${path}?${query}`)).body.items);
    expect(await by('labelSelector=parity%3Deven')).toEqual(['m0', 'm2']);
    expect(await by('labelSelector=parity%20notin%20(even)')).toEqual(['m1', 'm3']);
    expect(await by('labelSelector=parity,parity!%3Dodd')).toEqual(['m0', 'm2']);
    expect(await by('labelSelector=!parity')).toEqual([]);
    expect(await by('fieldSelector=metadata.name%3Dm3')).toEqual(['m3']);
    expect(await test.call('GET', `${path}?fieldSelector=spec.x%3D1`)).toMatchObject({
      status: 400,
      body: {
        message:
          'Unable to find "/v1, Resource=configmaps" that match label selector "", field selector "spec.x=1": field label not supported: spec.x',
      },
    });
  });

  it('knows the fields of pods and nodes', async () => {
    const test = startTestServer();
    const { registry } = test.server;
    await registry.create(types.nodes, nodeObject('n1'));
    await registry.create(types.pods, podObject('a', { spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } }));
    await registry.create(types.pods, podObject('b'));
    const by = async (resource: string, selector: string): Promise<string[]> =>
      names((await test.call('GET', `/api/v1/${resource}?fieldSelector=${encodeURIComponent(selector)}`)).body.items);
    expect(await by('pods', 'spec.nodeName!=')).toEqual(['a']);
    expect(await by('pods', 'spec.nodeName=')).toEqual(['b']);
    expect(await by('pods', 'status.phase=Pending,spec.nodeName=n1')).toEqual(['a']);
    expect(await by('nodes', 'spec.unschedulable=false')).toEqual(['n1']);
  });

  it('refuses a revision that is still to come', async () => {
    const test = startTestServer();
    expect(await test.call('GET', `${path}?resourceVersion=999999`)).toMatchObject({ status: 504, body: { reason: 'Timeout' } });
    expect((await test.call('GET', `${path}?resourceVersion=0`)).status).toBe(200);
    expect((await test.call('GET', `${path}?resourceVersionMatch=Exact`)).status).toBe(422);
  });

  it('prints tables and metadata', async () => {
    const test = startTestServer();
    await fill(test, 1);
    const table = await test.call('GET', `${path}/m0`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
    });
    expect(table.body).toMatchObject({ kind: 'Table', rows: [{ cells: ['m0', 1, '0s'] }] });
    const metadata = await test.call('GET', path, {
      headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
    });
    expect(metadata.body.kind).toBe('PartialObjectMetadataList');
    expect(metadata.body.items[0]).not.toHaveProperty('data');
    expect((await test.call('GET', path, { headers: { accept: 'application/vnd.kubernetes.protobuf' } })).status).toBe(406);
  });
});

describe('watches', () => {
  it('resumes after a revision and follows what begins and ceases to match', async () => {
    const test = startTestServer();
    const { registry } = test.server;
    await fill(test, 1);
    const watch = await openWatch(test, `${path}?watch=1&labelSelector=parity%3Deven&resourceVersion=${revisionOf(test)}`);
    const label = (value: string): Promise<unknown> =>
      registry.mutate(types.configMaps, 'default', 'm0', (object) => ({
        ...object,
        metadata: { ...object.metadata, labels: { parity: value } },
      }));
    await registry.mutate(types.configMaps, 'default', 'm0', (object) => ({ ...object, data: { n: 'x' } }));
    await label('odd');
    await label('even');
    await registry.delete(types.configMaps, 'default', 'm0');
    await test.server.settle();
    expect(watch.events.map((event) => event.type)).toEqual(['MODIFIED', 'DELETED', 'ADDED', 'DELETED']);
    const [, left] = watch.events;
    expect(left?.object.metadata.labels).toEqual({ parity: 'even' });
    const revisions = watch.events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    watch.stop();
  });

  it('begins with the state when no revision is named, and ends a WatchList with its bookmark', async () => {
    const test = startTestServer();
    await fill(test, 2);
    const plain = await openWatch(test, `${path}?watch=1`);
    expect(plain.events.map((event) => event.type)).toEqual(['ADDED', 'ADDED', 'ADDED']);
    const list = await openWatch(test, `${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    expect(list.events.map((event) => event.type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
    expect(list.events.at(-1)?.object).toMatchObject({
      kind: 'ConfigMap',
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
    expect((await test.call('GET', `${path}?watch=1&sendInitialEvents=true`)).status).toBe(422);
    plain.stop();
    list.stop();
  });

  it('sends bookmarks and ends after its timeout by the clock', async () => {
    const test = startTestServer({ bookmarkIntervalMs: 10_000 });
    const watch = await openWatch(test, `${path}?watch=1&resourceVersion=${revisionOf(test)}&allowWatchBookmarks=true&timeoutSeconds=25`);
    await test.server.registry.create(types.pods, podObject('other-type'));
    await test.clock.advance(24_000);
    expect(watch.events.map((event) => event.type)).toEqual(['BOOKMARK', 'BOOKMARK']);
    expect(Number(watch.events[1]?.object.metadata.resourceVersion)).toBeGreaterThan(Number(revisionOf(test)));
    await test.clock.advance(1_000);
    expect(watch.state).toBe('ended');
    expect(test.clock.pending).toBe(0);
  });

  it('answers 410 as an event when the history is gone', async () => {
    const test = startTestServer({ historyLimit: 3 });
    await fill(test, 1);
    const old = revisionOf(test);
    for (let index = 0; index < 5; index++) {
      await test.server.registry.mutate(types.configMaps, 'default', 'm0', (object) => ({ ...object, data: { n: `${index}.` } }));
    }
    const watch = await openWatch(test, `${path}?watch=1&resourceVersion=${old}`);
    expect(watch.events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
    expect(watch.state).toBe('ended');
    const resumed = await openWatch(test, `${path}?watch=1&resourceVersion=${Number(revisionOf(test)) - 1}`);
    expect(resumed.events.map((event) => event.type)).toEqual(['MODIFIED']);
    resumed.stop();
  });

  it('frees the subscription when the client goes away', async () => {
    const test = startTestServer();
    const watch = await openWatch(test, `${path}?watch=1`);
    expect(test.server.faults.openWatches).toBe(1);
    watch.stop();
    await test.server.settle();
    expect(test.server.faults.openWatches).toBe(0);
    expect(watch.state).toBe('broken');
  });
});

describe('settling', () => {
  it('covers requests, watches and the collector in the background', async () => {
    const test = startTestServer();
    const watch = await openWatch(test, `${path}?watch=1&resourceVersion=${revisionOf(test)}`);
    const before = test.dispatcher.activity();
    expect(before.inFlight).toBe(0);
    const work = Promise.all(Array.from({ length: 50 }, (_, index) => test.call('POST', path, { body: configMap(`p${index}`) })));
    await test.server.settle();
    expect(watch.events).toHaveLength(50);
    expect(test.dispatcher.activity().counter).toBeGreaterThan(before.counter + 100);
    expect((await work).every((answer) => answer.status === 201)).toBe(true);
    watch.stop();
  });
});
