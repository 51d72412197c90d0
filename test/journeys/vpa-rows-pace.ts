import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { policy } from './journey-cluster.ts';
import { passes, scene, type Scene, type VpaRow, type VpaRowsCluster } from './vpa-rows-support.ts';

const second = 1_000;
const minute = 60_000;
/** Of the program's flags. */
const ofFlags = { cooldown: {} };

/** Times between the resizes of a workload, milliseconds. */
async function gaps(web: Scene): Promise<readonly number[]> {
  const at = (await web.writes('resize')).filter(({ code }) => code < 300).map((write) => write.at);
  return at.slice(1).map((time, index) => time - (at[index] ?? NaN));
}

async function replicas(cluster: VpaRowsCluster, web: Scene): Promise<number> {
  return (await cluster.client.getScale(resourceTypes.deployments, web.key)).specReplicas;
}

function nativeHpa(namespace: string): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace, name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    },
  };
}

/** Four replicas at half of their request, whose memory is below its range: a resize moves both resources. */
async function withHorizontal(cluster: VpaRowsCluster, horizontalPolicies: string): Promise<Scene> {
  const web = await scene(cluster, { replicas: 4, load: 200, policy: null });
  await cluster.client.create(resourceTypes.horizontalPolicies, policy(web.namespace));
  await cluster.elapse(minute);
  expect(await replicas(cluster, web)).toBe(4);
  await web.createPolicy({ horizontalPolicies });
  return web;
}

/** Time between updates, and what others steer. */
export const paceRows: readonly VpaRow[] = [
  {
    name: 'cooldowns: 180 s between updates that grow, 300 s to one that shrinks, each said with its end',
    run: async (cluster) => {
      const { scaleUpCooldown, scaleDownCooldown } = cluster.timing;
      const web = await scene(cluster, { replicas: 3, load: 900, policy: ofFlags });
      await web.comes('the first one grows', (pods) => pods.some(({ requests }) => (requests.cpu ?? 0) > 250), passes(cluster, 4));
      await web.says(/cooldown: pod web-\S+: an update that grows waits until \d\d:\d\d:\d\d: last growth at/u, passes(cluster, 2));
      const hold = (await web.status()).lastDecision?.holds?.find(({ by }) => by === 'cooldown');
      const scaled = Date.parse((await web.status()).lastScaleUpTime ?? '');
      expect(Date.parse(hold?.until ?? '') - scaled).toBe(scaleUpCooldown);
      await web.comes(
        'all have grown',
        (pods) => pods.every(({ requests }) => (requests.cpu ?? 0) > 250),
        3 * scaleUpCooldown + 2 * minute,
      );
      const grown = await gaps(web);
      expect(grown).toHaveLength(2);
      for (const gap of grown) {
        expect(gap).toBeGreaterThanOrEqual(scaleUpCooldown - second);
        // The look after it is not left to the next pass.
        expect(gap).toBeLessThanOrEqual(scaleUpCooldown + 10 * second);
      }
      // What grew is far too much now.
      await web.patchPolicy({ resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '120m' } }] } });
      const since = (await web.writes('resize')).at(-1)?.at ?? NaN;
      const before = (await web.writes('resize')).length;
      await web.comes('the first one shrinks', (pods) => pods.some(({ requests }) => requests.cpu === 120), scaleDownCooldown + 3 * minute);
      const shrunk = (await web.writes('resize'))[before]?.at ?? NaN;
      expect(shrunk - since).toBeGreaterThanOrEqual(scaleDownCooldown - second);
      expect(shrunk - since).toBeLessThanOrEqual(scaleDownCooldown + 10 * second);
    },
  },
  {
    name: 'a horizontal policy on the same CPU, Rebase: a resize changes no replicas',
    run: async (cluster) => {
      const web = await withHorizontal(cluster, 'Rebase');
      await web.comes('all pods ask for less CPU', (pods) => pods.every(({ requests }) => (requests.cpu ?? 100) < 80), passes(cluster, 8));
      await web.stays('four replicas', async () => (await replicas(cluster, web)) === 4, 15 * minute);
      // It still scales.
      web.setLoad(400);
      await web.comes('twice the load, twice the replicas', async () => (await replicas(cluster, web)) >= 8, 5 * minute);
      // What had piled up meanwhile may ask for one more, which is then within the tolerance.
      await web.stays('and no more', async () => (await replicas(cluster, web)) <= 9, 15 * minute);
    },
  },
  {
    name: 'the same with Ignore, as a counter-proof: resizes do change replicas',
    run: async (cluster) => {
      const web = await withHorizontal(cluster, 'Ignore');
      await web.comes('replicas move though the load does not', async () => (await replicas(cluster, web)) > 4, 15 * minute);
    },
  },
  {
    name: 'a horizontal policy on the same CPU, Yield: CPU is left alone, memory is sized, and it says so',
    run: async (cluster) => {
      const web = await withHorizontal(cluster, 'Yield');
      await web.comes(
        'memory is sized',
        (pods) => pods.every(({ requests }) => (requests.memory ?? 0) > 200 * 2 ** 20),
        passes(cluster, 8),
      );
      for (const { requests } of await web.pods()) expect(requests.cpu).toBe(100);
      expect(await replicas(cluster, web)).toBe(4);
      await web.says(
        /conflict: HorizontalPolicy \S+\/web scales the workload by its cpu utilization, .*horizontalPolicies of this policy is Yield/u,
        passes(cluster, 3),
      );
      // New pods too.
      await web.scale(5);
      await web.comes('a fifth pod', (pods) => pods.length === 5, minute);
      expect((await web.pods()).at(-1)?.requests).toEqual({ cpu: 100, memory: (await web.target())?.memory });
    },
  },
  {
    name: "somebody else's HorizontalPodAutoscaler on the same CPU: the policy yields and says how that can be changed",
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 4, load: 200, policy: null });
      await cluster.client.create(resourceTypes.horizontalPodAutoscalers, nativeHpa(web.namespace));
      await cluster.elapse(10 * second);
      await web.createPolicy();
      await web.comes(
        'memory is sized',
        (pods) => pods.every(({ requests }) => (requests.memory ?? 0) > 200 * 2 ** 20),
        passes(cluster, 8),
      );
      for (const { requests } of await web.pods()) expect(requests.cpu).toBe(100);
      await web.says(/conflict: HorizontalPodAutoscaler \S+\/web .*--adopt=hpa/u, passes(cluster, 3));
      await cluster.client.delete(resourceTypes.horizontalPodAutoscalers, web.key);
      await web.stays('nothing goes wrong', async (pods) => pods.length === 4, 2 * minute);
    },
  },
];
