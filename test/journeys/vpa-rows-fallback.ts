import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { atTarget, passes, scene, type SeenPod, type VpaRow, type VpaRowsCluster, type Scene } from './vpa-rows-support.ts';

const minute = 60_000;

/** Three pods of which the kubelet resizes none as it should. */
function obstinate(cluster: VpaRowsCluster, resize: string, policy: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  return scene(cluster, { replicas: 3, load: 900, annotations: { 'concertina.dev/sim-resize': resize }, policy });
}

/** When the first eviction was and when the first resize, milliseconds apart. */
async function patience(web: Scene): Promise<number> {
  const [resize] = await web.writes('resize');
  const [eviction] = await web.writes('eviction');
  return (eviction?.at ?? NaN) - (resize?.at ?? NaN);
}

/** What becomes of resizes that kubelets do not carry out. */
export const fallbackRows: readonly VpaRow[] = [
  {
    name: 'Infeasible: the pod is evicted without further ado and comes back sized',
    run: async (cluster) => {
      const web = await obstinate(cluster, 'Infeasible');
      await web.comes('all are sized', (pods) => atTargetAndRunning(web, pods), passes(cluster, 15));
      expect((await web.writes('eviction')).length).toBe(3);
      // Others are resized first, and one at a time may be away.
      expect(await patience(web)).toBeLessThanOrEqual(3 * cluster.passMs);
    },
  },
  {
    name: 'Deferred: it is given 5 minutes, then the pod is evicted',
    run: async (cluster) => {
      const web = await obstinate(cluster, 'Deferred');
      await web.says(/is being resized in place \(Deferred\)/u, passes(cluster, 4));
      await web.comes('all are sized', (pods) => atTargetAndRunning(web, pods), 30 * minute);
      expect(await patience(web)).toBeGreaterThan(5 * minute);
      expect(await patience(web)).toBeLessThanOrEqual(7 * minute);
      expect((await web.writes('eviction')).length).toBe(3);
    },
  },
  {
    name: 'Error: the pod is evicted without further ado',
    run: async (cluster) => {
      const web = await obstinate(cluster, 'Error');
      await web.comes('all are sized', (pods) => atTargetAndRunning(web, pods), passes(cluster, 20));
      expect((await web.writes('eviction')).length).toBe(3);
      expect(await patience(web)).toBeLessThanOrEqual(3 * cluster.passMs);
    },
  },
  {
    name: 'mode InPlace never evicts, whatever the kubelet says',
    run: async (cluster) => {
      const web = await obstinate(cluster, 'Infeasible', { updatePolicy: { updateMode: 'InPlace' } });
      const before = (await web.pods()).map(({ uid }) => uid).join();
      await web.stays('no pod goes', (pods) => pods.map(({ uid }) => uid).join() === before, 15 * minute);
      expect(await web.writes('eviction')).toEqual([]);
      expect((await web.writes('resize')).length).toBeGreaterThan(0);
      expect(await web.said()).toMatch(/could not be (?:resized|done)/u);
      await web.comes(
        'an Event says so',
        async () => (await web.events()).some((each) => each.startsWith('InPlaceResizeSkipped:')),
        minute,
      );
    },
  },
  {
    name: 'eviction requirements: pods whose target is not as they ask are left alone, others are updated',
    run: async (cluster) => {
      const grow = {
        updateMode: 'Recreate',
        evictionRequirements: [{ resources: ['cpu'], changeRequirement: 'TargetHigherThanRequests' }],
      };
      // Memory is below its range, so that the pods differ enough; CPU would only shrink.
      const web = await scene(cluster, {
        replicas: 2,
        load: 100,
        requests: { cpu: '500m', memory: '64Mi' },
        policy: { updatePolicy: grow },
      });
      await web.says(/bounds: .*evictionRequirements do not hold/u, passes(cluster, 3));
      await web.stays('nobody is evicted', async () => (await web.writes('eviction')).length === 0, 4 * cluster.passMs);
      web.setLoad(1600);
      await web.comes(
        'the pods grow',
        async (pods) => pods.length === 2 && pods.every(({ requests }) => (requests.cpu ?? 0) > 500),
        passes(cluster, 30),
      );
    },
  },
  {
    name: 'two policies on one target: the older one acts, the other one says so',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 2, load: 600 });
      await cluster.elapse(2_000);
      await web.createPolicy({}, 'second');
      await web.comes('the pods are at the target', (pods) => atTarget(web, pods), passes(cluster, 6));
      await web.comes(
        'the second one says whose they are',
        async () => JSON.stringify(await web.status('second')).includes('VerticalPolicy web acts on Deployment web already'),
        passes(cluster, 3),
      );
      const applied = (await web.status('second')).conditions?.find(({ type }) => type === 'Applied');
      expect(applied).toMatchObject({ status: 'False', reason: 'Conflict' });
      // It takes over when the first one is gone.
      await cluster.client.delete(resourceTypes.verticalPolicies, web.key);
      const acts = async (): Promise<boolean> =>
        !JSON.stringify((await web.status('second')).conditions?.find(({ type }) => type === 'Applied')).includes('Conflict');
      await web.comes('the second one acts', acts, passes(cluster, 3));
    },
  },
  {
    name: 'a policy that is deleted while its pods are being updated: what is not done stays undone',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 4, load: 1200 });
      await web.comes('some are resized', async (pods) => pods.some(({ requests }) => requests.cpu !== 100), passes(cluster, 4));
      await cluster.client.delete(resourceTypes.verticalPolicies, web.key);
      await cluster.elapse(2_000);
      const done = (await web.writes('resize')).length;
      expect((await web.pods()).filter(({ requests }) => requests.cpu === 100).length, 'others are not').toBeGreaterThan(0);
      await web.stays('no more', async () => (await web.writes('resize')).length === done, 5 * cluster.passMs);
      expect(await web.writes('eviction')).toEqual([]);
      const checkpoints = async (): Promise<number> =>
        (await cluster.client.list(resourceTypes.verticalPolicyCheckpoints, { namespace: web.namespace })).items.length;
      await web.comes('its checkpoints are collected', async () => (await checkpoints()) === 0, 25 * minute);
    },
  },
];

async function atTargetAndRunning(web: Scene, pods: readonly SeenPod[]): Promise<boolean> {
  return (
    pods.length === 3 &&
    pods.every(({ ready, annotations }) => ready && annotations['vpaObservedContainers'] === 'web') &&
    (await atTarget(web, pods))
  );
}
