import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { apiFault } from './faults.ts';
import type { OwnVpaRow } from './vpa-rows-own.ts';
import { atTarget, mebi, noCooldown, passes, scene, sceneOf, verticalPolicy, type Scene, type SeenPod } from './vpa-rows-support.ts';

const minute = 60_000;
const recreate = { updatePolicy: { updateMode: 'Recreate' } };

interface Watched {
  readonly count: number;
  readonly limitMs: number;
  /** Uids of the pods that are to be replaced; default: of all that there are. */
  readonly old?: readonly string[];
  readonly look?: (pods: readonly SeenPod[]) => void;
}

const uids = (pods: readonly SeenPod[]): readonly string[] => pods.map(({ uid }) => uid);

/** Watches while pods are replaced; answers the fewest that were Ready at the same time. */
async function replaced(web: Scene, { count, limitMs, old: given, look }: Watched): Promise<number> {
  const old = given ?? uids(await web.pods());
  let least = count;
  await web.comes(
    'all are replaced and sized',
    async (pods) => {
      look?.(pods);
      least = Math.min(least, pods.filter(({ ready }) => ready).length);
      return pods.length === count && pods.every(({ uid, ready }) => ready && !old.includes(uid)) && (await atTarget(web, pods));
    },
    limitMs,
  );
  return least;
}

/** Another kind of workload with the same pods. */
function workload(namespace: string, kind: 'StatefulSet' | 'DaemonSet'): KubeObject {
  const labels = { app: 'web' };
  const containers = [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } }];
  const template = {
    metadata: { labels, annotations: { 'concertina.dev/sim-cpu': '0.3' } },
    spec: { terminationGracePeriodSeconds: 1, containers },
  };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web', namespace },
    spec: { selector: { matchLabels: labels }, template, ...(kind === 'DaemonSet' ? {} : { replicas: 3, serviceName: 'web' }) },
  };
}

function kindRow(kind: 'StatefulSet' | 'DaemonSet', updateMode: string): OwnVpaRow {
  return {
    name: `${kind}, ${updateMode}: its pods get what is recommended`,
    run: async (cluster) => {
      const namespace = await cluster.namespace();
      const type = kind === 'DaemonSet' ? resourceTypes.daemonSets : resourceTypes.statefulSets;
      await cluster.client.create(type, workload(namespace, kind));
      const web = sceneOf(cluster, namespace);
      await web.comes('three pods run', (pods) => pods.length === 3 && pods.every(({ ready }) => ready), 3 * minute);
      await cluster.elapse(minute);
      const targetRef = { apiVersion: 'apps/v1', kind, name: 'web' };
      await cluster.client.create(
        resourceTypes.verticalPolicies,
        verticalPolicy(namespace, { ...noCooldown, targetRef, updatePolicy: { updateMode } }),
      );
      await web.comes(
        'all are sized',
        async (pods) => pods.length === 3 && pods.every(({ ready }) => ready) && (await atTarget(web, pods)),
        passes(cluster, 10),
      );
      expect((await web.writes(updateMode === 'Recreate' ? 'eviction' : 'resize')).filter(({ code }) => code < 300).length).toBe(3);
    },
  };
}

/** The fault catalogue (metrics-and-cli §F.8), as far as it concerns what is done to pods; and kinds other than Deployments. */
export const disturbedRows: readonly OwnVpaRow[] = [
  kindRow('StatefulSet', 'Recreate'),
  kindRow('StatefulSet', 'InPlaceOrRecreate'),
  kindRow('DaemonSet', 'Recreate'),
  kindRow('DaemonSet', 'InPlaceOrRecreate'),
  {
    name: 'webhook by Service, as it is installed: new pods come sized, evictions are allowed',
    options: { service: true },
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 900, policy: recreate });
      expect(await replaced(web, { count: 3, limitMs: 15 * minute })).toBeGreaterThanOrEqual(2);
    },
  },
  {
    name: 'answers to evictions are lost: no pod is evicted twice, never more than half are away',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 4, load: 1200, policy: recreate });
      const cure = apiFault(cluster.virtual, {
        match: { resource: 'pods', subresource: 'eviction' },
        fault: { kind: 'drop', applied: true },
        times: 6,
      });
      const seen = new Set((await web.pods()).map(({ uid }) => uid));
      expect(
        await replaced(web, { count: 4, limitMs: 30 * minute, look: (pods) => uids(pods).forEach((uid) => seen.add(uid)) }),
      ).toBeGreaterThanOrEqual(2);
      cure();
      // Each had one successor.
      expect(seen.size).toBe(8);
    },
  },
  {
    name: 'resizes fail with 500 for a while: nobody is evicted for it, then it goes on in place',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 900 });
      const before = uids(await web.pods()).toSorted();
      const cure = apiFault(cluster.virtual, {
        match: { resource: 'pods', subresource: 'resize' },
        fault: { kind: 'status', code: 500, message: 'etcdserver: leader changed' },
      });
      await web.says(/the resize of pod web-\S+ failed/u, passes(cluster, 4));
      await web.stays('nobody goes', async () => (await web.writes('eviction')).length === 0, 5 * minute);
      cure();
      await web.comes('all are sized in place', (pods) => atTarget(web, pods), passes(cluster, 8));
      expect(uids(await web.pods()).toSorted()).toEqual(before);
    },
  },
  {
    name: 'OOM loop below maxAllowed: what may not grow is not updated again and again',
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 2,
        requests: { cpu: '50m', memory: '200Mi' },
        limits: { memory: '200Mi' },
        annotations: { 'concertina.dev/sim-memory.web': 'ramp:0s=20Mi,5s=400Mi' },
        policy: { resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { memory: '300Mi' } }] } },
        unready: true,
      });
      await web.comes('they have what they may have', (pods) => pods.every(({ limits }) => limits.memory === 300 * mebi), 20 * minute);
      await cluster.elapse(5 * minute);
      const done = async (): Promise<number> => (await cluster.podWrites(web.namespace)).length;
      const before = await done();
      await web.stays('that is all', async () => (await done()) === before, 60 * minute);
      expect((await web.status()).recommendation?.containerRecommendations?.[0]?.evidence?.clamps?.join()).toContain('maxAllowed');
    },
  },
  {
    name: 'somebody changes a pod by hand: it is put right once, not fought over',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 900 });
      await web.comes('all are sized', (pods) => atTarget(web, pods), passes(cluster, 6));
      const before = (await web.writes('resize')).length;
      const [pod] = await web.pods();
      const key = { namespace: web.namespace, name: pod?.name ?? '' };
      const body = { spec: { containers: [{ name: 'web', resources: { requests: { cpu: '20m' } } }] } };
      await cluster.client.resize(key, { type: 'strategic', body });
      await web.comes('it has been', (pods) => pods.some(({ requests }) => requests.cpu === 20), minute);
      await web.comes('and is put right', (pods) => atTarget(web, pods), passes(cluster, 4));
      await web.stays('once', async () => (await web.writes('resize')).length === before + 1, 10 * minute);
    },
  },
  {
    name: 'pods that take 20 minutes to be Ready: two of four serve all the time, and all are sized in the end',
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 4,
        load: 1200,
        annotations: { 'concertina.dev/sim-ready': '20m' },
        policy: { ...recreate, mode: 'Paused' },
        unready: true,
      });
      await web.comes('all are ready', (pods) => pods.length === 4 && pods.every(({ ready }) => ready), 40 * minute);
      await web.recommends(10 * minute);
      const old = uids(await web.pods());
      await web.patchPolicy({ mode: 'Auto' });
      await web.comes('two are evicted', async () => (await web.writes('eviction')).length === 2, passes(cluster, 3));
      await web.says(/2 may be away, and only 2 are Ready/u, passes(cluster, 3));
      // Load comes only with readiness, so that the first ones come back too small: three rounds of 20 minutes.
      expect(await replaced(web, { count: 4, limitMs: 120 * minute, old })).toBeGreaterThanOrEqual(2);
    },
  },
];
