import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { passes, scene, type VpaRow } from './vpa-rows-support.ts';

const minute = 60_000;

/** Where the program runs with `--adopt=vpa` and the kinds are there. */
export const adoptedRow: VpaRow = {
  name: 'native VPA adopted: status and checkpoint in the shape of upstream, Recreate evicts and the webhook sizes',
  real: true,
  run: async (cluster) => {
    const { client } = cluster;
    const web = await scene(cluster, { replicas: 3, load: 900, policy: null });
    await client.create(resourceTypes.verticalPodAutoscalers, nativeVpa(web.namespace));
    const before = (await web.pods()).map(({ uid }) => uid);
    const sized = async (): Promise<boolean> => {
      const pods = await web.pods();
      return pods.length === 3 && pods.every(({ uid, requests, ready }) => ready && !before.includes(uid) && (requests.cpu ?? 0) > 250);
    };
    expect(await cluster.until(sized, 15 * minute), JSON.stringify(await web.pods())).toBe(true);
    const { status } = await client.get(resourceTypes.verticalPodAutoscalers, web.key);
    // A field that upstream does not have would be one too many.
    expect(Object.keys(status as object).toSorted()).toEqual(['conditions', 'observedGeneration', 'recommendation']);
    expect(status).toMatchObject({
      conditions: [{ type: 'RecommendationProvided', status: 'True' }],
      recommendation: { containerRecommendations: [{ containerName: 'web', target: { cpu: expect.stringMatching(/^\d+m$/u) } }] },
    });
    const { items } = await client.list(resourceTypes.verticalPodAutoscalerCheckpoints, { namespace: web.namespace });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['web-web']);
    expect(items[0]?.spec).toEqual({ vpaObjectName: 'web', containerName: 'web' });
    expect(items[0]?.['status']).toMatchObject({
      version: 'v3',
      cpuHistogram: { referenceTimestamp: expect.any(String), bucketWeights: expect.any(Object), totalWeight: expect.any(Number) },
      firstSampleStart: expect.any(String),
      lastSampleStart: expect.any(String),
      totalSamplesCount: expect.any(Number),
    });
    // Upstream's timing: no cooldown between passes.
    const evictions = await web.writes('eviction');
    expect(evictions.map(({ name }) => name)).toHaveLength(3);
    for (const [index, { at }] of evictions.entries())
      if (index > 0) expect(at - (evictions[index - 1]?.at ?? NaN)).toBeLessThanOrEqual(2 * minute);
    expect((await web.events()).some((each) => each.startsWith('EvictedByVPA:'))).toBe(true);
  },
};

/** The same with a budget: upstream asks whatever the budget says, and takes a refusal for a failed try. */
export const adoptedBudgetRow: VpaRow = {
  name: 'native VPA adopted, evictions that a PodDisruptionBudget refuses (429): tried again at each pass, until there is room',
  real: true,
  run: async (cluster) => {
    const { client } = cluster;
    const guard = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      spec: { minAvailable: 3, selector: { matchLabels: { app: 'web' } } },
    };
    const web = await scene(cluster, {
      replicas: 3,
      load: 900,
      policy: null,
      before: async (_, namespace) => {
        await client.create(resourceTypes.podDisruptionBudgets, { ...guard, metadata: { namespace, name: 'guard' } });
      },
    });
    const before = (await web.pods()).map(({ uid }) => uid).toSorted();
    await client.create(resourceTypes.verticalPodAutoscalers, nativeVpa(web.namespace));
    const refused = async (): Promise<number> => (await web.writes('eviction')).filter(({ code }) => code === 429).length;
    await web.comes('it is refused twice', async () => (await refused()) >= 2, passes(cluster, 6));
    expect((await web.pods()).map(({ uid }) => uid).toSorted()).toEqual(before);
    await client.patch(
      resourceTypes.podDisruptionBudgets,
      { namespace: web.namespace, name: 'guard' },
      { type: 'merge', body: { spec: { minAvailable: 1 } } },
    );
    await web.comes(
      'all are replaced',
      (pods) => pods.length === 3 && pods.every(({ uid, ready, requests }) => ready && !before.includes(uid) && (requests.cpu ?? 0) > 250),
      passes(cluster, 12),
    );
  },
};

function nativeVpa(namespace: string): KubeObject {
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { namespace, name: 'web' },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, updatePolicy: { updateMode: 'Recreate' } },
  };
}
