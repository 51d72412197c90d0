import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionFromDispatcher, createKubeClient, type KubeClient } from '../../../core/kube/index.ts';
import type { ExternalQuery, MetricQuery, ObjectQuery, PodsQuery } from '../../../core/model/index.ts';
import { resourceTypes } from '../../../core/model/index.ts';
import { realClock, VirtualClock } from '../../../core/runtime/clock.ts';
import { realRandom, seededRandom } from '../../../core/runtime/random.ts';
import { createCustomMetricsSource } from '../../../metrics-aggregator/sources/custom-metrics/index.ts';
import { createExternalMetricsSource } from '../../../metrics-aggregator/sources/external-metrics/index.ts';
import type { QueryAnswer } from '../../../metrics-aggregator/sources/source.ts';
import { createAdapterApi, type AdapterApi } from '../../../simulator/cluster/adapter-api/index.ts';
import { createApiServer, type ApiServer } from '../../../simulator/cluster/api-server/index.ts';
import { adapterContract, type PublishedSeries } from './adapter.ts';

describe('metrics adapter of the embedded cluster', () => {
  let server: ApiServer;
  let adapter: AdapterApi;
  let client: KubeClient;

  beforeAll(async () => {
    const clock = realClock;
    server = createApiServer({ clock, random: seededRandom('adapter-contract'), authorization: 'RBAC' });
    adapter = createAdapterApi({ clock, objects: server.registry });
    for (const { groupVersion, handler, discovery } of adapter.groups) server.mount(groupVersion, handler, discovery);
    // Over real HTTP: encodings are what this is about.
    const { url } = await server.listen();
    const connection = connectionFromDispatcher({ server: url, dispatcher: new Agent() });
    client = createKubeClient({ connection, clock, random: realRandom, userAgent: 'concertina-contract' });
  });
  afterAll(async () => {
    await client.close();
    await server.close();
  });

  adapterContract(() => ({
    client,
    clock: realClock,
    publish: (series) => {
      for (const each of series) publish(adapter, each);
      return Promise.resolve();
    },
  }));
});

/** What {@link PublishedSeries} means to an adapter, by its labels. */
function publish(adapter: AdapterApi, { name: metric, labels, value }: PublishedSeries): void {
  const { namespace, ...others } = labels;
  if (namespace === undefined) return;
  const { pod, service } = others;
  const described = { metric, labels };
  if (pod !== undefined) adapter.setObject({ ...described, type: resourceTypes.pods, namespace, name: pod }, value);
  if (service !== undefined) adapter.setObject({ ...described, type: resourceTypes.services, namespace, name: service }, value);
  if (pod === undefined && service === undefined) {
    adapter.setObject({ ...described, type: resourceTypes.namespaces, name: namespace }, value);
  }
  adapter.setExternal({ namespace, metric, labels: others }, value);
}

describe('faults of the embedded adapter, as our sources see them', () => {
  const podsQuery: PodsQuery = { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'rps', metricSelector: '' };
  const serviceQuery: ObjectQuery = {
    kind: 'object',
    namespace: 'shop',
    object: { kind: 'Service', name: 'web' },
    metric: 'qps',
    metricSelector: '',
  };
  const queueQuery: ExternalQuery = { kind: 'external', namespace: 'shop', metric: 'queue', metricSelector: '' };
  const timeoutMs = 10_000;

  async function start() {
    const clock = new VirtualClock();
    const server = createApiServer({ clock, random: seededRandom('adapter-faults') });
    clock.useSettle(() => server.settle());
    const adapter = createAdapterApi({ clock, objects: server.registry });
    const mounts = adapter.groups.map(({ groupVersion, handler, discovery }) => server.mount(groupVersion, handler, discovery));
    const connection = connectionFromDispatcher({ server: 'http://embedded.cluster.local', dispatcher: server.dispatcher() });
    const client = createKubeClient({ connection, clock, random: () => 0.5, userAgent: 'concertina-contract' });
    await server.registry.create(resourceTypes.namespaces, { metadata: { name: 'shop' } });
    for (const name of ['web-1', 'web-2', 'web-3', 'web-4']) {
      const spec = { containers: [{ name: 'c', image: 'registry.example/c:1' }] };
      await server.registry.create(resourceTypes.pods, { metadata: { name, namespace: 'shop', labels: { app: 'web' } }, spec });
    }
    adapter.setPods({ namespace: 'shop', selector: 'app=web', metric: 'rps' }, (now) => (now % 1_000_000) / 1000);
    adapter.setObject({ type: resourceTypes.services, namespace: 'shop', name: 'web', metric: 'qps' }, 250);
    adapter.setExternal({ namespace: 'shop', metric: 'queue', labels: { q: 'a' } }, 7);
    const sources = [
      createCustomMetricsSource({ client, clock, timeoutMs }),
      createExternalMetricsSource({ client, clock, timeoutMs }),
    ] as const;
    /** The answer, and how long it took by the clock; time passes a second at a time. */
    const ask = async (query: MetricQuery): Promise<QueryAnswer & { readonly tookMs: number }> => {
      const source = sources[query.kind === 'external' ? 1 : 0];
      const begun = clock.now();
      const answer = await clock.settled(source.ask!(query, new AbortController().signal), 60_000);
      return { ...answer, tookMs: clock.now() - begun };
    };
    return { adapter, clock, mounts, ask };
  }

  it('no fault: every value, at once', async () => {
    const { ask, clock } = await start();
    const timestamp = clock.now();
    expect(await ask(podsQuery)).toMatchObject({
      ok: true,
      series: Array.from({ length: 4 }, () => ({ timestamp })),
      invalid: 0,
      tookMs: 0,
    });
    expect(await ask(serviceQuery)).toMatchObject({ ok: true, series: [{ milli: 250_000n }] });
    expect(await ask(queueQuery)).toMatchObject({ ok: true, series: [{ milli: 7_000n, labels: { q: 'a' } }] });
  });

  it('503: unavailable, and well as soon as it is over', async () => {
    const { adapter, ask } = await start();
    await ask(podsQuery);
    adapter.faults.unavailable = true;
    for (const query of [podsQuery, serviceQuery, queueQuery]) {
      expect(await ask(query)).toMatchObject({ ok: false, reason: 'source-unavailable', transient: true });
    }
    adapter.faults.unavailable = false;
    for (const query of [podsQuery, serviceQuery, queueQuery]) expect(await ask(query)).toMatchObject({ ok: true });
  });

  it('429: unavailable, with the time to wait', async () => {
    const { adapter, ask } = await start();
    adapter.faults.overloadedSeconds = 4;
    expect(await ask(podsQuery)).toMatchObject({ ok: false, reason: 'source-unavailable', retryAfterMs: 4_000, transient: false });
  });

  it('an adapter that hangs: unavailable after the time limit, and not before', async () => {
    const { adapter, ask } = await start();
    await ask(podsQuery);
    adapter.faults.latencyMs = 3_600_000;
    expect(await ask(podsQuery)).toMatchObject({ ok: false, reason: 'source-unavailable', transient: false, tookMs: timeoutMs });
    adapter.faults.latencyMs = 5_000;
    expect(await ask(podsQuery)).toMatchObject({ ok: true, tookMs: 5_000 });
  });

  it('an empty list: no value, never zero', async () => {
    const { adapter, ask } = await start();
    adapter.faults.emptyList = true;
    expect(await ask(podsQuery)).toMatchObject({ ok: true, series: [], invalid: 0 });
    expect(await ask(serviceQuery)).toMatchObject({ ok: false, reason: 'missing' });
    expect(await ask(queueQuery)).toMatchObject({ ok: true, series: [] });
  });

  it('NaN as a text: no value, counted', async () => {
    const { adapter, ask } = await start();
    adapter.faults.notANumber = true;
    expect(await ask(podsQuery)).toMatchObject({ ok: true, series: [], invalid: 4 });
    expect(await ask(serviceQuery)).toMatchObject({ ok: true, series: [], invalid: 1 });
    expect(await ask(queueQuery)).toMatchObject({ ok: true, series: [], invalid: 1 });
  });

  it('time that stands still or is another one: told as it is', async () => {
    const { adapter, ask, clock } = await start();
    const begun = clock.now();
    adapter.faults.frozenAt = begun;
    const first = await ask(podsQuery);
    await clock.advance(90_000);
    expect({ ...(await ask(podsQuery)), tookMs: 0 }).toEqual({ ...first, tookMs: 0 });
    adapter.faults.frozenAt = undefined;
    adapter.faults.clockSkewMs = 600_000;
    expect(await ask(queueQuery)).toMatchObject({ series: [{ timestamp: clock.now() + 600_000 }] });
  });

  it('HTML and a huge body: not read', async () => {
    const { adapter, ask } = await start();
    await ask(podsQuery);
    adapter.faults.html = true;
    expect(await ask(podsQuery)).toMatchObject({ ok: false, reason: 'invalid' });
    expect(await ask(queueQuery)).toMatchObject({ ok: false, reason: 'invalid' });
    adapter.faults.html = false;
    adapter.faults.paddingBytes = 5 * 1024 * 1024;
    expect(await ask(podsQuery)).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: expect.stringContaining('more than 4194304 bytes') as string,
    });
  });

  it('a preferred version that is not served: the other one', async () => {
    const { adapter, ask } = await start();
    adapter.faults.notServed.add('custom.metrics.k8s.io/v1beta2');
    expect(await ask(podsQuery)).toMatchObject({ ok: true, invalid: 0 });
    adapter.faults.notServed.add('custom.metrics.k8s.io/v1beta1');
    expect(await ask(podsQuery)).toMatchObject({ ok: false, reason: 'missing' });
    adapter.faults.notServed.clear();
    expect(await ask(podsQuery)).toMatchObject({ ok: true });
  });

  it('an adapter that is uninstalled: absent', async () => {
    const { ask, mounts } = await start();
    await ask(podsQuery);
    for (const mount of mounts) mount.unmount();
    expect(await ask(podsQuery)).toMatchObject({ ok: false, reason: 'source-absent' });
    expect(await ask(queueQuery)).toMatchObject({ ok: false, reason: 'source-absent' });
  });

  it('some pods only: those', async () => {
    const { adapter, ask } = await start();
    adapter.faults.partial = 0.5;
    const answer = await ask(podsQuery);
    expect(answer.ok && answer.series.length).toBeGreaterThan(0);
    expect(answer.ok && answer.series.length).toBeLessThan(4);
  });
});
