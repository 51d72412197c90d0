import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { atTarget, mebi, near, passes, scene, seenPod, verticalPolicy, noCooldown, type SeenPod, type VpaRow } from './vpa-rows-support.ts';

const minute = 60_000;

/** Memory, and what outlives its pods. */
export const memoryRows: readonly VpaRow[] = [
  {
    name: 'memory grows after an OOM kill until the pod lives',
    real: true,
    run: async (cluster) => {
      // Two replicas: one may be away.
      const web = await scene(cluster, {
        replicas: 2,
        requests: { cpu: '50m', memory: '200Mi' },
        limits: { memory: '200Mi' },
        annotations: { 'concertina.dev/sim-memory.web': 'ramp:0s=20Mi,5s=300Mi' },
        unready: true,
      });
      await web.comes('it is killed', (pods) => pods.some(({ containers }) => (containers[0]?.restarts ?? 0) > 0), passes(cluster, 4));
      const target = await web.recommends(passes(cluster, 12) + 5 * minute, ({ memory = 0 }) => memory >= 300 * mebi);
      expect(target.memory).toBeLessThan(1024 * mebi);
      await web.comes(
        'all pods live with more than they need',
        (pods) => pods.length === 2 && pods.every(({ ready, limits: { memory = 0 } }) => ready && memory >= 300 * mebi),
        passes(cluster, 20) + 5 * minute,
      );
      const restarts = (pods: readonly SeenPod[]): number => pods.reduce((sum, { containers }) => sum + (containers[0]?.restarts ?? 0), 0);
      const before = restarts(await web.pods());
      const uids = (await web.pods()).map(({ uid }) => uid).join();
      await web.stays(
        'there is peace',
        (pods) => restarts(pods) === before && pods.map(({ uid }) => uid).join() === uids,
        4 * cluster.passMs,
      );
    },
  },
  {
    name: 'CronJob: Jobs are sized together, what is known survives between runs, the next Job comes sized',
    run: async (cluster) => {
      const { client } = cluster;
      const namespace = await cluster.namespace();
      await client.create(resourceTypes.cronJobs, {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { namespace, name: 'nightly' },
        spec: {
          schedule: '*/10 * * * *',
          jobTemplate: {
            spec: {
              template: {
                metadata: { labels: { app: 'nightly' }, annotations: { 'concertina.dev/sim-run': '3m', 'concertina.dev/sim-cpu': '0.4' } },
                spec: {
                  restartPolicy: 'Never',
                  containers: [{ name: 'work', image: 'work:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
                },
              },
            },
          },
        },
      });
      await client.create(
        resourceTypes.verticalPolicies,
        verticalPolicy(namespace, { ...noCooldown, targetRef: { apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly' } }, 'nightly'),
      );
      const pods = async (): Promise<readonly SeenPod[]> => (await client.list(resourceTypes.pods, { namespace })).items.map(seenPod);
      const target = async () => {
        const { status } = await client.get(resourceTypes.verticalPolicies, { namespace, name: 'nightly' });
        const list = (
          status as { recommendation?: { containerRecommendations?: { containerName: string; target: Record<string, string> }[] } }
        ).recommendation?.containerRecommendations;
        return list?.find(({ containerName }) => containerName === 'work')?.target;
      };
      expect(await cluster.until(async () => (await pods()).length === 1, 11 * minute), 'a first Job runs').toBe(true);
      expect((await pods())[0]?.requests.cpu).toBe(100);
      expect(await cluster.until(async () => (await target()) !== undefined, 5 * minute), 'there is a recommendation').toBe(true);
      expect(await cluster.until(async () => (await pods()).every(({ phase }) => phase === 'Succeeded'), 6 * minute), 'it ends').toBe(true);
      await cluster.elapse(3 * minute);
      expect(await target(), 'it is still known between runs').toBeDefined();
      expect(await cluster.until(async () => (await pods()).length === 2, 11 * minute), 'a second Job').toBe(true);
      const second = (await pods()).toSorted((a, b) => a.created - b.created).at(-1);
      expect(second?.annotations['vpaObservedContainers']).toBe('work');
      expect(second?.requests.cpu).toBeGreaterThan(400);
      const known = await target();
      await cluster.elapse(30 * minute);
      expect(await cluster.until(async () => (await pods()).length >= 4, 20 * minute)).toBe(true);
      for (const { created, requests } of await pods()) if (created > (second?.created ?? 0)) expect(requests.cpu).toBeGreaterThan(400);
      expect(await target()).toMatchObject({ cpu: known?.['cpu'] });
      expect((await cluster.podWrites(namespace)).filter(({ what }) => what === 'eviction')).toEqual([]);
    },
  },
  {
    name: 'start-up boost: more CPU at creation, taken back in place once the pod has been Ready for so long',
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 2,
        load: 600,
        policy: { startupBoost: { cpu: { type: 'Factor', factor: 3, durationSeconds: 120 } } },
      });
      await web.comes('running pods are at the target', (pods) => atTarget(web, pods), passes(cluster, 6));
      const old = (await web.pods()).map(({ uid }) => uid);
      const target = await web.recommends(minute);
      await web.scale(3);
      await web.comes('a third pod is Ready', (pods) => pods.length === 3 && pods.every(({ ready }) => ready), minute);
      const ready = cluster.now();
      const added = async (): Promise<SeenPod | undefined> => (await web.pods()).find(({ uid }) => !old.includes(uid));
      const boosted = await added();
      expect(boosted?.requests.cpu).toBeGreaterThan(2.5 * (target.cpu ?? NaN));
      expect(boosted?.requests.memory).toBe(target.memory);
      expect(boosted?.annotations['vpaCpuStartupBoost/web']).toBeDefined();
      await web.comes('the boost is taken back', async () => ((await added())?.requests.cpu ?? 0) < 1.5 * (target.cpu ?? NaN), 6 * minute);
      expect(cluster.now() - ready).toBeGreaterThanOrEqual(118_000);
      const after = await added();
      expect(after?.uid).toBe(boosted?.uid);
      expect(near(after?.requests ?? {}, (await web.target()) ?? {})).toBe(true);
      await web.comes('its annotation is gone', async () => (await added())?.annotations['vpaCpuStartupBoost/web'] === undefined, minute);
      expect(await web.writes('eviction')).toEqual([]);
    },
  },
];
