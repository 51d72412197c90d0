import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isForbidden, isNotFound, type KubeClient } from '../../../core/kube/index.ts';
import type { Clock, ExternalQuery, MetricQuery, ObjectQuery, PodsQuery, SeriesSample } from '../../../core/model/index.ts';
import { resourceTypes } from '../../../core/model/index.ts';
import { createCustomMetricsSource } from '../../../metrics-aggregator/sources/custom-metrics/index.ts';
import { createExternalMetricsSource } from '../../../metrics-aggregator/sources/external-metrics/index.ts';
import type { MetricsSource, QueryAnswer } from '../../../metrics-aggregator/sources/source.ts';
import { field, waitFor } from '../suite.ts';

/** One series as a Prometheus scraped it. Values are exact in thousandths. */
export interface PublishedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * A cluster with a metrics adapter. What a series means to it: `namespace` and `pod` make it a metric of the pod, `namespace` and `service` one of
 * the service, `namespace` without either one of the namespace, where several are summed; and each series is one of the external metric of its
 * name in its namespace, its other labels being that metric's labels (without those that a scrape adds).
 */
export interface AdapterWorld {
  /** An administrator's. */
  readonly client: KubeClient;
  /** The time of the adapter's timestamps. */
  readonly clock: Clock;
  /** Adds to what is published; resolves when the adapter answers by it. */
  publish(series: readonly PublishedSeries[]): Promise<void>;
}

const customGroup = 'custom.metrics.k8s.io';
const externalGroup = 'external.metrics.k8s.io';
const externalRoot = `/apis/${externalGroup}/v1beta1`;
const customVersions = ['v1beta1', 'v1beta2'] as const;
type CustomVersion = (typeof customVersions)[number];

/** Timestamps are those of samples that were scraped a moment ago, on a machine whose clock may differ a little. */
const maxAgeMs = 120_000;

/**
 * What clients may rely on of a metrics adapter behind an API server, and that our sources read it exactly. Registered once for each kind of
 * world; `world` is called inside hooks and tests only, so that the caller may start it in a `beforeAll` of its own before.
 */
export function adapterContract(world: () => AdapterWorld): void {
  const run = Math.floor(Math.random() * 36 ** 5).toString(36);
  const shop = `adapter-${run}`;
  const other = `adapter-${run}-other`;

  beforeAll(async () => {
    await createObjects(world().client, shop, other);
    await world().publish(publishedIn(shop, other));
  });
  afterAll(async () => {
    await deleteObjects(world().client, shop, other);
  });

  describe('discovery', () => {
    discoveryContract(world);
  });
  describe.each(customVersions)('custom.metrics.k8s.io/%s', (version) => {
    customContract(world, version, shop);
  });
  describe('external.metrics.k8s.io/v1beta1', () => {
    externalContract(world, shop, other);
  });
  describe.each(customVersions)('the source of custom metrics over %s', (version) => {
    customSourceContract(world, () => customSource(world(), pinned(world().client, version)), shop);
  });
  describe('the source of external metrics', () => {
    externalSourceContract(world, shop, other);
  });
  describe('permissions', () => {
    permissionContract(world, shop, `adapter-reader-${run}`);
  });
}

// What is there.

const podLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'web-1': { app: 'web', track: 'stable' },
  'web-2': { app: 'web', track: 'canary' },
  'db-1': { app: 'db' },
};

const requests = 'contract_requests';
const qps = 'contract_qps';
const depth = 'contract_depth';
const queue = 'contract_queue';
const colons = 'contract:requests:rate5m';
const notANumber = 'contract_not_a_number';
const big = 'contract_big';
const zero = 'contract_zero';
const negative = 'contract_negative';
const never = 'contract_never_published';

function publishedIn(shop: string, other: string): PublishedSeries[] {
  const pod = (name: string, verb: string, value: number): PublishedSeries => ({
    name: requests,
    labels: { namespace: shop, pod: name, verb },
    value,
  });
  const service = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): PublishedSeries => ({
    name,
    labels: { namespace: shop, service: 'web', ...labels },
    value,
  });
  return [
    pod('web-1', 'GET', 1.5),
    pod('web-1', 'PUT', 2),
    pod('web-2', 'GET', 0.25),
    pod('db-1', 'GET', 100),
    pod('gone', 'GET', 7),
    service(qps, 250, { verb: 'GET' }),
    service(qps, 0.001, { verb: 'PUT' }),
    service(colons, 12),
    service(notANumber, Number.NaN),
    service(big, 9_007_199_254_740),
    service(zero, 0),
    service(negative, -2.5),
    { name: depth, labels: { namespace: shop }, value: 42 },
    { name: queue, labels: { namespace: shop, queue: 'a' }, value: 3 },
    { name: queue, labels: { namespace: shop, queue: 'b' }, value: 4.5 },
    { name: queue, labels: { namespace: other, queue: 'a' }, value: 1000 },
  ];
}

async function createObjects(client: KubeClient, shop: string, other: string): Promise<void> {
  for (const name of [shop, other]) await client.create(resourceTypes.namespaces, { metadata: { name } });
  for (const [name, labels] of Object.entries(podLabels)) {
    const pod = {
      metadata: { name, namespace: shop, labels: { ...labels } },
      spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] },
    };
    // A new namespace of the real cluster refuses pods until its default ServiceAccount is there.
    await waitFor(`pod ${name} can be created`, () =>
      client.create(resourceTypes.pods, pod).catch((error: unknown) => {
        if (isForbidden(error)) return undefined;
        throw error;
      }),
    );
  }
  await client.create(resourceTypes.services, { metadata: { name: 'web', namespace: shop }, spec: { ports: [{ port: 80 }] } });
}

async function deleteObjects(client: KubeClient, ...namespaces: readonly string[]): Promise<void> {
  const ignoreGone = (error: unknown): void => {
    if (!isNotFound(error)) throw error;
  };
  const [shop = ''] = namespaces;
  for (const name of Object.keys(podLabels)) {
    await client.delete(resourceTypes.pods, { namespace: shop, name }, { gracePeriodSeconds: 0 }).catch(ignoreGone);
  }
  for (const name of namespaces) await client.delete(resourceTypes.namespaces, { name }).catch(ignoreGone);
}

// What is asked.

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

async function get(world: AdapterWorld, path: string): Promise<Answer> {
  const { status, body } = await world.client.raw({ method: 'GET', path });
  const text = body.toString('utf8');
  return { status, text, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
}

type Item = Readonly<Record<string, unknown>>;

async function itemsOf(world: AdapterWorld, path: string): Promise<Item[]> {
  const answer = await get(world, path);
  expect(answer.status, answer.text).toBe(200);
  return field<Item[]>(answer.body, 'items');
}

async function expectNoMetric(world: AdapterWorld, path: string, message: string | RegExp): Promise<void> {
  const answer = await get(world, path);
  expect(answer.status, answer.text).toBe(404);
  expect(answer.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 });
  const got = field<string>(answer.body, 'message');
  expect(message instanceof RegExp && message.test(got) ? message : got).toBe(message);
}

function expectFresh(world: AdapterWorld, timestamp: unknown): void {
  expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(Math.abs(world.clock.now() - Date.parse(timestamp as string))).toBeLessThan(maxAgeMs);
}

// Discovery.

function discoveryContract(world: () => AdapterWorld): void {
  it('is an APIGroup with the versions and the one that the server prefers', async () => {
    const custom = await get(world(), `/apis/${customGroup}`);
    expect(custom.body).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name: customGroup });
    const versions = field<{ groupVersion: string; version: string }[]>(custom.body, 'versions');
    expect(versions.map(({ version }) => version).toSorted()).toEqual(['v1beta1', 'v1beta2']);
    expect(versions).toContainEqual(field(custom.body, 'preferredVersion'));
    expect(versions).toContainEqual({ groupVersion: `${customGroup}/v1beta1`, version: 'v1beta1' });
    expect((await get(world(), `/apis/${externalGroup}`)).body).toMatchObject({
      kind: 'APIGroup',
      name: externalGroup,
      versions: [{ groupVersion: `${externalGroup}/v1beta1`, version: 'v1beta1' }],
      preferredVersion: { groupVersion: `${externalGroup}/v1beta1`, version: 'v1beta1' },
    });
  });

  it('lists the groups among all groups', async () => {
    const groups = field<{ name: string }[]>((await get(world(), '/apis')).body, 'groups');
    expect(groups.map(({ name }) => name)).toEqual(expect.arrayContaining([customGroup, externalGroup]));
  });

  it.each([`${customGroup}/v1beta1`, `${customGroup}/v1beta2`, `${externalGroup}/v1beta1`])(
    'of %s lists resources that can be got',
    async (groupVersion) => {
      const answer = await get(world(), `/apis/${groupVersion}`);
      expect(answer.body).toMatchObject({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion });
      // Which ones is not to be relied on: adapters list none, a placeholder, or all.
      for (const resource of field<Item[]>(answer.body, 'resources')) {
        expect(resource['kind']).toBe(groupVersion.startsWith(customGroup) ? 'MetricValueList' : 'ExternalMetricValueList');
        expect(resource['verbs']).toContain('get');
      }
    },
  );

  it('of a group or version that nobody serves is a plain text', async () => {
    for (const path of [
      '/apis/nobody.metrics.k8s.io',
      '/apis/nobody.metrics.k8s.io/v1beta1/namespaces/x/y',
      `/apis/${customGroup}/v9/nodes/n/m`,
    ]) {
      const answer = await get(world(), path);
      expect([answer.status, answer.text.trim()]).toEqual([404, '404 page not found']);
    }
  });
}

// Custom metrics.

function customContract(world: () => AdapterWorld, version: CustomVersion, shop: string): void {
  const root = `/apis/${customGroup}/${version}`;
  const inShop = `${root}/namespaces/${shop}`;
  const isNew = version === 'v1beta2';
  /** An item without its time and window, by which version has which fields. */
  const item = (describedObject: object, metric: string, value: string, selector: object | null = null): object =>
    isNew ? { describedObject, metric: { name: metric, selector }, value } : { describedObject, metricName: metric, value, selector };
  const web = { kind: 'Service', namespace: shop, name: 'web', apiVersion: '/v1' };
  const pod = (name: string): object => ({ kind: 'Pod', namespace: shop, name, apiVersion: '/v1' });

  const itemsAt = async (path: string): Promise<object[]> => {
    const items = await itemsOf(world(), path);
    return items.map(({ timestamp, window, windowSeconds, ...rest }) => {
      expectFresh(world(), timestamp);
      expectWindow(isNew ? windowSeconds : window);
      expect(isNew ? window : windowSeconds, 'the window in the field of the other version').toBeUndefined();
      return rest;
    });
  };
  const podsAt = async (path: string): Promise<Record<string, unknown>> => {
    const items = await itemsOf(world(), path);
    return Object.fromEntries(items.map((each) => [field<string>(each, 'describedObject.name'), each['value']]));
  };

  it('answers one object with a list of one value', async () => {
    const answer = await get(world(), `${inShop}/services/web/${colons}`);
    expect(answer.body).toMatchObject({ kind: 'MetricValueList', apiVersion: `${customGroup}/${version}`, metadata: {} });
    expect(await itemsAt(`${inShop}/services/web/${colons}`)).toEqual([item(web, colons, '12')]);
  });

  it('sums the series of an object, or those that the selector of series leaves', async () => {
    const path = `${inShop}/services/web/${qps}`;
    expect(await itemsAt(path)).toEqual([item(web, qps, '250001m')]);
    expect(await itemsAt(`${path}?metricLabelSelector=verb%3DGET`)).toEqual([item(web, qps, '250', { matchLabels: { verb: 'GET' } })]);
    expect(await itemsAt(`${path}?metricLabelSelector=verb%20notin%20%28GET%29`)).toEqual([
      item(web, qps, '1m', { matchExpressions: [{ key: 'verb', operator: 'NotIn', values: ['GET'] }] }),
    ]);
  });

  it('answers a namespace under metrics', async () => {
    const described = { kind: 'Namespace', name: shop, apiVersion: '/v1' };
    expect(await itemsAt(`${inShop}/metrics/${depth}`)).toEqual([item(described, depth, '42')]);
  });

  it('answers the pods that there are, each by the sum of its series', async () => {
    const all = await itemsAt(`${inShop}/pods/*/${requests}`);
    expect(all).toHaveLength(3);
    expect(all).toEqual(
      expect.arrayContaining([
        item(pod('web-1'), requests, '3500m'),
        item(pod('web-2'), requests, '250m'),
        item(pod('db-1'), requests, '100'),
      ]),
    );
    expect(await itemsAt(`${inShop}/pods/db-1/${requests}`)).toEqual([item(pod('db-1'), requests, '100')]);
  });

  it('answers the pods that a label selector picks', async () => {
    const pods = `${inShop}/pods/*/${requests}`;
    expect(await podsAt(`${pods}?labelSelector=app%3Dweb`)).toEqual({ 'web-1': '3500m', 'web-2': '250m' });
    expect(await podsAt(`${pods}?labelSelector=app%20in%20%28web%2Cdb%29%2Ctrack%21%3Dcanary`)).toEqual({
      'web-1': '3500m',
      'db-1': '100',
    });
    expect(await podsAt(`${pods}?labelSelector=app%3Dweb&metricLabelSelector=verb%3DPUT`)).toEqual({ 'web-1': '2' });
  });

  it('takes paths and queries in every encoding', async () => {
    const expected = { 'web-1': '3500m', 'web-2': '250m' };
    expect(await podsAt(`${inShop}/pods/%2A/${requests}?labelSelector=app%20in%20%28web%29`)).toEqual(expected);
    expect(await podsAt(`${inShop}/pods/*/${requests}?labelSelector=app+in+(web)`)).toEqual(expected);
    expect(await itemsAt(`${inShop}/services/web/${encodeURIComponent(colons)}`)).toEqual([item(web, colons, '12')]);
  });

  it('answers no pod with an empty list, and no pod of a metric that does not exist with a 404', async () => {
    expect(await itemsOf(world(), `${inShop}/pods/*/${requests}?labelSelector=app%3Dnobody`)).toEqual([]);
    await expectNoMetric(world(), `${inShop}/pods/*/${never}`, `the server could not find the metric ${never} for pods`);
  });

  it('answers a 404 that names metric and object', async () => {
    const nothing = `the server could not find the metric`;
    await expectNoMetric(world(), `${inShop}/services/web/${never}`, `${nothing} ${never} for services web`);
    await expectNoMetric(world(), `${inShop}/services/nobody/${qps}`, `${nothing} ${qps} for services nobody`);
    await expectNoMetric(world(), `${inShop}/pods/nobody/${requests}`, `${nothing} ${requests} for pods nobody`);
    await expectNoMetric(
      world(),
      `${inShop}/services/web/${qps}?metricLabelSelector=verb%3DDELETE`,
      `${nothing} ${qps} for services web with selector verb=DELETE`,
    );
    await expectNoMetric(world(), `${inShop}/metrics/${never}`, `${nothing} ${never} for namespaces ${shop}`);
    await expectNoMetric(world(), `${inShop}/deployments.apps/web/${qps}`, `${nothing} ${qps} for deployments.apps web`);
    await expectNoMetric(world(), `${root}/nodes/nobody/${qps}`, `${nothing} ${qps} for nodes nobody`);
  });

  it('never answers what is no number as one', async () => {
    await expectNoMetric(world(), `${inShop}/services/web/${notANumber}`, /could not find the metric/);
  });

  it('writes values as canonical quantities', async () => {
    const valueOf = async (metric: string): Promise<unknown> => (await itemsOf(world(), `${inShop}/services/web/${metric}`))[0]?.['value'];
    expect([await valueOf(zero), await valueOf(negative), await valueOf(big)]).toEqual(['0', '-2500m', '9007199254740']);
  });
}

function expectWindow(seconds: unknown): void {
  if (seconds === undefined) return;
  expect(Number.isInteger(seconds)).toBe(true);
  expect(seconds).toBeGreaterThanOrEqual(0);
}

// External metrics.

function externalContract(world: () => AdapterWorld, shop: string, other: string): void {
  const inShop = `${externalRoot}/namespaces/${shop}`;
  const seriesAt = async (path: string): Promise<object[]> => {
    const items = await itemsOf(world(), path);
    return items.map(({ timestamp, window, ...rest }) => {
      expectFresh(world(), timestamp);
      expectWindow(window);
      return rest;
    });
  };
  const item = (labels: object, value: string): object => ({ metricName: queue, metricLabels: labels, value });

  it('answers each series of the namespace with its labels', async () => {
    const answer = await get(world(), `${inShop}/${queue}`);
    expect(answer.body).toMatchObject({ kind: 'ExternalMetricValueList', apiVersion: `${externalGroup}/v1beta1`, metadata: {} });
    const found = await seriesAt(`${inShop}/${queue}`);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([item({ queue: 'a' }, '3'), item({ queue: 'b' }, '4500m')]));
    expect(await seriesAt(`${externalRoot}/namespaces/${other}/${queue}`)).toEqual([item({ queue: 'a' }, '1k')]);
  });

  it('answers the series that a selector picks', async () => {
    expect(await seriesAt(`${inShop}/${queue}?labelSelector=queue%3Db`)).toEqual([item({ queue: 'b' }, '4500m')]);
    expect(await seriesAt(`${inShop}/${queue}?labelSelector=queue%20in%20%28a%2Cz%29`)).toEqual([item({ queue: 'a' }, '3')]);
    expect(await seriesAt(`${inShop}/${queue}?labelSelector=queue%21%3Da`)).toEqual([item({ queue: 'b' }, '4500m')]);
    expect(await seriesAt(`${inShop}/${queue}?labelSelector=%21queue`)).toEqual([]);
  });

  it('answers no series with an empty list, and a metric that does not exist with a 404', async () => {
    expect(await seriesAt(`${externalRoot}/namespaces/${other}/${qps}`)).toEqual([]);
    await expectNoMetric(world(), `${inShop}/${never}`, new RegExp(`^the server could not find the metric ${never} for`));
  });

  it('serves nothing without a namespace', async () => {
    expect((await get(world(), `${externalRoot}/${queue}`)).status).toBe(404);
  });
}

// Our sources.

const requestTimeoutMs = 10_000;

function customSource({ clock }: AdapterWorld, client: KubeClient): MetricsSource {
  return createCustomMetricsSource({ client, clock, timeoutMs: requestTimeoutMs });
}

function externalSource({ clock }: AdapterWorld, client: KubeClient): MetricsSource {
  return createExternalMetricsSource({ client, clock, timeoutMs: requestTimeoutMs });
}

/** The client before a server that has only this version. */
function pinned(client: KubeClient, version: CustomVersion): KubeClient {
  return {
    ...client,
    raw: async (request) => {
      const answer = await client.raw(request);
      if (request.path !== `/apis/${customGroup}`) return answer;
      const entry = { groupVersion: `${customGroup}/${version}`, version };
      const group = { ...(JSON.parse(answer.body.toString('utf8')) as object), versions: [entry], preferredVersion: entry };
      return { ...answer, body: Buffer.from(JSON.stringify(group)) };
    },
  };
}

function ask(source: MetricsSource, query: MetricQuery): Promise<QueryAnswer> {
  if (source.ask === undefined) throw new Error(`${source.name} answers no queries`);
  return source.ask(query, new AbortController().signal);
}

/** Each series without its time and window, which are checked, by name; the answer must be whole. */
function seriesOf(world: AdapterWorld, answer: QueryAnswer): Pick<SeriesSample, 'object' | 'labels' | 'milli'>[] {
  expect(answer).toMatchObject({ ok: true, warnings: [], invalid: 0 });
  if (!answer.ok) return [];
  const sorted = answer.series.toSorted((a, b) => (a.object < b.object ? -1 : Number(a.object > b.object)));
  return sorted.map(({ timestamp, windowMs, ...rest }) => {
    expect(Math.abs(world.clock.now() - timestamp)).toBeLessThan(maxAgeMs);
    expect((windowMs ?? 0) % 1000).toBe(0);
    return rest;
  });
}

function customSourceContract(world: () => AdapterWorld, source: () => MetricsSource, shop: string): void {
  const pods: PodsQuery = { kind: 'pods', namespace: shop, selector: 'app=web', metric: requests, metricSelector: '' };
  const web: ObjectQuery = {
    kind: 'object',
    namespace: shop,
    object: { apiVersion: 'v1', kind: 'Service', name: 'web' },
    metric: qps,
    metricSelector: '',
  };
  const read = async (query: MetricQuery) => seriesOf(world(), await ask(source(), query));
  const value = (object: string, milli: bigint) => ({ object, labels: {}, milli });

  it('reads pods exactly', async () => {
    expect(await read(pods)).toEqual([value('web-1', 3500n), value('web-2', 250n)]);
    expect(await read({ ...pods, selector: '' })).toHaveLength(3);
    expect(await read({ ...pods, selector: 'app in (db,web),track!=canary', metricSelector: 'verb=GET' })).toEqual([
      value('db-1', 100_000n),
      value('web-1', 1500n),
    ]);
  });

  it('reads an object exactly', async () => {
    expect(await read(web)).toEqual([value('web', 250_001n)]);
    expect(await read({ ...web, metricSelector: 'verb in (PUT)' })).toEqual([value('web', 1n)]);
    expect(await read({ ...web, object: { kind: 'Service', name: 'web' }, metric: colons })).toEqual([value('web', 12_000n)]);
    expect(await read({ ...web, metric: big })).toEqual([value('web', 9_007_199_254_740_000n)]);
    expect(await read({ ...web, metric: zero })).toEqual([value('web', 0n)]);
    expect(await read({ ...web, metric: negative })).toEqual([value('web', -2500n)]);
  });

  it('reads a namespace', async () => {
    expect(await read({ ...web, object: { kind: 'Namespace', name: shop }, metric: depth })).toEqual([value(shop, 42_000n)]);
  });

  it('reads no pods as none', async () => {
    expect(await read({ ...pods, selector: 'app=nobody' })).toEqual([]);
  });

  it('tells what is missing by name', async () => {
    const missing = async (query: MetricQuery): Promise<string> => {
      const answer = await ask(source(), query);
      expect(answer).toMatchObject({ ok: false, reason: 'missing' });
      return answer.ok ? '' : answer.detail;
    };
    expect(await missing({ ...web, metricSelector: 'verb=DELETE' })).toContain(
      `no metric "${qps}" with "verb=DELETE" of "Service" "${shop}/web"`,
    );
    expect(await missing({ ...pods, metric: never })).toContain(`no metric "${never}" of the pods "app=web" of namespace "${shop}"`);
    expect(await missing({ ...web, metric: notANumber })).toContain(notANumber);
    expect(await missing({ ...web, object: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })).toContain(
      `"Deployment" "${shop}/web"`,
    );
    expect(await missing({ ...web, object: { kind: 'Node', name: 'nobody' } })).toContain('"Node" "nobody"');
    expect(await missing({ ...web, object: { apiVersion: 'nobody.example/v1', kind: 'Nothing', name: 'x' } })).toContain(
      'the cluster has none',
    );
  });
}

function externalSourceContract(world: () => AdapterWorld, shop: string, other: string): void {
  const query: ExternalQuery = { kind: 'external', namespace: shop, metric: queue, metricSelector: '' };
  const answer = (asked: ExternalQuery) => ask(externalSource(world(), world().client), asked);
  const read = async (asked: ExternalQuery) => seriesOf(world(), await answer(asked));
  const value = (labels: Readonly<Record<string, string>>, milli: bigint) => ({ object: '', labels, milli });

  it('reads every series exactly', async () => {
    const found = await read(query);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([value({ queue: 'a' }, 3000n), value({ queue: 'b' }, 4500n)]));
    expect(await read({ ...query, namespace: other })).toEqual([value({ queue: 'a' }, 1_000_000n)]);
    expect(await read({ ...query, metricSelector: 'queue notin (a)' })).toEqual([value({ queue: 'b' }, 4500n)]);
    const ofPods = await read({ ...query, metric: requests, metricSelector: 'pod=web-1' });
    expect(ofPods).toHaveLength(2);
    expect(ofPods).toContainEqual(value({ pod: 'web-1', verb: 'PUT' }, 2000n));
  });

  it('tells none from what does not exist', async () => {
    expect(await read({ ...query, metricSelector: 'queue=z' })).toEqual([]);
    const missing = await answer({ ...query, metric: never });
    expect(missing).toMatchObject({ ok: false, reason: 'missing' });
    expect(!missing.ok && missing.detail).toContain(`no metric "${never}" in namespace "${shop}"`);
  });
}

// What must be granted.

const roles = { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'roles', kind: 'Role', namespaced: true };
const roleBindings = { ...roles, plural: 'rolebindings', kind: 'RoleBinding' };

function permissionContract(world: () => AdapterWorld, shop: string, user: string): void {
  it('are those that a refusal names, and no more', async () => {
    const { client } = world();
    const reader = client.impersonate({ user, groups: ['system:authenticated'] });
    const custom = customSource(world(), reader);
    const external = externalSource(world(), reader);
    const pods: PodsQuery = { kind: 'pods', namespace: shop, selector: 'app=web', metric: requests, metricSelector: '' };
    const queues: ExternalQuery = { kind: 'external', namespace: shop, metric: queue, metricSelector: '' };
    const refusal = (verb: string, resource: string, group: string): object => ({
      ok: false,
      reason: 'refused',
      detail: expect.stringContaining(
        `grant the verb ${verb} on the resource "${resource}" of API group ${group} in namespace "${shop}"`,
      ) as string,
    });
    expect(await ask(custom, pods)).toMatchObject(refusal('get', `pods/${requests}`, customGroup));
    expect(await ask(external, queues)).toMatchObject(refusal('list', queue, externalGroup));

    const rules = [
      { apiGroups: [customGroup], resources: [`pods/${requests}`], verbs: ['get'] },
      { apiGroups: [externalGroup], resources: [queue], verbs: ['list'] },
    ];
    const metadata = { name: user, namespace: shop };
    await client.create(roles, { metadata, rules });
    await client.create(roleBindings, {
      metadata,
      roleRef: { apiGroup: roles.group, kind: 'Role', name: user },
      subjects: [{ apiGroup: roles.group, kind: 'User', name: user }],
    });
    const granted = async (source: MetricsSource, query: MetricQuery): Promise<QueryAnswer> =>
      waitFor('the role takes effect', async () => {
        const answer = await ask(source, query);
        return !answer.ok && answer.reason === 'refused' ? undefined : answer;
      });
    expect(seriesOf(world(), await granted(custom, pods))).toHaveLength(2);
    expect(seriesOf(world(), await granted(external, queues))).toHaveLength(2);
    expect(await ask(custom, { ...pods, metric: qps })).toMatchObject(refusal('get', `pods/${qps}`, customGroup));
  });
}
