import { expect, test } from 'vitest';
import { createMemoryBlockCache, type BlockCache } from './block-cache.ts';
import type { HistoryClient, HistoryFailure } from './history-client.ts';
import { addLive, createHistoryBench, day, hour, target } from './history.fixture.ts';

const unavailable: HistoryFailure = { ok: false, reason: 'source-unavailable', message: 'no answer', tooMuch: false };
const tooMuch: HistoryFailure = { ok: false, reason: 'refused', message: 'too many samples', tooMuch: true };

test('a live container gets its whole past in one series, on the grid, up to the start of the program', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  const report = await bench.start().run();
  const to = Date.UTC(2026, 0, 9, 12);
  expect(bench.given).toHaveLength(1);
  const [series] = bench.given;
  expect(series).toMatchObject({ namespace: 'shop', pod: 'web-1', container: 'app', labels: { app: 'web', hash: 'x' } });
  expect(series?.timestamps).toEqual(Float64Array.from({ length: 48 }, (_, at) => to - (47 - at) * hour));
  expect(new Set(series?.cpu)).toEqual(new Set([0.25]));
  expect(new Set(series?.memory)).toEqual(new Set([1000]));
  expect(report).toMatchObject({ state: 'done', namespaces: { done: 1, pending: 0, failed: [] }, series: 1, samples: 48, accepted: 48 });
});

test('queries are as they should be, and one at a time', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'), target('api', { namespace: 'back.end' }));
  addLive(bench, 'web-1', 'web');
  await bench.start({ config: { lengthMs: 2 * day, job: 'kubelet' } }).run();
  expect(bench.prometheus.queries.slice(0, 3).map(({ query }) => query)).toEqual([
    String.raw`sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{job="kubelet", namespace=~"back\\.end|shop", pod!="", container!="", container!="POD"}[1h]))`,
    String.raw`max by (namespace, pod, container) (container_memory_working_set_bytes{job="kubelet", namespace=~"back\\.end|shop", pod!="", container!="", container!="POD"})`,
    String.raw`max by (namespace, pod, owner_kind, owner_name) (max_over_time(kube_pod_owner{namespace=~"back\\.end|shop"}[24h]))`,
  ]);
  expect(bench.prometheus.mostOpen).toBe(1);
});

test('pods that are gone are found by their topmost controller and join the aggregate of those that live', async () => {
  const bench = createHistoryBench();
  const { prometheus } = bench;
  bench.targets.push(target('web'), target('nightly', { kind: 'CronJob' }));
  addLive(bench, 'web-new', 'web');
  const gone = { namespace: 'shop', container: 'app', from: Date.UTC(2026, 0, 8), to: Date.UTC(2026, 0, 8, 3), cpu: 1, memory: 5 };
  prometheus.pods.push({ ...gone, pod: 'web-old', owner: ['ReplicaSet', 'web-abc'] });
  prometheus.pods.push({ ...gone, pod: 'nightly-1', owner: ['Job', 'nightly-77'] });
  prometheus.pods.push({ ...gone, pod: 'stray' });
  prometheus.pods.push({ ...gone, pod: 'other-1', owner: ['StatefulSet', 'other'] });
  prometheus.owners.set('shop/web-abc', ['Deployment', 'web']);
  prometheus.owners.set('shop/nightly-77', ['CronJob', 'nightly']);
  const report = await bench.start().run();
  const given = bench.given.map(({ pod, labels, timestamps }) => ({ pod, labels, points: timestamps.length }));
  expect(given.toSorted((a, b) => (a.pod < b.pod ? -1 : 1))).toEqual([
    { pod: 'nightly-1', labels: { app: 'nightly' }, points: 3 },
    { pod: 'web-new', labels: { app: 'web', hash: 'x' }, points: 48 },
    { pod: 'web-old', labels: { app: 'web', hash: 'x' }, points: 3 },
  ]);
  expect(report.droppedPods).toEqual({ unknownOwner: 1, noTarget: 1 });
});

test('without kube-state-metrics pods that are gone are dropped and counted; kept labels find them', async () => {
  const bench = createHistoryBench();
  const app = 'app.kubernetes.io/name';
  bench.targets.push(target('web', { selector: { matchesNothing: false, requirements: [{ key: app, operator: '=', values: ['web'] }] } }));
  const gone = { namespace: 'shop', container: 'app', from: Date.UTC(2026, 0, 8), to: Date.UTC(2026, 0, 8, 3), cpu: 1, memory: 5 };
  bench.prometheus.pods.push({ ...gone, pod: 'web-old', kept: { label_app_kubernetes_io_name: 'web' } });
  expect((await bench.start().run()).droppedPods).toEqual({ unknownOwner: 1, noTarget: 0 });
  expect(bench.given).toEqual([]);
  const podLabels = { metric: 'kube_pod_labels', prefix: 'label_', namespaceLabel: 'namespace', podLabel: 'pod' };
  await bench.start({ config: { lengthMs: 2 * day, podLabels, owners: false } }).run();
  expect(bench.given).toMatchObject([{ pod: 'web-old', labels: { [app]: 'web' } }]);
});

test('what is no amount is no sample: NaN, infinite and negative values stay unknown', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  const client = {
    queryRange: async ({ query, start, end }: { query: string; start: number; end: number }, each: (series: never) => void) => {
      const values = query.includes('cpu') ? Float64Array.of(NaN, Infinity, -1, 0.5) : Float64Array.of(NaN, 7, NaN, NaN);
      const labels = { namespace: 'shop', pod: 'web-1', container: 'app' };
      const points = { labels, timestamps: Float64Array.from({ length: 4 }, (_, at) => start + at * hour), values };
      if (end - start > 4 * hour && !query.includes('kube')) each(points as never);
      return Promise.resolve({ ok: true } as const);
    },
  };
  await bench.start({ client, config: { lengthMs: 12 * hour } }).run();
  expect(bench.given.map(({ cpu, memory }) => [[...cpu], [...memory]])).toEqual([
    [
      [NaN, 0.5],
      [7, NaN],
    ],
  ]);
});

test('days that are over come from the cache; the one under way is read again', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  const cache = createMemoryBlockCache();
  await bench.start({ cache }).run();
  const first = bench.prometheus.queries.length;
  const report = await bench.start({ cache }).run();
  expect(first).toBe(9);
  expect(bench.prometheus.queries.slice(first).map(({ start }) => start >= Date.UTC(2026, 0, 9))).toEqual([true, true, true]);
  expect(report.cachedBlocks).toBe(2);
  expect(bench.given[0]).toEqual(bench.given[1]);
  await bench.start({ cache, config: { lengthMs: 2 * day, job: 'other' } }).run();
  expect(bench.prometheus.queries.length).toBe(first + 3 + 9);
});

test('a failure loses nothing: it is tried again later, and what was read is not read again', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  let down = true;
  bench.prometheus.refuse = ({ start }) => (down && start > Date.UTC(2026, 0, 9) ? unavailable : undefined);
  const history = bench.start();
  const running = history.run();
  await bench.clock.advance(1000);
  expect(bench.given).toEqual([]);
  expect(history.report()).toMatchObject({
    state: 'waiting',
    namespaces: { pending: 1, failed: [] },
    lastFailure: { reason: 'source-unavailable' },
  });
  const before = bench.prometheus.queries.length;
  down = false;
  expect((await bench.clock.settled(running, 60_000)).state).toBe('done');
  expect(bench.prometheus.queries.length - before).toBe(3);
  expect(bench.given[0]?.timestamps.length).toBe(48);
});

test('a namespace that always fails is found among the others and given up', async () => {
  const bench = createHistoryBench();
  for (const namespace of ['a', 'b', 'bad', 'c']) {
    bench.targets.push(target('web', { namespace }));
    addLive(bench, 'web-1', 'web', namespace);
  }
  bench.prometheus.refuse = (_query, namespaces) => (namespaces.includes('bad') ? unavailable : undefined);
  const history = bench.start({ config: { lengthMs: 2 * day, maxAttempts: 4, namespacesPerQuery: 4 } });
  const { namespaces, state } = await bench.clock.settled(history.run(), day);
  expect(state).toBe('done');
  expect(namespaces).toEqual({ done: 3, pending: 0, failed: [{ namespace: 'bad', reason: 'source-unavailable', message: 'no answer' }] });
  expect(bench.given.map(({ namespace }) => namespace).toSorted()).toEqual(['a', 'b', 'c']);
});

test('what is too much is asked in smaller pieces, and every point is asked for once', async () => {
  const bench = createHistoryBench();
  for (const namespace of ['a', 'b', 'c']) {
    bench.targets.push(target('web', { namespace }));
    addLive(bench, 'web-1', 'web', namespace);
  }
  // At most 6 points of a query, and 12 of all its namespaces.
  bench.prometheus.refuse = ({ start, end }, namespaces) => {
    const points = (end - start) / hour + 1;
    return points > 6 || points * namespaces.length > 12 ? tooMuch : undefined;
  };
  const report = await bench.start().run();
  expect(report).toMatchObject({ state: 'done', queries: { failed: 0 }, series: 3, samples: 144 });
  expect(report.queries.split).toBeGreaterThan(1);
  expect(report.queries.split).toBeLessThan(8);
  for (const { timestamps, cpu } of bench.given) expect([timestamps.length, cpu.includes(NaN)]).toEqual([48, false]);
});

test('what a client has asked in parts of its own accord is asked in such parts from then on', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  let refused = 0;
  const client: HistoryClient = {
    queryRange: async (query, each) => {
      const points = (query.end - query.start) / hour + 1;
      // 24 points: refused, two halves refused, four quarters answered.
      const requests = points > 12 ? 7 : points > 6 ? 3 : 1;
      refused += requests > 1 ? 1 : 0;
      const answer = await bench.prometheus.queryRange(query, each);
      return answer.ok ? { ok: true, requests } : answer;
    },
  };
  const report = await bench.start({ client }).run();
  expect(report).toMatchObject({ state: 'done', samples: 48, queries: { split: 1 } });
  expect(refused).toBe(1);
});

test('one namespace in its smallest pieces that is still too much is given up at once, alone', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  bench.prometheus.refuse = () => tooMuch;
  const report = await bench.start().run();
  expect(report).toMatchObject({ state: 'done', namespaces: { failed: [{ namespace: 'shop', message: 'too many samples' }] } });
});

test('a batch that would take too much memory is read in parts', async () => {
  const bench = createHistoryBench();
  for (const namespace of ['a', 'b', 'c']) {
    bench.targets.push(target('web', { namespace }));
    for (let at = 0; at < 20; at++) addLive(bench, `web-${at}`, 'web', namespace);
  }
  const report = await bench.start({ config: { lengthMs: 2 * day, batchBytes: 40_000 } }).run();
  expect(report).toMatchObject({ state: 'done', namespaces: { done: 3 }, series: 60 });
  const asked = bench.prometheus.queries.map(({ query }) => /namespace=~?"([^"]*)"/.exec(query)?.[1]);
  expect(asked).toContain('a|b|c');
  expect(asked).toContain('b');
});

test('an import that was stopped goes on where it was', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  const stop = new AbortController();
  bench.prometheus.refuse = ({ start }) => {
    if (start > Date.UTC(2026, 0, 9)) stop.abort();
    return undefined;
  };
  const history = bench.start();
  expect((await history.run(stop.signal)).state).toBe('stopped');
  expect(bench.given).toEqual([]);
  const before = bench.prometheus.queries.length;
  expect((await history.run()).state).toBe('done');
  expect(bench.prometheus.queries.length - before).toBe(3);
});

test('a policy that comes later gets its past, and nothing is given twice', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  addLive(bench, 'api-1', 'api');
  const history = bench.start();
  await history.run();
  const asked = bench.prometheus.queries.length;
  bench.targets.push(target('api'), { ...target('web'), key: 'VerticalPodAutoscaler/shop/web' });
  const report = await history.run();
  expect(bench.given.map(({ pod }) => pod)).toEqual(['web-1', 'api-1']);
  expect(report.cachedBlocks, 'the block under way too: the past ends where it ended').toBe(3);
  expect(bench.prometheus.queries).toHaveLength(asked);
});

test('what is known already is not given again, to whoever it would go', async () => {
  const bench = createHistoryBench();
  const to = Date.UTC(2026, 0, 9, 12);
  addLive(bench, 'web-1', 'web');
  addLive(bench, 'api-1', 'api');
  bench.targets.push(target('web', { before: to - 12 * hour }), target('api'), target('api', { key: 'other', before: to - day }));
  await bench.start().run();
  expect(bench.given.map(({ pod, timestamps }) => [pod, timestamps.length, timestamps.at(-1)])).toEqual([
    ['web-1', 48 - 13, to - 13 * hour],
    ['api-1', 24 - 1, to - 25 * hour],
  ]);
});

test('of a target that is known as far back as is asked nothing is read', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web', { before: Date.UTC(2026, 0, 7, 13) }));
  addLive(bench, 'web-1', 'web');
  const history = bench.start();
  expect([history.isSettled(bench.targets[0]!), (await history.run()).state]).toEqual([true, 'done']);
  expect(bench.prometheus.queries).toEqual([]);
});

test('a copy that waits for the lease reads the past up to when it begins', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  const history = bench.start();
  await bench.clock.advance(5 * hour);
  const { to } = await history.run();
  expect(to).toBe(Date.UTC(2026, 0, 9, 17));
  await bench.clock.advance(5 * hour);
  expect(history.report().to, 'what follows is observed live').toBe(to);
  expect(bench.given[0]?.timestamps.at(-1)).toBe(to);
});

test('a source that is not set up yet is waited for, half a minute long, as if nothing had failed', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  let ready = false;
  bench.prometheus.refuse = () => (ready ? undefined : { ...unavailable, reason: 'source-absent', notYet: true });
  const history = bench.start();
  let done = false;
  void history.run().finally(() => (done = true));
  await bench.clock.advance(20_000);
  expect(history.report()).toMatchObject({ state: 'running', queries: { failed: 0 } });
  ready = true;
  await bench.clock.advance(1000);
  expect([done, bench.given.length]).toEqual([true, 1]);

  ready = false;
  const absent = bench.start();
  void absent.run();
  await bench.clock.advance(30_000);
  expect(absent.report()).toMatchObject({ state: 'waiting', queries: { failed: 1 }, lastFailure: { reason: 'source-absent' } });
});

test('what the server never answers in time is asked in smaller and smaller pieces', async () => {
  const bench = createHistoryBench();
  bench.targets.push(target('web'));
  addLive(bench, 'web-1', 'web');
  // Only six hours at a time are answered in time, and it does not say why.
  bench.prometheus.refuse = ({ start, end }) => (end - start > 5 * hour ? unavailable : undefined);
  const history = bench.start();
  await bench.clock.settled(history.run(), 2 * hour);
  expect(history.report()).toMatchObject({ namespaces: { done: 1, failed: [] }, queries: { failed: 3 } });
  expect(bench.given[0]?.timestamps.length).toBe(48);
});

test('a cache of files is read once, however many policies ask one after the other', async () => {
  const bench = createHistoryBench();
  const files = createMemoryBlockCache();
  let reads = 0;
  const cache: BlockCache = { get: (key) => (reads++, files.get(key)), put: (key, block) => files.put(key, block) };
  addLive(bench, 'web-0', 'web-0');
  bench.targets.push(target('web-0'));
  await bench.start({ cache }).run();
  reads = 0;
  const history = bench.start({ cache });
  for (let at = 1; at < 10; at++) {
    addLive(bench, `web-${at}`, `web-${at}`);
    bench.targets.push(target(`web-${at}`));
    await history.run();
  }
  expect(reads, 'one for each day that is over').toBe(2);
});
