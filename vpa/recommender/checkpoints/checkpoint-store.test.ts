import { expect, test } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import { settleMacrotasks } from '../../../core/runtime/clock.ts';
import { checkpointStatus, createBench, loadAll, policyOf, statusError, type Bench } from './checkpoint.fixture.ts';
import { checkpointName, distinctCheckpointName } from './checkpoint-name.ts';

const type = resourceTypes.verticalPolicyCheckpoints;
const pass = { deadlineMs: 60_000 };

function stored(bench: Bench, name: string) {
  return bench.api.objects.get(`${type.plural}/shop/${name}`);
}

function put(bench: Bench, name: string, spec: object, status: unknown): void {
  bench.api.add(type, { metadata: { namespace: 'shop', name }, spec, status });
}

test('a checkpoint that is missing is created as upstream would, and patched from then on', async () => {
  const bench = createBench(['web']);
  await loadAll(bench);
  expect(await bench.store.write(pass)).toMatchObject({ written: 1, policies: 1, failed: 0, waiting: 0, notLoaded: 0 });
  expect(stored(bench, 'web-app')).toMatchObject({
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicyCheckpoint',
    spec: { vpaObjectName: 'web', containerName: 'app' },
    status: { ...checkpointStatus(1), lastUpdateTime: '2026-01-01T00:00:00Z' },
  });
  bench.engine.set(policyOf('web').key, { app: 2 });
  await bench.store.write(pass);
  expect(stored(bench, 'web-app')).toMatchObject({ status: { cpuHistogram: { totalWeight: 2 } } });
  expect(bench.api.writes()).toEqual(['PATCH', 'POST', 'PATCH'].map((verb) => `${verb} ${type.plural}/shop/web-app`));
});

test('native objects have the checkpoints of upstream', async () => {
  const bench = createBench([]);
  const policy = policyOf('web', { kind: 'VerticalPodAutoscaler' });
  bench.policies = [policy];
  bench.engine.set(policy.key, { app: 1 });
  await loadAll(bench);
  await bench.store.write(pass);
  expect(bench.api.objects.get('verticalpodautoscalercheckpoints/shop/web-app')).toMatchObject({
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscalerCheckpoint',
  });
});

test('what is not new is not written again', async () => {
  const bench = createBench(['web']);
  await loadAll(bench);
  await bench.store.write(pass);
  await bench.clock.advance(60_000);
  expect(await bench.store.write(pass)).toMatchObject({ written: 0, unchanged: 1, policies: 1 });
  expect(bench.api.writes()).toHaveLength(2);
});

test('stored state is taken over page by page with one list, a bad checkpoint is skipped with a sentence', async () => {
  const bench = createBench(['a', 'b', 'c']);
  bench.api.pageSize = 2;
  put(bench, 'a-app', { vpaObjectName: 'a', containerName: 'app' }, checkpointStatus(7));
  put(bench, 'b-app', { vpaObjectName: 'b', containerName: 'app' }, { ...checkpointStatus(8), cpuHistogram: { totalWeight: 'many' } });
  put(bench, 'b-log', { vpaObjectName: 'b', containerName: 'log' }, { ...checkpointStatus(8), version: 'v4' });
  put(bench, 'c-app', { vpaObjectName: 'c', containerName: 'app' }, checkpointStatus(9));
  put(bench, 'x-app', { vpaObjectName: 'x', containerName: 'app' }, checkpointStatus(9));
  await loadAll(bench);
  expect(bench.engine.loaded).toEqual(['VerticalPolicy/shop/a app 7', 'VerticalPolicy/shop/c app 9']);
  expect(bench.store.totals()).toMatchObject({ loaded: 2, skipped: 2 });
  expect(bench.logger.lines.map(({ message }) => message)).toEqual([
    'checkpoint shop/b-app cannot be read at status.cpuHistogram: delete it, it will be written anew',
    'checkpoint shop/b-log is left out: version v4 is not v3',
  ]);
  expect(bench.api.log).toEqual(Array.from({ length: 3 }, () => `LIST ${type.plural}/*`));
});

test('a policy that appears later gets its checkpoint (fixed quirk Q8), and one that comes back what was written last', async () => {
  const bench = createBench(['a']);
  await loadAll(bench);
  await bench.clock.advance(90_000);
  put(bench, 'late-app', { vpaObjectName: 'late', containerName: 'app' }, checkpointStatus(5));
  const late = policyOf('late');
  bench.policies = [...bench.policies, late];
  bench.engine.set(late.key, { app: 1 });
  await bench.store.load(late);
  expect(bench.engine.loaded).toEqual(['VerticalPolicy/shop/late app 5']);
  expect(bench.api.log.at(-1)).toBe(`LIST ${type.plural}/shop`);
  bench.engine.set(late.key, { app: 6 });
  await bench.store.write(pass);
  bench.policies = [];
  await bench.store.write(pass);
  bench.policies = [late];
  await bench.store.write(pass);
  expect(bench.store.isLoaded(late.key)).toBe(false);
  await bench.store.load(late);
  expect(bench.engine.loaded.at(-1)).toBe('VerticalPolicy/shop/late app 6');
});

test('nothing is written over what could not be read', async () => {
  const bench = createBench(['web']);
  put(bench, 'web-app', { vpaObjectName: 'web', containerName: 'app' }, checkpointStatus(99));
  bench.api.before = (line) => {
    if (line.startsWith('LIST')) throw statusError(503, 'ServiceUnavailable');
  };
  await expect(bench.store.load(policyOf('web'))).rejects.toThrow('ServiceUnavailable');
  expect(await bench.store.write(pass)).toMatchObject({ written: 0, notLoaded: 1 });
  expect(stored(bench, 'web-app')).toMatchObject({ status: checkpointStatus(99) });
  bench.api.before = () => undefined;
  await bench.store.load(policyOf('web'));
  expect(bench.engine.loaded).toEqual(['VerticalPolicy/shop/web app 99']);
  expect(await bench.store.write(pass)).toMatchObject({ written: 1, notLoaded: 0 });
});

test('a cluster without the kind is said once and costs one question a minute', async () => {
  const bench = createBench(['web']);
  bench.api.absent.add(type.plural);
  expect(await bench.store.load(policyOf('web'))).toEqual({ loaded: 0, skipped: 0, absent: true });
  await bench.store.write(pass);
  await bench.store.write(pass);
  expect(bench.api.writes()).toEqual([]);
  expect(bench.logger.lines.map(({ message }) => message)).toEqual([
    'the cluster does not have VerticalPolicyCheckpoint: what is learnt of VerticalPolicy is not stored; install its definition',
  ]);
  bench.api.absent.clear();
  await bench.clock.advance(60_000);
  expect(await bench.store.write(pass)).toMatchObject({ written: 1 });
});

test("another policy's checkpoint is never written over: the second gets a name of its own, and finds it again", async () => {
  const bench = createBench(['a', 'a-b']);
  bench.engine.set(policyOf('a').key, { 'b-c': 1 });
  bench.engine.set(policyOf('a-b').key, { c: 2 });
  await loadAll(bench);
  expect(await bench.store.write(pass)).toMatchObject({ written: 2, failed: 0 });
  const second = distinctCheckpointName('a-b', 'c');
  expect(checkpointName('a', 'b-c')).toBe(checkpointName('a-b', 'c'));
  expect(stored(bench, 'a-b-c')).toMatchObject({ spec: { vpaObjectName: 'a', containerName: 'b-c' }, status: checkpointStatus(1) });
  expect(stored(bench, second)).toMatchObject({ spec: { vpaObjectName: 'a-b', containerName: 'c' }, status: checkpointStatus(2) });
  expect(bench.logger.lines[0]?.message).toContain('checkpoint shop/a-b-c belongs to another policy and is left alone');
  const next = createBench(['a', 'a-b']);
  for (const [path, raw] of bench.api.objects) next.api.objects.set(path, raw);
  next.engine.set(policyOf('a').key, { 'b-c': 3 });
  next.engine.set(policyOf('a-b').key, { c: 4 });
  await loadAll(next);
  expect(next.engine.loaded).toEqual(['VerticalPolicy/shop/a b-c 1', 'VerticalPolicy/shop/a-b c 2']);
  await next.store.write(pass);
  expect(next.api.writes()).toEqual([`PATCH ${type.plural}/shop/a-b-c`, `PATCH ${type.plural}/shop/${second}`]);
});

test('a name that is too long is cut, and stays a name', () => {
  const name = distinctCheckpointName(`${'x'.repeat(241)}.${'y'.repeat(11)}`, 'container');
  expect(name).toMatch(/^x{241}-[0-9a-f]{10}$/);
});

test('of two objects for one container the newer one counts', async () => {
  const bench = createBench(['web']);
  const spec = { vpaObjectName: 'web', containerName: 'app' };
  put(bench, distinctCheckpointName('web', 'app'), spec, { ...checkpointStatus(2), lastUpdateTime: '2025-12-31T12:00:00Z' });
  put(bench, 'web-app', spec, { ...checkpointStatus(1), lastUpdateTime: '2025-12-31T11:00:00Z' });
  await loadAll(bench);
  expect(bench.engine.loaded).toEqual(['VerticalPolicy/shop/web app 2']);
});

test('writes are bounded a minute, at most so many at once, and those that waited longest go first', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `p${at}`);
  const bench = createBench(names, { config: { checkpointsPerMinute: 20, checkpointsGcMs: 600_000 }, workers: 4 });
  await loadAll(bench);
  const posts: { readonly line: string; readonly at: number }[] = [];
  bench.api.before = (line) => {
    if (line.startsWith('POST')) posts.push({ line, at: bench.clock.now() });
  };
  for (let round = 0; round < 3; round++) await bench.clock.settled(bench.store.write(pass), 120_000);
  expect(posts.map(({ line }) => line)).toEqual(names.map((name) => `POST ${type.plural}/shop/${name}-app`));
  const mostInAMinute = Math.max(...posts.map(({ at }) => posts.filter((other) => other.at >= at && other.at < at + 60_000).length));
  expect(mostInAMinute).toBeGreaterThanOrEqual(18);
  expect(mostInAMinute).toBeLessThanOrEqual(20);
  expect(bench.api.mostOpen).toBeLessThanOrEqual(4);
});

test('with no time at all each worker still completes one policy', async () => {
  const bench = createBench(['a', 'b', 'c', 'd', 'e'], { workers: 2 });
  for (const { key } of bench.policies) bench.engine.set(key, { app: 1, log: 2 });
  await loadAll(bench);
  expect(await bench.store.write({ deadlineMs: 0 })).toMatchObject({ written: 4, policies: 2, waiting: 3 });
  expect(await bench.store.write({ deadlineMs: 0 })).toMatchObject({ written: 4, waiting: 3 });
  expect(await bench.store.write({ deadlineMs: 0 })).toMatchObject({ written: 2, unchanged: 2 });
});

test('a fence ends the pass without a word, and the next one starts with the same policies', async () => {
  const bench = createBench(['a', 'b'], { workers: 1 });
  await loadAll(bench);
  bench.api.before = () => {
    throw new ConcertinaError('FENCED', 'not the leader');
  };
  expect(await bench.store.write(pass)).toMatchObject({ fenced: true, written: 0, failed: 0, policies: 0 });
  expect(bench.logger.lines).toEqual([]);
});

test('an API server that is away ends the pass after a few failures; one bad write does not', async () => {
  const bench = createBench(
    Array.from({ length: 100 }, (_, at) => `p${at}`),
    { workers: 1 },
  );
  await loadAll(bench);
  bench.api.before = (line) => {
    if (line.includes('p3-app')) throw statusError(403, 'Forbidden');
  };
  expect(await bench.store.write(pass)).toMatchObject({ written: 99, failed: 1, policies: 100 });
  for (const { key } of bench.policies) bench.engine.set(key, { app: 2 });
  bench.api.before = () => {
    throw new ConcertinaError('API_UNREACHABLE', 'no connection');
  };
  expect(await bench.store.write(pass)).toMatchObject({ written: 0, failed: 10 });
});

test('policies that fetch their history are not written', async () => {
  const bench = createBench(['a']);
  bench.policies = [policyOf('a', { fetchingHistory: true })];
  await loadAll(bench);
  expect(await bench.store.write(pass)).toMatchObject({ written: 0, policies: 0 });
});

test('a checkpoint that is created in between is patched, one that is deleted in between created', async () => {
  const bench = createBench(['web']);
  await loadAll(bench);
  const spec = { vpaObjectName: 'web', containerName: 'app' };
  bench.api.before = (line) => {
    if (line.startsWith('POST')) {
      bench.api.before = () => undefined;
      put(bench, 'web-app', spec, checkpointStatus(50));
    }
  };
  expect(await bench.store.write(pass)).toMatchObject({ written: 1 });
  expect(stored(bench, 'web-app')).toMatchObject({ status: checkpointStatus(1) });
});

test('the last pass is cut off at its deadline', async () => {
  const names = Array.from({ length: 30 }, (_, at) => `p${at}`);
  const bench = createBench(names, { config: { checkpointsPerMinute: 60, checkpointsGcMs: 600_000 } });
  await loadAll(bench);
  const last = bench.store.flush(5_000);
  await bench.clock.advance(5_000);
  const report = await last;
  expect(report.written).toBeGreaterThanOrEqual(6);
  expect(report.written).toBeLessThan(12);
  expect(bench.clock.pending).toBe(0);
});

test('a pass over containers without news never holds up the loop for long', async () => {
  const bench = createBench(
    Array.from({ length: 2_000 }, (_, at) => `p${at}`),
    { config: { checkpointsPerMinute: 100_000, checkpointsGcMs: 600_000 } },
  );
  await loadAll(bench);
  await bench.store.write(pass);
  let turns = 0;
  let running = true;
  const count = (): void => {
    turns += 1;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  expect(await bench.store.write(pass)).toMatchObject({ unchanged: 2_000 });
  running = false;
  await settleMacrotasks();
  // Ten workers of 32 each between two turns.
  expect(turns).toBeGreaterThanOrEqual(Math.floor(2_000 / 320));
});

test('the checkpoint of a vanished container goes, that of another policy stays', async () => {
  const bench = createBench(['a-b']);
  put(bench, 'a-b-c', { vpaObjectName: 'a', containerName: 'b-c' }, checkpointStatus(1));
  put(bench, 'a-b-app', { vpaObjectName: 'a-b', containerName: 'app' }, checkpointStatus(1));
  await loadAll(bench);
  expect(bench.store.containers(policyOf('a-b').key)).toEqual(['app']);
  expect(await bench.store.removeContainer(policyOf('a-b'), 'app')).toBe(true);
  expect(await bench.store.removeContainer(policyOf('a-b'), 'c')).toBe(false);
  expect([...bench.api.objects.keys()]).toEqual([`${type.plural}/shop/a-b-c`]);
});
