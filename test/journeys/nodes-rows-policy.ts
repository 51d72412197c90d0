import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { deletionTaint, large, minute, nodeNamed, second, toldOf, type OwnNodesRow } from './nodes-rows-own-support.ts';

function idleModeRow(mode: 'Paused' | 'DryRun'): OwnNodesRow {
  return {
    id: mode.toLowerCase(),
    name: `mode ${mode}: the group is left alone and its status says so, both ways; Auto goes on`,
    groups: [{ max: 4, desired: 1 }],
    run: async (pool) => {
      await pool.policy({ mode });
      await pool.deploy('web', { replicas: 3, cpu: large });
      await pool.comes('it is held', async () => (await pool.condition('Held')) === `True/${mode}`, minute);
      await pool.stays('nothing grows', () => pool.size() === 1, 2 * minute);
      expect(await toldOf(pool, 'web', 'TriggeredScaleUp')).toEqual([]);
      await pool.patchPolicy({ mode: 'Auto' });
      await pool.runs('web', 3, 3 * minute);
      await pool.patchPolicy({ mode });
      await pool.scale('web', 1);
      const unneeded = async (): Promise<number> => (await pool.status()).unneededNodes ?? 0;
      await pool.comes('two are not needed', async () => (await unneeded()) === 2, 2 * minute);
      await pool.stays('nothing shrinks', () => pool.size() === 3, 4 * minute);
      await pool.patchPolicy({ mode: 'Auto' });
      await pool.comes('they go', () => pool.size() === 1, 5 * minute);
      expect(await pool.condition('Held')).toBe('False/NotHeld');
    },
  };
}

/** What policies say. */
export const policyRows: readonly OwnNodesRow[] = [
  {
    id: 'bounds',
    name: 'minSize and maxSize of a policy hold; without it those of the group do',
    groups: [{ max: 4 }],
    run: async (pool, cluster) => {
      await pool.policy({ minSize: 2, maxSize: 3 });
      await pool.comes('it is raised to its minimum', () => pool.size() === 2, minute);
      await pool.ready(2, 2 * minute);
      await pool.stays('unneeded ones stay there', () => pool.size() === 2, 5 * minute);
      await pool.deploy('web', { replicas: 5, cpu: large });
      await pool.comes('it grows', () => pool.size() === 3, minute);
      await pool.stays('not beyond its maximum', () => pool.size() === 3, 3 * minute);
      expect(await pool.status()).toMatchObject({ nodes: 3, minNodes: 2, maxNodes: 3 });
      expect(await toldOf(pool, 'web', 'NotTriggerScaleUp')).toContain("pod didn't trigger scale-up: 1 max node group size reached");
      await pool.deletePolicy();
      await pool.comes('the group has its own maximum again', () => pool.size() === 4, 4 * minute);
      await pool.scale('web', 0);
      await pool.comes('and its own minimum', () => pool.size() === 0, 12 * minute);
      expect(cluster.controller().log.filter(({ level }) => level === 'error')).toEqual([]);
    },
  },
  {
    id: 'rank',
    name: 'priorities of policies choose with --expander=priority, whatever is wasted',
    groups: [
      { name: 'a', max: 3 },
      { name: 'b', max: 3, type: 'm5.4xlarge' },
    ],
    settings: { expander: ['priority'] },
    run: async (pool) => {
      await pool.policy({ priority: 10 }, { name: 'rank-a', group: 'a' });
      await pool.policy({ priority: 50 }, { name: 'rank-b', group: 'b' });
      await pool.deploy('web', { replicas: 1 });
      await pool.runs('web', 1, 3 * minute);
      expect([pool.size('a'), pool.size('b')]).toEqual([0, 1]);
    },
  },
  idleModeRow('Paused'),
  idleModeRow('DryRun'),
  {
    id: 'clasp',
    name: 'two policies on one group hold it, both say so; one less and it goes on',
    groups: [
      { name: 'a', max: 4 },
      { name: 'b', max: 4, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'b' } },
    ],
    run: async (pool) => {
      const { client } = pool.cluster;
      await pool.policy({}, { name: 'clasp-one', group: 'a' });
      await client.create(resourceTypes.nodePoolPolicies, { metadata: { name: 'clasp-two' }, spec: { groups: [{ pattern: 'clasp-*' }] } });
      await pool.deploy('web', { replicas: 1, spec: { nodeSelector: { pool: pool.id } } });
      await pool.deploy('other', { replicas: 1, spec: { nodeSelector: { pool: pool.id, part: 'b' } } });
      for (const name of ['clasp-one', 'clasp-two']) {
        await pool.comes(`${name} says so`, async () => (await pool.condition('Held', name)) === 'True/Conflict', minute);
      }
      // The other group has one policy.
      await pool.runs('other', 1, 3 * minute);
      await pool.stays('it is left alone', () => pool.size('a') === 0, minute);
      await pool.deletePolicy('clasp-two');
      await pool.deploy('late', { replicas: 2, cpu: large });
      await pool.runs('late', 2, 4 * minute);
      expect(pool.size('a')).toBeGreaterThanOrEqual(1);
      expect(await pool.condition('Held', 'clasp-one')).toBe('False/NotHeld');
    },
  },
  {
    id: 'vanish',
    name: 'a policy that is deleted while nodes come and while one goes: both end well',
    groups: [{ max: 6 }],
    run: async (pool, cluster) => {
      await pool.policy({ maxSize: 2 });
      await pool.deploy('web', { replicas: 3, cpu: large });
      await pool.comes('nodes are asked for', () => pool.size() === 2, minute);
      await pool.deletePolicy();
      await pool.runs('web', 3, 8 * minute);
      expect(pool.size()).toBe(3);

      await pool.policy({});
      await pool.scale('web', 1);
      const [kept] = await pool.pods('web');
      const free = (await pool.nodes()).find(({ name }) => name !== kept?.node)?.name ?? '';
      await pool.place('slow', free, { replicas: 1, cpu: '100m', graceSeconds: 90, annotations: { 'concertina.dev/sim-stop': '60s' } });
      await pool.comes(
        'its pod is asked to go',
        async () => (await pool.pods('slow')).some(({ node, going }) => node === free && going),
        12 * minute,
      );
      await pool.deletePolicy();
      await pool.comes('it goes', async () => (await nodeNamed(pool, free)) === undefined, 4 * minute);
      await pool.runs('slow', 1, minute);
      await pool.comes('one is enough', () => pool.size() === 1, 12 * minute);
      const troubles = cluster
        .controller()
        .log.filter(({ level, fields }) => level !== 'info' && level !== 'debug' && fields['component'] === 'cluster-autoscaler');
      expect(troubles).toEqual([]);
    },
  },
  {
    id: 'sparing',
    name: 'a disruption budget: no more nodes at once than it says, none while it says 0',
    groups: [{ max: 6, desired: 4 }],
    run: async (pool) => {
      await pool.policy({ disruption: { maxNodes: 0 } });
      const kept = async (): Promise<string> => JSON.stringify((await pool.status()).groups?.[0]?.kept ?? []);
      await pool.comes('it says so', async () => (await kept()).includes('NodeGroupMaxDeletionCountReached'), 2 * minute);
      await pool.stays('none goes', () => pool.size() === 4, 4 * minute);
      let most = 0;
      await pool.patchPolicy({ disruption: { maxNodes: 1 } });
      await pool.comes(
        'all go',
        async () => {
          // One whose instance was given back is on its way out for good.
          const kept = new Set(pool.instances().map(({ id }) => id));
          most = Math.max(
            most,
            (await pool.nodes()).filter(({ taints, instance }) => taints.includes(deletionTaint) && kept.has(instance)).length,
          );
          return pool.size() === 0;
        },
        // Two minutes until the first one is due, and then as long as each takes to go.
        2 * minute + 4 * minute,
      );
      expect(most).toBe(1);
    },
  },
  {
    id: 'keeps',
    name: 'what keeps a node: its status tells the rule and the pod',
    groups: [{ min: 1, max: 8, desired: 5 }],
    run: async (pool) => {
      const { client } = pool.cluster;
      await pool.policy({});
      const [bare = '', pinned = '', local = '', marked = ''] = (await pool.nodes()).map(({ name }) => name);
      await client.create(resourceTypes.pods, {
        metadata: { name: 'bare', namespace: pool.namespace },
        spec: { nodeName: bare, containers: [{ name: 'main', image: 'main:1', resources: { requests: { cpu: '100m' } } }] },
      });
      await pool.place('pinned', pinned, {
        replicas: 1,
        cpu: '100m',
        annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
      });
      await pool.place('local', local, {
        replicas: 1,
        cpu: '100m',
        spec: { nodeSelector: { pool: pool.id }, volumes: [{ name: 'scratch', emptyDir: {} }] },
      });
      await client.patch(
        resourceTypes.nodes,
        { name: marked },
        { type: 'merge', body: { metadata: { annotations: { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true' } } } },
      );
      await pool.comes('the one that nothing keeps goes', () => pool.size() === 4, 5 * minute);
      await pool.stays('the others stay', () => pool.size() === 4, 5 * minute);
      expect((await pool.status()).groups?.[0]?.kept).toEqual([
        {
          reason: 'BlockedByPod',
          nodes: 3,
          example: expect.stringMatching(/NotReplicated|NotSafeToEvictAnnotation|LocalStorageRequested/u) as string,
        },
        { reason: 'ScaleDownDisabledAnnotation', nodes: 1, example: expect.stringContaining(marked) as string },
      ]);
      const reasons = { [bare]: 'NotReplicated', [pinned]: 'NotSafeToEvictAnnotation', [local]: 'LocalStorageRequested' };
      for (const [node, reason] of Object.entries(reasons)) expect(await pool.cluster.explain(`node/${node}`)).toContain(reason);
    },
  },
  {
    id: 'health',
    name: 'unready nodes below the threshold stop nothing; above it nothing is scaled, and it goes on when they are back',
    groups: [
      { name: 'a', max: 12, desired: 8 },
      { name: 'b', max: 4, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'b' } },
    ],
    // The nodes are no longer new.
    settings: { maxNodeStartupTime: '30s' },
    run: async (pool, { fleet }) => {
      await pool.policy({ minSize: 8 }, { name: 'health-a', group: 'a' });
      await pool.policy({}, { name: 'health-b', group: 'b' });
      const names = (await pool.nodes()).map(({ name }) => name);
      const unready = async (): Promise<number> => (await pool.nodes()).filter(({ ready }) => !ready).length;
      const spec = { nodeSelector: { pool: pool.id, part: 'b' } };
      for (const name of names.slice(0, 3)) fleet.failNode(name);
      await pool.comes('three are not ready', async () => (await unready()) === 3, 2 * minute);
      await pool.deploy('web', { replicas: 1, cpu: large, spec });
      await pool.runs('web', 1, 3 * minute);

      for (const name of names.slice(3, 6)) fleet.failNode(name);
      await pool.comes('six are not ready', async () => (await unready()) === 6, 2 * minute);
      await pool.scale('web', 2);
      await pool.comes(
        'the policies say so',
        async () => (await pool.condition('Healthy', 'health-b')) === 'False/ClusterUnhealthy',
        minute,
      );
      await pool.stays('nothing grows', () => pool.size('b') === 1, 3 * minute);
      expect((await pool.events()).map(({ reason }) => reason)).toContain('ClusterUnhealthy');
      for (const name of names.slice(0, 6)) fleet.recoverNode(name);
      await pool.runs('web', 2, 4 * minute);
      expect(await pool.condition('Healthy', 'health-b')).toBe('True/Healthy');
      await pool.stays('nothing was removed', () => pool.size('a') === 8, 30 * second);
      expect(pool.terminations()).toEqual([]);
    },
  },
];
