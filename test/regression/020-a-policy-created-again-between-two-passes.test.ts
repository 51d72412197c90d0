import { expect, it } from 'vitest';
import { checkpointStatus, createBench, loadAll, policyOf } from '../../vpa/recommender/checkpoints/checkpoint.fixture.ts';
import { resourceTypes } from '../../core/model/object.ts';

const type = resourceTypes.verticalPolicyCheckpoints;
const path = `${type.plural}/shop/web-app`;

// A policy that was deleted and created again between two passes (kubectl replace --force) passed for read, for no pass had been without it. The engine had
// forgotten what was loaded, nothing was loaded again, and the next pass wrote what little was left over the checkpoint.
it('a policy that is deleted and created again between two passes gets its checkpoint', async () => {
  const bench = createBench(['web']);
  bench.api.add(type, {
    metadata: { namespace: 'shop', name: 'web-app' },
    spec: { vpaObjectName: 'web', containerName: 'app' },
    status: checkpointStatus(99),
  });
  await loadAll(bench);
  await bench.store.load(policyOf('web'));
  expect(bench.engine.loaded).toEqual(['VerticalPolicy/shop/web app 99', 'VerticalPolicy/shop/web app 99']);
});

it('and nothing is written over it while it is read', async () => {
  const bench = createBench(['web']);
  await loadAll(bench);
  bench.api.add(type, {
    metadata: { namespace: 'shop', name: 'web-app' },
    spec: { vpaObjectName: 'web', containerName: 'app' },
    status: checkpointStatus(99),
  });
  bench.api.before = (line) => {
    if (line.startsWith('LIST')) throw new Error('no connection');
  };
  await expect(bench.store.load(policyOf('web'))).rejects.toThrow('no connection');
  expect(await bench.store.write({ deadlineMs: 60_000 })).toMatchObject({ written: 0, notLoaded: 1 });
  expect(bench.api.objects.get(path)).toMatchObject({ status: checkpointStatus(99) });
});

it('a pass that is under way leaves it alone', async () => {
  const bench = createBench(['web']);
  bench.engine.set(policyOf('web').key, { app: 1, log: 1 });
  await loadAll(bench);
  let again: Promise<unknown> | undefined;
  bench.api.before = (line) => {
    if (line.startsWith('LIST') && again !== undefined) throw new Error('no connection');
    if (line.startsWith('PATCH')) again ??= bench.store.load(policyOf('web')).catch((error: unknown) => error);
  };
  await bench.store.write({ deadlineMs: 60_000 });
  await again;
  expect([...bench.api.objects.keys()]).toEqual([path]);
});
