import { expect, test } from 'vitest';
import { resourceTypes } from '../../../core/model/object.ts';
import { checkpointStatus, createBench, statusError, type Bench } from './checkpoint.fixture.ts';

const type = resourceTypes.verticalPolicyCheckpoints;
const interval = 600_000;

function put(bench: Bench, policy: string, namespace = 'shop'): void {
  const spec = { vpaObjectName: policy, containerName: 'app' };
  bench.api.add(type, { metadata: { namespace, name: `${policy}-app` }, spec, status: checkpointStatus(1) });
}

function left(bench: Bench): string[] {
  return [...bench.api.objects.keys()].filter((path) => path.startsWith(type.plural)).map((path) => path.slice(type.plural.length + 1));
}

/** A store that knows these VerticalPolicies to exist; native ones are not watched. */
function benchWith(existing: readonly string[], ignoredNamespaces: readonly string[] = []): Bench {
  const bench = createBench([], { ignoredNamespaces });
  bench.existing = (kind) => (kind === 'VerticalPolicy' ? new Set(existing) : undefined);
  return bench;
}

test('orphans are deleted every ten minutes, whoever wrote them; ignored namespaces are left alone', async () => {
  const bench = benchWith(['shop/web'], ['kube-system']);
  put(bench, 'web');
  put(bench, 'gone');
  put(bench, 'gone', 'other');
  put(bench, 'gone', 'kube-system');
  expect(await bench.store.collectGarbage()).toBeUndefined();
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toEqual({ seen: 4, deleted: 2, failed: 0, leftOut: ['VerticalPodAutoscaler'] });
  expect(left(bench)).toEqual(['shop/web-app', 'kube-system/gone-app']);
  expect(await bench.store.collectGarbage()).toBeUndefined();
});

test('unknown is not gone: without a whole list of policies nothing is asked or deleted', async () => {
  const bench = benchWith([]);
  put(bench, 'gone');
  bench.existing = () => undefined;
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toMatchObject({ seen: 0, deleted: 0, leftOut: ['VerticalPolicy', 'VerticalPodAutoscaler'] });
  expect(left(bench)).toEqual(['shop/gone-app']);
});

test('a list of checkpoints that breaks off deletes nothing', async () => {
  const bench = benchWith([]);
  bench.api.pageSize = 1;
  put(bench, 'gone');
  put(bench, 'gone2');
  let pages = 0;
  bench.api.before = (line) => {
    if (line.startsWith('LIST') && ++pages === 2) throw statusError(500, 'InternalError');
  };
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toMatchObject({ deleted: 0 });
  expect(left(bench)).toHaveLength(2);
});

test('the API server has the last word: a policy that only our list does not have keeps its checkpoint', async () => {
  const bench = benchWith([]);
  put(bench, 'new');
  bench.api.add(resourceTypes.verticalPolicies, { metadata: { namespace: 'shop', name: 'new' } });
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toMatchObject({ seen: 1, deleted: 0, failed: 0 });
  expect(left(bench)).toEqual(['shop/new-app']);
});

test('a cluster that has lost the kind of the policies keeps what was learnt', async () => {
  const bench = benchWith([]);
  put(bench, 'web');
  bench.api.absent.add(resourceTypes.verticalPolicies.plural);
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toMatchObject({ seen: 1, deleted: 0, failed: 0 });
  expect(left(bench)).toEqual(['shop/web-app']);
});

test('a checkpoint that is written between look and deletion stays', async () => {
  const bench = benchWith([]);
  put(bench, 'web');
  bench.api.before = (line) => {
    if (line.startsWith('DELETE')) put(bench, 'web');
  };
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toMatchObject({ deleted: 0, failed: 0 });
  expect(left(bench)).toEqual(['shop/web-app']);
});

test('an object that does not say whose it is stays', async () => {
  const bench = benchWith([]);
  bench.api.add(type, { metadata: { namespace: 'shop', name: 'strange' }, spec: {} });
  await bench.clock.advance(interval);
  expect(await bench.store.collectGarbage()).toMatchObject({ seen: 1, deleted: 0 });
  expect(left(bench)).toEqual(['shop/strange']);
});
