import { expect } from 'vitest';
import { parse } from 'yaml';
import { resourceTypes } from '../../core/model/object.ts';
import type { NodesRow, Pool } from './nodes-rows-support.ts';
import type { SeenNode } from './nodes-rows-seen.ts';

const softTaint = 'DeletionCandidateOfClusterAutoscaler';
const deletionTaint = 'ToBeDeletedByClusterAutoscaler';

/** A second node, with room for what is on the first one, that stays in any case: more than half of it is asked for. */
async function anchored(pool: Pool): Promise<{ readonly free: string; readonly anchor: string }> {
  await pool.deploy('anchor', { replicas: 1, cpu: '1100m' });
  await pool.runs('anchor', 1, pool.cluster.timing.reaction);
  const [pod] = await pool.pods('anchor');
  const anchor = pod?.node ?? '';
  return { anchor, free: (await pool.nodes()).find(({ name }) => name !== anchor)?.name ?? '' };
}

/** Time enough for a node that is found unneeded now to be gone. */
function removed({ cluster: { timing } }: Pool): number {
  return timing.refresh + timing.recheck + timing.unneeded + timing.removal;
}

async function nodeNamed(pool: Pool, name: string): Promise<SeenNode | undefined> {
  return (await pool.nodes()).find((node) => node.name === name);
}

/** The node goes, and the smallest number of Ready pods of a Deployment that was seen meanwhile. */
async function leastReadyUntilGone(
  pool: Pool,
  { node, app, namespace }: { node: string; app: string; namespace?: string },
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  await pool.comes(
    `node ${node} goes`,
    async () => {
      least = Math.min(least, (await pool.pods(app, namespace)).filter(({ ready, going }) => ready && !going).length);
      return (await nodeNamed(pool, node)) === undefined;
    },
    removed(pool),
  );
  return least;
}

/** What keeps nodes, and how they go; the rows of upstream's tests. */
export const shrinkRows: readonly NodesRow[] = [
  {
    id: 'unused',
    name: 'an unneeded node is marked softly, unmarked when it is needed again, and goes after its time',
    real: true,
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool) => {
      const { timing } = pool.cluster;
      const { free } = await anchored(pool);
      await pool.release();
      const marked = async (): Promise<boolean> => (await nodeNamed(pool, free))?.taints.includes(softTaint) === true;
      await pool.comes('the free node is marked', marked, timing.refresh + timing.reaction);
      // Preferred only: what fits nowhere else still comes.
      await pool.deploy('web', { replicas: 1, cpu: '1100m' });
      await pool.runs('web', 1, timing.reaction);
      expect((await pool.pods('web')).map(({ node }) => node)).toEqual([free]);
      await pool.comes('the mark goes', async () => !(await marked()), timing.reaction);
      await pool.stays('it is needed', () => pool.size() === 2, timing.unneeded + timing.quiet);
      const freed = pool.cluster.now();
      await pool.scale('web', 0);
      await pool.comes(
        'it is on its way out',
        async () => (await nodeNamed(pool, free))?.taints.includes(deletionTaint) === true,
        removed(pool),
      );
      expect((await nodeNamed(pool, free))?.unschedulable).toBe(true);
      await pool.comes('it goes', async () => (await nodeNamed(pool, free)) === undefined, timing.removal);
      expect(pool.size()).toBe(1);
      const [ended] = pool.terminations();
      expect(ended?.at).toBeGreaterThan(freed + timing.unneeded);
      expect(ended?.parameters).toMatchObject({ ShouldDecrementDesiredCapacity: 'true' });
      const events = (await pool.events(free)).map(({ reason, message }) => `${reason}: ${message}`);
      expect(events).toContain('ScaleDown: marked the node as toBeDeleted/unschedulable');
      await pool.runs('anchor', 1, timing.reaction);
    },
  },
  {
    id: 'guard',
    name: 'a PodDisruptionBudget that forbids keeps the node, explain names it; once it permits, the node is drained',
    real: true,
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool) => {
      const { client, timing } = pool.cluster;
      const { free } = await anchored(pool);
      await pool.budget('web', { minAvailable: 2 });
      await pool.policy({});
      await pool.place('web', free, { replicas: 2, cpu: '100m' });
      await pool.release();
      const kept = async (): Promise<string> => JSON.stringify((await pool.status()).groups?.[0]?.kept ?? []);
      await pool.comes(
        'the policy says what keeps it',
        async () => (await kept()).includes('NotEnoughPdb (web)'),
        timing.refresh + timing.recheck,
      );
      expect(await pool.cluster.explain(`node/${free}`)).toMatch(/because of pod \S+\/web-\S+: NotEnoughPdb \(PodDisruptionBudget web\)/u);
      await pool.stays(
        'it stays',
        async () => pool.size() === 2 && (await nodeNamed(pool, free))?.taints.length === 0,
        timing.unneeded + timing.quiet,
      );
      await client.patch(
        resourceTypes.podDisruptionBudgets,
        { namespace: pool.namespace, name: 'web' },
        { type: 'merge', body: { spec: { minAvailable: 0 } } },
      );
      await leastReadyUntilGone(pool, { node: free, app: 'web' });
      await pool.runs('web', 2, timing.reaction);
      expect(pool.size()).toBe(1);
    },
  },
  {
    id: 'file',
    name: 'pods under a budget of one are evicted one after the other',
    real: true,
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool) => {
      const { anchor, free } = await anchored(pool);
      await pool.budget('web', { maxUnavailable: 1 });
      await pool.place('web', free, { replicas: 3, cpu: '200m' });
      await pool.release();
      expect(await leastReadyUntilGone(pool, { node: free, app: 'web' })).toBeGreaterThanOrEqual(2);
      await pool.runs('web', 3, pool.cluster.timing.reaction);
      expect(new Set((await pool.pods('web')).map(({ node }) => node))).toEqual(new Set([anchor]));
      expect(pool.size()).toBe(1);
    },
  },
  {
    id: 'system',
    name: 'a pod of kube-system keeps its node without a budget, and is drained with one',
    real: true,
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool) => {
      const { timing } = pool.cluster;
      const namespace = 'kube-system';
      const { anchor, free } = await anchored(pool);
      await pool.policy({});
      await pool.place('system-dns', free, { replicas: 2, cpu: '100m', namespace });
      await pool.release();
      const kept = async (): Promise<string> => JSON.stringify((await pool.status()).groups?.[0]?.kept ?? []);
      await pool.comes(
        'the policy says what keeps it',
        async () => (await kept()).includes('UnmovableKubeSystemPod'),
        timing.refresh + timing.recheck,
      );
      expect(await pool.cluster.explain(`node/${free}`)).toMatch(/because of pod kube-system\/system-dns-\S+: UnmovableKubeSystemPod/u);
      await pool.stays('it stays', () => pool.size() === 2, timing.unneeded + timing.quiet);
      await pool.budget('system-dns', { maxUnavailable: 1 }, namespace);
      expect(await leastReadyUntilGone(pool, { node: free, app: 'system-dns', namespace })).toBeGreaterThanOrEqual(1);
      await pool.runs('system-dns', 2, timing.reaction, namespace);
      expect((await pool.pods('system-dns', namespace)).map(({ node }) => node)).toEqual([anchor, anchor]);
      expect(pool.size()).toBe(1);
    },
  },
  {
    id: 'grace',
    name: 'a drained pod gets the time that its terminationGracePeriod gives it, and its instance goes only then',
    real: true,
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool) => {
      const { free } = await anchored(pool);
      await pool.place('slow', free, { replicas: 1, cpu: '100m', graceSeconds: 40, annotations: { 'concertina.dev/sim-stop': '20s' } });
      await pool.release();
      const [old] = await pool.pods('slow');
      let askedAt: number | undefined;
      await pool.comes(
        'it has gone',
        async () => {
          const now = (await pool.pods('slow')).find(({ uid }) => uid === old?.uid);
          askedAt = now?.askedAt ?? askedAt;
          return now === undefined;
        },
        removed(pool),
      );
      await pool.comes('then the node goes', async () => (await nodeNamed(pool, free)) === undefined, pool.cluster.timing.removal);
      const [ended] = pool.terminations();
      expect(askedAt).toBeDefined();
      expect((ended?.at ?? 0) - (askedAt ?? Number.NaN)).toBeGreaterThanOrEqual(20_000);
      await pool.runs('slow', 1, pool.cluster.timing.reaction);
    },
  },
  {
    id: 'told',
    name: 'the status ConfigMap tells of every group in the form of upstream',
    real: true,
    groups: [{ min: 1, max: 3 }],
    run: async (pool) => {
      const { client, timing, programNamespace: namespace } = pool.cluster;
      const read = async (): Promise<UpstreamStatus> => {
        const map = await client.get(resourceTypes.configMaps, { namespace, name: 'cluster-autoscaler-status' });
        expect(map.metadata.annotations?.['cluster-autoscaler.kubernetes.io/last-updated']).toMatch(goTime);
        return parse((map['data'] as { readonly status: string }).status) as UpstreamStatus;
      };
      const ours = async (): Promise<UpstreamGroup | undefined> => (await read()).nodeGroups?.find(({ name }) => name === pool.id);
      await pool.deploy('web', { replicas: 2, cpu: '1100m' });
      await pool.comes('it says that it grows', async () => (await ours())?.scaleUp.status === 'InProgress', timing.reaction);
      await pool.runs('web', 2, timing.reaction + timing.boot);
      await pool.comes(
        'it says that it has grown',
        async () => (await ours())?.scaleUp.status === 'NoActivity',
        timing.refresh + timing.reaction,
      );
      const group = await ours();
      const times = {
        lastProbeTime: expect.stringMatching(rfc3339) as string,
        lastTransitionTime: expect.stringMatching(rfc3339) as string,
      };
      expect(group).toEqual({
        name: pool.id,
        health: {
          status: 'Healthy',
          ...times,
          nodeCounts: {
            registered: { total: 2, ready: 2, notStarted: 0, unready: { total: 0, resourceUnready: 0 } },
            longUnregistered: 0,
            unregistered: 0,
          },
          cloudProviderTarget: 2,
          minSize: 1,
          maxSize: 3,
        },
        scaleUp: { status: 'NoActivity', ...times, backoffInfo: {} },
        scaleDown: { status: 'NoCandidates', ...times },
      });
      const { time, autoscalerStatus, clusterWide } = await read();
      expect(time).toMatch(goTime);
      expect(autoscalerStatus).toBe('Running');
      expect(clusterWide).toMatchObject({ health: { status: 'Healthy', ...times }, scaleUp: times, scaleDown: times });
      // The pod of the new node goes: the first node is kept for the row, and is no candidate.
      const [newest] = (await pool.nodes()).toSorted((a, b) => (b.created ?? 0) - (a.created ?? 0));
      const going = (await pool.pods('web')).find(({ node }) => node === newest?.name);
      const body = { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-100' } } };
      await client.patch(resourceTypes.pods, { namespace: pool.namespace, name: going?.name ?? '' }, { type: 'merge', body });
      await pool.scale('web', 1);
      await pool.comes('it tells of a candidate', async () => (await ours())?.scaleDown.candidates === 1, timing.refresh + timing.reaction);
    },
  },
];

const goTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})? \+0000 UTC$/u;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/u;

interface UpstreamGroup {
  readonly name: string;
  readonly scaleUp: { readonly status: string };
  readonly scaleDown: { readonly status: string; readonly candidates?: number };
}

/** As far as it is looked at here. */
interface UpstreamStatus {
  readonly time: string;
  readonly autoscalerStatus: string;
  readonly clusterWide: object;
  readonly nodeGroups?: readonly UpstreamGroup[];
}
