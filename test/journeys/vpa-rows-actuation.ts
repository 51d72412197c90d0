import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { atTarget, mebi, near, noCooldown, passes, scene, type SeenPod, type VpaRow } from './vpa-rows-support.ts';

const uids = (pods: readonly SeenPod[]): readonly string[] => pods.map(({ uid }) => uid).toSorted();

function restingRow(updateMode: 'Off' | 'Initial'): VpaRow {
  return {
    name: `mode ${updateMode}: running pods are left alone, new ones ${updateMode === 'Off' ? 'too' : 'are sized'}`,
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 2, load: 600, policy: { updatePolicy: { updateMode } } });
      const target = await web.recommends(passes(cluster, 2));
      const before = uids(await web.pods());
      await web.stays(
        'nothing is touched',
        (pods) => pods.every(({ requests, uid }) => requests.cpu === 100 && before.includes(uid)),
        5 * cluster.passMs,
      );
      expect(await web.said()).toContain(updateMode);
      await web.scale(3);
      await web.comes('a third pod runs', (pods) => pods.length === 3 && pods.every(({ ready }) => ready), 60_000);
      const added = (await web.pods()).filter(({ uid }) => !before.includes(uid));
      expect(added).toHaveLength(1);
      if (updateMode === 'Off') expect(added[0]?.requests).toEqual({ cpu: 100, memory: 64 * mebi });
      else expect(near(added[0]?.requests ?? {}, target), JSON.stringify(added)).toBe(true);
      expect(await cluster.podWrites(web.namespace)).toEqual([]);
    },
  };
}

function shownRow(mode: 'Paused' | 'DryRun'): VpaRow {
  return {
    name: `mode ${mode}: what would be done is shown, nothing is done, not even to new pods; Auto goes on`,
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 2, load: 600, policy: { mode } });
      await web.recommends(passes(cluster, 2));
      await web.says(
        mode === 'Paused' ? /spec\.mode is Paused; set it to Auto/u : /would be resized in place .*spec\.mode is DryRun/u,
        passes(cluster, 2),
      );
      expect(await web.condition('Applied')).toBe(`False/${mode}`);
      await web.scale(3);
      await web.stays('nothing is sized', (pods) => pods.every(({ requests }) => requests.cpu === 100), 4 * cluster.passMs);
      expect(await cluster.podWrites(web.namespace)).toEqual([]);
      await web.patchPolicy({ mode: 'Auto' });
      await web.comes('all are sized', (pods) => atTarget(web, pods), passes(cluster, 6));
    },
  };
}

/** The ways in which running pods get what is recommended, or do not. */
export const actuationRows: readonly VpaRow[] = [
  {
    name: 'in place: running pods get what is recommended, with the same uid, nothing is evicted, Events and status say so',
    real: true,
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 900, limits: { cpu: '500m' } });
      const before = await web.pods();
      await web.comes('all pods are at the target', (pods) => atTarget(web, pods), passes(cluster, 6));
      const target = await web.recommends(cluster.timing.reaction);
      expect(target.cpu).toBeGreaterThanOrEqual(300);
      await web.comes('the kubelets have done it', (pods) => pods.every(({ actual, requests }) => near(actual, requests)), 30_000);
      const after = await web.pods();
      expect(uids(after)).toEqual(uids(before));
      // Limits keep their ratio.
      for (const { requests, limits } of after) expect(limits.cpu).toBe(5 * (requests.cpu ?? NaN));
      expect(after.flatMap(({ containers }) => containers.map(({ restarts }) => restarts))).toEqual([0, 0, 0]);
      expect(await web.writes('eviction')).toEqual([]);
      // One at a time: half of three, rounded down, may be away.
      const resizes = (await web.writes('resize')).filter(({ code }) => code < 300);
      expect(new Set(resizes.map(({ name }) => name)).size).toBe(3);
      for (const [index, { at }] of resizes.entries()) {
        const previous = resizes[index - 1];
        if (previous !== undefined) expect(at - previous.at).toBeGreaterThan(cluster.passMs / 3);
      }
      await web.comes(
        'Events say so',
        async () => (await web.events()).filter((each) => each.startsWith('InPlaceResizedByVPA:')).length >= 1,
        30_000,
      );
      for (const { annotations } of after) expect(annotations['vpaInPlaceUpdated']).toBe('true');
      await web.comes('the condition says so', async () => (await web.condition('Applied')).startsWith('True/'), passes(cluster, 2));
      expect(await web.condition('RecommendationProvided')).toBe('True/RecommendationProvided');
    },
  },
  {
    name: 'a PodDisruptionBudget that refuses the eviction: the hold names it, and once there is room it goes on',
    real: true,
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 3,
        load: 900,
        policy: { updatePolicy: { updateMode: 'Recreate' } },
        before: async ({ client }, namespace) => {
          await client.create(resourceTypes.podDisruptionBudgets, budget(namespace, 3));
        },
      });
      const before = await web.pods();
      await web.says(/disruption-budget: .*PodDisruptionBudget guard/u, passes(cluster, 4));
      expect(await web.condition('Applied')).toBe('False/DisruptionBudget');
      await web.stays('nobody is evicted', (pods) => uids(pods).join() === uids(before).join(), 3 * cluster.passMs);
      await cluster.client.patch(
        resourceTypes.podDisruptionBudgets,
        { namespace: web.namespace, name: 'guard' },
        { type: 'merge', body: { spec: { minAvailable: 2 } } },
      );
      await web.comes(
        'all pods are new and sized for their load',
        // While fewer share the load more is recommended: a pod made then asks for more than the target of a moment later.
        (pods) =>
          pods.length === 3 &&
          pods.every(({ uid, ready, annotations, requests }) => {
            const isSized = annotations['vpaUpdates'] !== undefined && (requests.cpu ?? 0) >= 300;
            return ready && isSized && !uids(before).includes(uid);
          }),
        passes(cluster, 10),
      );
      const events = await web.events();
      expect(events.some((each) => each.startsWith('EvictedPod: VPA Updater evicted Pod web-'))).toBe(true);
      // It was never below what the budget says.
      const evictions = (await web.writes('eviction')).filter(({ code }) => code < 300);
      expect(evictions).toHaveLength(3);
    },
  },
  {
    name: 'stops while a pod of the workload is Pending, says which, and goes on when all run',
    run: async (cluster) => {
      const { client } = cluster;
      const web = await scene(cluster, { replicas: 3, load: 900, policy: { ...noCooldown, mode: 'DryRun' } });
      await web.recommends(passes(cluster, 2));
      // Somebody scales up by a pod that fits nowhere.
      await client.patch(resourceTypes.deployments, web.key, {
        type: 'merge',
        body: {
          spec: {
            template: { spec: { nodeSelector: { 'no-such': 'node' } } },
            strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          },
        },
      });
      await web.comes('a pod is Pending', (pods) => pods.some(({ phase }) => phase === 'Pending'), 60_000);
      await web.patchPolicy({ mode: 'Auto' });
      await web.says(/disruption-budget: 1 pod of Deployment web is Pending \(web-/u, passes(cluster, 2));
      await web.stays(
        'nothing is updated',
        async () => (await web.writes('resize')).length + (await web.writes('eviction')).length === 0,
        4 * cluster.passMs,
      );
      await client.patch(resourceTypes.deployments, web.key, {
        type: 'merge',
        body: { spec: { template: { spec: { nodeSelector: null } } } },
      });
      await web.comes('all run', (pods) => pods.length === 3 && pods.every(({ ready }) => ready), 120_000);
      await web.comes('and are at the target', (pods) => atTarget(web, pods), passes(cluster, 6));
    },
  },
  restingRow('Off'),
  restingRow('Initial'),
  {
    name: 'mode Recreate: pods are evicted one by one and come back sized',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 900, policy: { updatePolicy: { updateMode: 'Recreate' } } });
      const before = uids(await web.pods());
      await web.comes(
        'all pods are new and sized',
        async (pods) => pods.length === 3 && pods.every(({ uid }) => !before.includes(uid)) && (await atTarget(web, pods)),
        passes(cluster, 8),
      );
      expect(await web.writes('resize')).toEqual([]);
      const evictions = await web.writes('eviction');
      expect(new Set(evictions.map(({ name }) => name)).size).toBe(3);
      for (const { annotations } of await web.pods()) expect(annotations['vpaObservedContainers']).toBe('web');
      await web.stays('that was all', async () => (await web.writes('eviction')).length === evictions.length, 5 * cluster.passMs);
    },
  },
  shownRow('Paused'),
  shownRow('DryRun'),
  {
    name: 'a single replica is not evicted by default, and the status says what could be done',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 1, load: 300, policy: { updatePolicy: { updateMode: 'Recreate' } } });
      const before = uids(await web.pods());
      await web.says(/1 live replica.*|.*minReplicas/u, passes(cluster, 3));
      expect(await web.said()).toContain('singleReplica: Surge');
      await web.stays('it is left alone', (pods) => uids(pods).join() === before.join(), 5 * cluster.passMs);
      expect(await web.writes('eviction')).toEqual([]);
    },
  },
  {
    name: 'singleReplica Surge: the new pod is Ready before the old one goes',
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 1,
        load: 300,
        policy: { updatePolicy: { updateMode: 'Recreate', singleReplica: 'Surge' } },
      });
      const [old] = await web.pods();
      let least = Number.POSITIVE_INFINITY;
      await web.comes(
        'the new pod stands alone',
        (pods) => {
          least = Math.min(least, pods.filter(({ ready }) => ready).length);
          return pods.length === 1 && pods[0]?.uid !== old?.uid;
        },
        passes(cluster, 5),
      );
      expect(least, 'always one Ready pod').toBe(1);
      expect(await atTarget(web, await web.pods())).toBe(true);
      expect(await web.writes('eviction')).toEqual([]);
      const rolled = (await web.pods())[0]?.uid;
      await web.stays('it is rolled once', (pods) => pods.every(({ uid }) => uid === rolled), 6 * cluster.passMs);
      await web.comes('an Event says so', async () => (await web.events()).some((each) => each.startsWith('RolledWorkload:')), 30_000);
    },
  },
];

function budget(namespace: string, minAvailable: number): KubeObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace, name: 'guard' },
    spec: { minAvailable, selector: { matchLabels: { app: 'web' } } },
  };
}
