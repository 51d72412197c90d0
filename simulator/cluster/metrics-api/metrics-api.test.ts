import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { boundPod, harness } from '../kubelet/testing/harness.ts';
import type { ApiResponse } from '../api-server/types.ts';
import { createMetricsApi, fleetScrapes } from './index.ts';
import type { MetricsApi, MetricsApiOptions, MetricsObjects } from './index.ts';

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp: string;
    readonly labels?: Record<string, string>;
  };
  readonly timestamp: string;
  readonly window: string;
  readonly usage: { readonly cpu: string; readonly memory: string };
  readonly containers: readonly { readonly name: string; readonly usage: { readonly cpu: string; readonly memory: string } }[];
}

interface Answer {
  readonly status: number;
  readonly body: { readonly kind: string; readonly items: readonly Item[]; readonly [field: string]: unknown };
}

async function ask(api: MetricsApi, path: string, options: { method?: string; accept?: string } = {}): Promise<Answer> {
  const url = new URL(`http://x/apis/metrics.k8s.io/v1beta1/${path}`);
  const response = await api.handler({
    method: options.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: { accept: options.accept ?? 'application/json' },
    body: undefined,
    signal: new AbortController().signal,
  });
  return {
    status: response.status,
    body: JSON.parse(String((response as Extract<ApiResponse, { body: unknown }>).body)) as Answer['body'],
  };
}

const names = (answer: Answer): string[] => answer.body.items.map(({ metadata }) => metadata.name);

async function setup(options: Partial<MetricsApiOptions> = {}): Promise<ReturnType<typeof harness> & { metrics: MetricsApi }> {
  const base = harness();
  const { api, clock, fleet } = base;
  const objects: MetricsObjects = {
    pods: (namespace) => api.all('pods').filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    pod: (namespace, name) => api.get('pods', name, namespace),
    nodes: () => api.all('nodes'),
    node: (name) => api.get('nodes', name),
  };
  const metrics = createMetricsApi({ clock, random: () => 0.5, source: fleetScrapes(fleet), objects, ...options });
  for (const name of ['n1', 'n2']) await fleet.addNode({ name, cpu: '4', memory: '8Gi', labels: { pool: name } });
  await fleet.start();
  const annotations = { 'concertina.dev/sim-cpu': '250m', 'concertina.dev/sim-memory': '64Mi' };
  api.put('pods', boundPod('web-b', { annotations, labels: { app: 'web' } }));
  api.put('pods', boundPod('web-a', { node: 'n2', annotations, labels: { app: 'web' } }));
  api.put('pods', boundPod('db', { annotations, labels: { app: 'db' }, metadata: { namespace: 'data' } }));
  metrics.start();
  return { ...base, metrics };
}

describe('metrics.k8s.io', () => {
  it('answers lists in order, with labels of the pods and exact usage', async () => {
    const { clock, fleet, metrics } = await setup();
    expect(metrics.ready()).toBe(false);
    expect(names(await ask(metrics, 'pods'))).toEqual([]);
    await clock.advance(60_000);
    const answer = await ask(metrics, 'pods');
    expect(answer).toMatchObject({ status: 200, body: { kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {} } });
    expect(names(answer)).toEqual(['db', 'web-a', 'web-b']);
    const item = answer.body.items[1]!;
    expect(item.metadata).toEqual({
      name: 'web-a',
      namespace: 'default',
      labels: { app: 'web' },
      creationTimestamp: '2026-01-01T00:01:00Z',
    });
    expect(item.containers).toEqual([{ name: 'c', usage: { cpu: '250m', memory: '64Mi' } }]);
    expect(['10s', '20s']).toContain(item.window);
    expect(metrics.ready()).toBe(true);
    metrics.stop();
    await fleet.stop();
    expect(clock.pending).toBe(0);
  });

  it('selects by namespace, labels and fields', async () => {
    const { clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    expect(names(await ask(metrics, 'namespaces/data/pods'))).toEqual(['db']);
    expect(names(await ask(metrics, 'pods?labelSelector=app%3Dweb'))).toEqual(['web-a', 'web-b']);
    expect(names(await ask(metrics, 'pods?labelSelector=app+in+(db)'))).toEqual(['db']);
    expect(names(await ask(metrics, 'pods?fieldSelector=metadata.name%3Dweb-b'))).toEqual(['web-b']);
    expect(names(await ask(metrics, 'pods?fieldSelector=metadata.namespace!%3Ddefault'))).toEqual(['db']);
    expect(names(await ask(metrics, 'nodes?labelSelector=pool%3Dn2'))).toEqual(['n2']);
    expect((await ask(metrics, 'pods?labelSelector=a%3D%3D%3Db%2C%2C')).status).toBe(400);
    metrics.stop();
    await fleet.stop();
  });

  it('answers single objects, and 404 with the kind of what is missing', async () => {
    const { clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    expect((await ask(metrics, 'namespaces/default/pods/web-a')).body).toMatchObject({
      kind: 'PodMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: { name: 'web-a' },
    });
    const node = await ask(metrics, 'nodes/n2');
    expect(node.body).toMatchObject({ kind: 'NodeMetrics', usage: { memory: '64Mi' } });
    expect(await ask(metrics, 'namespaces/default/pods/none')).toMatchObject({
      status: 404,
      body: {
        kind: 'Status',
        reason: 'NotFound',
        message: 'podmetrics.metrics.k8s.io "default/none" not found',
        details: { name: 'default/none', group: 'metrics.k8s.io', kind: 'podmetrics' },
      },
    });
    expect(await ask(metrics, 'nodes/st')).toMatchObject({
      status: 404,
      body: { message: 'nodemetrics.metrics.k8s.io "st" not found', details: { kind: 'nodemetrics' } },
    });
    expect((await ask(metrics, 'services')).status).toBe(404);
    expect((await ask(metrics, 'pods', { method: 'DELETE' })).status).toBe(405);
    expect((await ask(metrics, 'pods?watch=true')).status).toBe(405);
    metrics.stop();
    await fleet.stop();
  });

  it('prints a table when asked', async () => {
    const { clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    const answer = await ask(metrics, 'pods', { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' });
    expect(answer.body).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name' }, { name: 'cpu' }, { name: 'memory' }, { name: 'Window' }],
    });
    expect((answer.body as unknown as { rows: { cells: string[] }[] }).rows[1]?.cells.slice(0, 3)).toEqual(['web-a', '250m', '64Mi']);
    metrics.stop();
    await fleet.stop();
  });

  it('loses a crash-looping pod and finds it again', async () => {
    const { clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    fleet.killContainer({ namespace: 'default', name: 'web-a' }, 'c', { code: 1, reason: 'Error' });
    // The second crash has to wait ten seconds: too young at the next round for the rule of fresh containers.
    await clock.advance(2000);
    fleet.killContainer({ namespace: 'default', name: 'web-a' }, 'c', { code: 1, reason: 'Error' });
    await clock.advance(15_000);
    expect(names(await ask(metrics, 'pods'))).toEqual(['db', 'web-b']);
    await clock.advance(45_000);
    expect(names(await ask(metrics, 'pods'))).toEqual(['db', 'web-a', 'web-b']);
    metrics.stop();
    await fleet.stop();
  });

  it('loses all pods of a node that does not answer, and nothing else', async () => {
    const { clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    fleet.faults.failScrape.add('n1');
    await clock.advance(16_000);
    expect(names(await ask(metrics, 'pods'))).toEqual(['web-a']);
    expect(names(await ask(metrics, 'nodes'))).toEqual(['n2']);
    fleet.faults.failScrape.clear();
    await clock.advance(46_000);
    expect(names(await ask(metrics, 'nodes'))).toEqual(['n1', 'n2']);
    metrics.stop();
    await fleet.stop();
  });

  it('does not answer pods that are over', async () => {
    const { api, clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    api.change('pods', 'web-a', (pod): KubeObject => ({ ...pod, status: { ...(pod.status as object), phase: 'Failed' } }));
    expect(names(await ask(metrics, 'pods'))).toEqual(['db', 'web-b']);
    metrics.stop();
    await fleet.stop();
  });

  it('gives up a node that takes too long', async () => {
    const base = await setup();
    base.metrics.stop();
    const { clock, fleet, api } = base;
    const metrics = createMetricsApi({
      clock,
      random: () => 0.5,
      source: { scrape: (node) => (node === 'n1' ? new Promise(() => {}) : Promise.resolve(fleet.scrape(node))) },
      objects: {
        pods: () => api.all('pods'),
        pod: (namespace, name) => api.get('pods', name, namespace),
        nodes: () => api.all('nodes'),
        node: (name) => api.get('nodes', name),
      },
    });
    metrics.start();
    await clock.advance(70_000);
    expect(names(await ask(metrics, 'nodes'))).toEqual(['n2']);
    metrics.stop();
    await fleet.stop();
  });

  it('lies as its faults say', async () => {
    const { clock, fleet, metrics } = await setup();
    await clock.advance(60_000);
    const { faults } = metrics;
    faults.unavailable = true;
    expect(await ask(metrics, 'pods')).toMatchObject({ status: 503, body: { kind: 'Status', reason: 'ServiceUnavailable' } });
    faults.unavailable = false;
    faults.emptyList = true;
    expect(await ask(metrics, 'pods')).toMatchObject({ status: 200, body: { items: [] } });
    faults.emptyList = false;
    faults.zeroForAll = true;
    expect((await ask(metrics, 'pods')).body.items[0]?.containers[0]?.usage).toEqual({ cpu: '0', memory: '0' });
    faults.zeroForAll = false;
    faults.missingContainer.add('default/web-a/c');
    expect((await ask(metrics, 'namespaces/default/pods/web-a')).body['containers']).toEqual([]);
    faults.missingContainer.clear();
    faults.partial = 0;
    expect(names(await ask(metrics, 'pods'))).toEqual([]);
    faults.partial = 1;
    const before = (await ask(metrics, 'nodes/n2')).body['timestamp'] as string;
    faults.clockSkewMs = 60_000;
    expect(Date.parse((await ask(metrics, 'nodes/n2')).body['timestamp'] as string)).toBe(Date.parse(before) + 60_000);
    faults.clockSkewMs = 0;
    faults.staleTimestamps = true;
    await clock.advance(60_000);
    expect((await ask(metrics, 'nodes/n2')).body['timestamp']).toBe(before);
    faults.staleTimestamps = false;
    faults.missingNodes.add('n2');
    await clock.advance(31_000);
    expect(names(await ask(metrics, 'nodes'))).toEqual(['n1']);
    metrics.stop();
    await fleet.stop();
  });
});
