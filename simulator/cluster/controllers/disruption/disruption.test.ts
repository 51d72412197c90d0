import { afterEach, describe, expect, it } from 'vitest';
import { formatTime } from '../../../../core/model/condition.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { conditionOf, type Pod, type PodDisruptionBudget } from '../kinds.ts';
import { deployment, type Harness, patchSpec, podSpec, startHarness } from '../testing/harness.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

async function start(replicas: number, spec: object, options = {}): Promise<Harness> {
  harness = startHarness(options);
  await harness.registry.create(resourceTypes.deployments, deployment(replicas));
  await harness.registry.create(resourceTypes.podDisruptionBudgets, {
    metadata: { name: 'pdb', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });
  await harness.settle();
  return harness;
}

const status = (of: Harness): NonNullable<PodDisruptionBudget['status']> =>
  (of.registry.get(resourceTypes.podDisruptionBudgets, 'default', 'pdb') as PodDisruptionBudget).status ?? {};

describe('PodDisruptionBudget', () => {
  it('with minAvailable as a number counts the pods that there are', async () => {
    const of = await start(5, { minAvailable: 3 });
    expect(status(of)).toMatchObject({
      expectedPods: 5,
      currentHealthy: 5,
      desiredHealthy: 3,
      disruptionsAllowed: 2,
      observedGeneration: 1,
    });
    expect(conditionOf(status(of).conditions, 'DisruptionAllowed')).toMatchObject({ status: 'True', reason: 'SufficientPods' });
  });

  it('rounds percentages up, of what the Deployment wants', async () => {
    const atLeast = await start(7, { minAvailable: '50%' });
    expect(status(atLeast)).toMatchObject({ expectedPods: 7, desiredHealthy: 4, disruptionsAllowed: 3 });
    await patchSpec(atLeast.registry, resourceTypes.podDisruptionBudgets, 'pdb', { minAvailable: undefined, maxUnavailable: '30%' });
    await atLeast.settle();
    // 30 % of 7 is 2.1: three may be missing.
    expect(status(atLeast)).toMatchObject({ expectedPods: 7, desiredHealthy: 4, disruptionsAllowed: 3, observedGeneration: 2 });
  });

  it('expects the pods that are wanted, not those that are there', async () => {
    const of = await start(4, { maxUnavailable: 1 }, { ready: (pod: Pod) => !pod.metadata.name.endsWith('1') });
    const missing = of.pods().filter((pod) => conditionOf(pod.status?.conditions, 'Ready')?.status !== 'True').length;
    expect(status(of)).toMatchObject({ expectedPods: 4, desiredHealthy: 3, currentHealthy: 4 - missing });
    await patchSpec(of.registry, resourceTypes.deployments, 'web', { replicas: 6 });
    await of.settle();
    expect(status(of)).toMatchObject({ expectedPods: 6, desiredHealthy: 5 });
  });

  it('allows nothing when too few are healthy', async () => {
    const of = await start(3, { minAvailable: 3 });
    expect(status(of).disruptionsAllowed).toBe(0);
    expect(conditionOf(status(of).conditions, 'DisruptionAllowed')).toMatchObject({ status: 'False', reason: 'InsufficientPods' });
  });

  it('counts a granted eviction as gone for two minutes, no longer', async () => {
    const of = await start(4, { minAvailable: 2 });
    const name = of.pods()[0]?.metadata.name ?? '';
    const grant = { [name]: formatTime(of.clock.now()) };
    await of.registry.mutate(
      resourceTypes.podDisruptionBudgets,
      'default',
      'pdb',
      (pdb) => ({ ...pdb, status: { ...(pdb.status as object), disruptionsAllowed: 1, disruptedPods: grant } }),
      { subresource: 'status' },
    );
    await of.settle();
    expect(status(of)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1, disruptedPods: grant });
    await of.advance(119);
    expect(status(of).disruptionsAllowed).toBe(1);
    await of.advance(3);
    expect(status(of)).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 2 });
    expect(status(of).disruptedPods).toBeUndefined();
  });

  it('says so when the scale of an owner is not known', async () => {
    harness = startHarness();
    const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w1', controller: true };
    await harness.registry.create(resourceTypes.pods, {
      metadata: { name: 'p', namespace: 'default', labels: { app: 'web' }, ownerReferences: [owner] },
      spec: podSpec(),
    });
    await harness.registry.create(resourceTypes.podDisruptionBudgets, {
      metadata: { name: 'pdb', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'web' } }, maxUnavailable: 1 },
    });
    await harness.settle();
    expect(conditionOf(status(harness).conditions, 'DisruptionAllowed')).toMatchObject({ status: 'False', reason: 'SyncFailed' });
    expect(status(harness).disruptionsAllowed).toBe(0);
  });
});
