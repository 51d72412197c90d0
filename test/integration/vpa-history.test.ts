import type { Dispatcher } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { startClusterPrometheus, type PrometheusServer } from '../../simulator/cluster/prometheus/index.ts';
import { steps } from '../../simulator/index.ts';
import {
  startVirtualJourneyCluster,
  type SettingsInput,
  type VirtualController,
  type VirtualJourneyCluster,
} from '../journeys/virtual-cluster.ts';
import { asked, deployment, mebi, verticalPolicy } from '../journeys/vpa-rows-support.ts';

const minute = 60_000;
const hour = 60 * minute;
/** Buckets of the CPU histogram grow by so much. */
const bucket = 1.05;
/** Added to every estimate. */
const margin = 1.15;

interface Evidence {
  readonly samples: number;
  readonly firstSampleTime?: string;
  readonly confidence?: number;
  readonly clamps?: readonly string[];
}

interface Recommended {
  readonly cpu: number;
  readonly memory: number;
  readonly upperCpu: number;
  readonly evidence: Evidence;
}

/** What Prometheus was asked for: first and last point. */
interface RangeQuery {
  readonly from: number;
  readonly to: number;
}

let cluster: VirtualJourneyCluster;
let prometheus: PrometheusServer;
const queries: RangeQuery[] = [];
let openRanges = 0;
let mostOpenRanges = 0;
let shop = '';
const others: string[] = [];
let late: VirtualController;
/** As far back as there is something. */
const fiveHours = { length: '5h' };
let began = 0;
const changeAt = 3 * hour;

/** Notes range queries, and how many are open at a time. */
function watched(dispatcher: Dispatcher): Dispatcher {
  return new Proxy(dispatcher, {
    get: (target, key) => {
      if (key !== 'dispatch') {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' && key !== 'request' ? (value as () => unknown).bind(target) : value;
      }
      return (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => {
        const path = String(options.path).split('?')[0] ?? '';
        if (!path.endsWith('/query_range')) return target.dispatch(options, handler);
        const form = new URLSearchParams(Buffer.from(options.body as Uint8Array).toString());
        queries.push({ from: Number(form.get('start')) * 1000, to: Number(form.get('end')) * 1000 });
        openRanges += 1;
        mostOpenRanges = Math.max(mostOpenRanges, openRanges);
        return target.dispatch(
          options,
          endsWith(handler, () => (openRanges -= 1)),
        );
      };
    },
  });
}

const ends = new Set<unknown>(['onResponseEnd', 'onResponseError', 'onComplete', 'onError']);

function endsWith(handler: Dispatcher.DispatchHandler, done: () => void): Dispatcher.DispatchHandler {
  return new Proxy(handler, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const call = (value as (...args: unknown[]) => unknown).bind(target);
      if (!ends.has(key)) return call;
      return (...args: unknown[]) => {
        done();
        return call(...args);
      };
    },
  });
}

/** Milli-cores of all pods, and MiB of each. */
interface Usage {
  readonly cpu: number;
  readonly memory: number;
}

/** A workload that took `past` until the change and takes `now` since. */
function defineLoad(namespace: string, past: Usage, now: Usage): void {
  cluster.embedded.workload.define({
    name: `${namespace}/web`,
    namespace,
    owner: 'web',
    origin: began,
    load: steps([
      { at: 0, value: past.cpu },
      { at: changeAt, value: now.cpu },
    ]),
    cpuPerRequest: 1,
    baseCpu: 0.1,
    memory: {
      base: 0,
      series: steps([
        { at: 0, value: past.memory * mebi },
        { at: changeAt, value: now.memory * mebi },
      ]),
    },
  });
}

async function recommended(name: string, namespace = shop): Promise<Recommended | undefined> {
  const { status } = await cluster.client.get(resourceTypes.verticalPolicies, { namespace, name });
  const { recommendation } = (status ?? {}) as {
    recommendation?: {
      containerRecommendations?: readonly {
        target: Record<string, string>;
        upperBound: Record<string, string>;
        evidence?: Evidence;
      }[];
    };
  };
  const found = recommendation?.containerRecommendations?.[0];
  if (found === undefined) return undefined;
  const { cpu = NaN, memory = NaN } = asked(found.target);
  return { cpu, memory, upperCpu: asked(found.upperBound).cpu ?? NaN, evidence: found.evidence ?? { samples: NaN } };
}

/** The first recommendation there is. */
async function firstOf(name: string, namespace = shop): Promise<Recommended> {
  let found: Recommended | undefined;
  const came = await cluster.until(async () => (found = await recommended(name, namespace)) !== undefined, 10 * minute);
  expect(came, `something is recommended by ${name}`).toBe(true);
  return found!;
}

async function createPolicy(name: string, namespace = shop, recommender = name): Promise<void> {
  const spec = { updatePolicy: { updateMode: 'Off' }, recommenders: [{ name: recommender }] };
  await cluster.client.create(resourceTypes.verticalPolicies, verticalPolicy(namespace, spec, name));
}

/** A program of its own: its policies are those that name it, so that several share the cluster. */
function start(name: string, history: object | undefined, vpa: object = {}): Promise<VirtualController> {
  const settings: SettingsInput = {
    leaderElection: { leaseName: name },
    vpa: { recommenderName: name, shrinkAfter: '2h', memoryInterval: '1h', ...vpa },
    ...(history === undefined ? {} : { history: { source: 'past', length: '8h', resolution: '1m', ...history } }),
  };
  return cluster.startController({ settings });
}

/** Its requests to Prometheus alone. */
function forget(): void {
  queries.length = 0;
  mostOpenRanges = 0;
}

async function createTarget(replicas: number, past: Usage, now: Usage): Promise<string> {
  const namespace = await cluster.namespace();
  defineLoad(namespace, past, now);
  await cluster.client.create(resourceTypes.deployments, deployment(namespace, { replicas, requests: { cpu: '2', memory: '2Gi' } }));
  await createPolicy('always', namespace);
  return namespace;
}

/** All pods are replaced: of those from before only Prometheus knows. */
async function rollOut(namespace: string): Promise<void> {
  const body = { spec: { template: { metadata: { annotations: { version: '2' } } } } };
  await cluster.client.patch(resourceTypes.deployments, { namespace, name: 'web' }, { type: 'merge', body });
}

function warnings({ log }: VirtualController): readonly string[] {
  return log
    .filter(({ level }) => level === 'warn' || level === 'error')
    .map(({ message, fields }) => `${message}: ${JSON.stringify(fields)}`);
}

/** Of one bucket of the histograms, or the one beside it: a value on a bucket's edge falls on either side. */
function expectSame(one: Recommended, other: Recommended): void {
  for (const resource of ['cpu', 'memory'] as const) {
    expect(one[resource] / other[resource], resource).toBeGreaterThan(1 / bucket);
    expect(one[resource] / other[resource], resource).toBeLessThan(bucket);
  }
}

beforeAll(async () => {
  cluster = await startVirtualJourneyCluster(3);
  const { embedded, clock, client } = cluster;
  // The cluster's own keeps an hour only.
  prometheus = startClusterPrometheus({ cluster: embedded, clock, scrapeIntervalMs: 20_000, retentionMs: 12 * hour });
  Object.assign(embedded, { prometheus: { ...prometheus, dispatcher: () => watched(prometheus.dispatcher()) } });
  clock.useSettle(async () => {
    let seen: number;
    do {
      seen = prometheus.activity().counter;
      await embedded.settle();
      await prometheus.settle();
    } while (prometheus.activity().counter !== seen);
  });
  began = clock.now();
  shop = await createTarget(3, { cpu: 1800, memory: 700 }, { cpu: 300, memory: 100 });
  for (const cpu of [400, 900]) others.push(await createTarget(1, { cpu, memory: cpu }, { cpu: 50, memory: 50 }));
  await client.create(resourceTypes.metricSources, {
    metadata: { name: 'past' },
    spec: { url: 'http://prometheus.monitoring:9090', plainHttp: true },
  });
  await start('always', undefined);
  await clock.advance(changeAt);
  for (const namespace of [shop, ...others]) await rollOut(namespace);
  await clock.advance(2 * hour);
}, 60_000);

afterAll(async () => {
  await cluster.stop();
});

describe('history from the embedded Prometheus, in virtual time', () => {
  it('the first recommendation covers what was used before the program ran, by pods that are gone', async () => {
    forget();
    await createPolicy('late');
    late = await start('late', fiveHours);
    const first = await firstOf('late');
    // 600 of each of three pods for three hours, 100 for two: more than nine of ten samples are not above the 600.
    expect(first.cpu).toBeGreaterThan(600 * margin);
    expect(first.cpu).toBeLessThan(600 * margin * bucket);
    expect(first.memory / mebi).toBeGreaterThan(700 * margin);
    expect(first.memory / mebi).toBeLessThan(700 * margin * bucket);
    // Far below what the pods ask for, at once: usage was seen for longer than --vpa-shrink-after.
    expect(first.evidence.clamps).toBeUndefined();
    expect(Date.parse(first.evidence.firstSampleTime ?? '') - began).toBeLessThan(3 * minute);
    const always = (await recommended('always'))!;
    expectSame(first, always);
    expect(Math.abs(first.upperCpu / always.upperCpu - 1), 'as confident as the one that has run all the time').toBeLessThan(0.1);
    expect(queries.length, 'CPU, memory, and the owners of pods and ReplicaSets').toBe(4);
    expect(mostOpenRanges).toBe(1);
    expect(warnings(late)).toEqual([]);
  });

  it('a program that is started again goes on from its checkpoints and counts nothing twice', async () => {
    await cluster.elapse(3 * minute);
    const before = (await recommended('late'))!;
    await late.stop();
    forget();
    late = await start('late', fiveHours);
    await cluster.elapse(5 * minute);
    const after = (await recommended('late'))!;
    expect(queries).toEqual([]);
    expectSame(after, before);
    // A sample every 15 s of each of three pods since, and none of the hours before a second time.
    expect(after.evidence.samples).toBeGreaterThan(before.evidence.samples);
    expect(after.evidence.samples).toBeLessThan(before.evidence.samples + 3 * 8 * 4);
    expect(after.evidence.firstSampleTime).toBe(before.evidence.firstSampleTime);
    await late.stop();
  });

  it('while Prometheus is down it recommends from what it sees itself, says so, and gets the past when it is back', async () => {
    prometheus.faults.answer = { kind: 'status', code: 503 };
    await createPolicy('down');
    const down = await start('down', {});
    const first = await firstOf('down');
    expect(first.evidence.samples).toBeLessThan(60);
    // Nothing is lowered for what a minute has shown.
    expect(first).toMatchObject({ cpu: 2000, memory: 2048 * mebi });
    expect(first.evidence.clamps?.[0]).toContain('requests are not lowered before usage was seen for 2 h');
    const said = warnings(down).join('\n');
    expect(said).toContain('the history of a policy could not be read; it goes on without');
    expect(said).toContain('MetricSource past could not answer (503)');
    await cluster.elapse(hour);
    expect((await recommended('down'))!.cpu, 'held as long as it lasts').toBe(2000);
    // By now it has stored what it has seen itself: that is no reason not to read what was before.
    await down.stop();
    const again = await start('down', {});
    await cluster.elapse(5 * minute);
    prometheus.faults.answer = undefined;
    expect(await cluster.until(async () => (await recommended('down'))!.cpu < 2000, 12 * minute), 'the past is delivered').toBe(true);
    expect(again.log.filter(({ message }) => message === 'history was read')).toHaveLength(1);
    const after = (await recommended('down'))!;
    expectSame(after, (await recommended('always'))!);
    expect(after.evidence.clamps).toBeUndefined();
    expect(Date.parse(after.evidence.firstSampleTime ?? '') - began).toBeLessThan(3 * minute);
    await again.stop();
  });

  it('what is too large for the server is asked in parts, one at a time, and comes to the same', async () => {
    // An answer takes a while, so that two at a time would be seen.
    prometheus.faults.slowMs = 200;
    prometheus.faults.pointLimit = 100;
    forget();
    for (const namespace of [shop, ...others]) await createPolicy('many', namespace);
    const many = await start('many', {});
    for (const namespace of [shop, ...others]) expectSame(await firstOf('many', namespace), (await recommended('always', namespace))!);
    expect(mostOpenRanges).toBe(1);
    const answered = queries.filter(({ from, to }) => (to - from) / minute <= 100);
    expect(answered.length).toBeGreaterThan(8);
    expect(queries.length - answered.length, 'the size that it takes is learned').toBeLessThan(12);
    expect(warnings(many)).toEqual([]);
    await many.stop();
  });
});
