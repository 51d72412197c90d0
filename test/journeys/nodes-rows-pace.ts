import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { setCpuLoad } from './cpu-load.ts';
import type { Pool } from './nodes-rows-support.ts';
import type { VirtualNodesCluster } from './nodes-virtual.ts';
import { anchoredPair, large, minute, nodeNamed, second, type OwnNodesRow } from './nodes-rows-own-support.ts';

/** A loop comes every ten seconds at the latest. */
const loop = 12 * second;

function muteRow(mode: 'DryRun' | 'Paused'): OwnNodesRow {
  return {
    id: `mute${mode.toLowerCase()}`,
    name: `no node is bought for pods that a HorizontalPolicy of mode ${mode} does not make`,
    groups: [{ min: 1, max: 8 }],
    run: async (pool, cluster) => {
      const web = await scaled(pool, cluster, { mode });
      await web.load(12);
      await pool.stays('nothing grows', () => pool.size() === 1, 4 * minute);
      expect(await pool.pods('web')).toHaveLength(4);
    },
  };
}

/** How long things take: unneeded times, cooldowns, and what of them outlives a restart. */
export const paceRows: readonly OwnNodesRow[] = [
  {
    id: 'unneeded',
    name: 'a node goes after ten minutes of not being needed, not before, and one that was needed meanwhile waits anew',
    groups: [{ min: 1, max: 4, desired: 2 }],
    settings: { scaleDown: { unneededTime: '10m' } },
    run: async (pool, cluster) => {
      const { free } = await anchoredPair(pool);
      await cluster.clock.advance(6 * minute);
      await pool.deploy('web', { replicas: 1, cpu: large });
      await pool.runs('web', 1, minute);
      await cluster.clock.advance(2 * minute);
      const freedAt = cluster.now();
      await pool.scale('web', 0);
      await pool.comes('it goes', () => pool.terminations().length > 0, 15 * minute);
      const [ended] = pool.terminations();
      const after = (ended?.at ?? 0) - freedAt;
      expect(after).toBeGreaterThanOrEqual(10 * minute);
      // A loop until it is seen, a loop until it is due, and five seconds for the scheduler to see the taint.
      expect(after).toBeLessThanOrEqual(10 * minute + 2 * loop + 10 * second);
      await pool.comes('its Node, too', async () => (await nodeNamed(pool, free.name)) === undefined, 2 * minute);
    },
  },
  {
    id: 'cooldown',
    name: 'cooldowns of a group: 3 minutes between scale-ups, 5 from any scaling to a removal; other groups do not wait',
    groups: [
      { name: 'a', max: 8, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'a' } },
      { name: 'b', max: 8, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'b' } },
    ],
    settings: { scaleDown: { unneededTime: '1m' } },
    run: async (pool) => {
      const onto = (part: string) => ({ cpu: large, spec: { nodeSelector: { pool: pool.id, part } } });
      await pool.deploy('web', { replicas: 2, ...onto('a') });
      await pool.comes('a grows', () => pool.size('a') === 2, minute);
      await pool.scale('web', 3);
      await pool.deploy('other', { replicas: 1, ...onto('b') });
      await pool.comes('b grows meanwhile', () => pool.size('b') === 1, minute);
      expect(pool.size('a')).toBe(2);
      await pool.runs('web', 3, 6 * minute);
      const ups = pool.sizeCalls('a').map(({ at }) => at);
      expect(ups).toHaveLength(2);
      const [first = 0, last = 0] = ups;
      expect(last - first).toBeGreaterThanOrEqual(3 * minute);
      expect(last - first).toBeLessThanOrEqual(3 * minute + loop);

      await pool.scale('web', 2);
      await pool.comes('one goes', () => pool.size('a') === 2, 8 * minute);
      await pool.scale('web', 1);
      await pool.comes('another one goes', () => pool.size('a') === 1, 8 * minute);
      const downs = pool.terminations().map(({ at }) => at);
      expect(downs).toHaveLength(2);
      const [one = 0, two = 0] = downs;
      expect(one - last).toBeGreaterThanOrEqual(5 * minute);
      expect(one - last).toBeLessThanOrEqual(5 * minute + 2 * loop);
      expect(two - one).toBeGreaterThanOrEqual(5 * minute - 10 * second);
      expect(two - one).toBeLessThanOrEqual(5 * minute + 2 * loop);
    },
  },
  {
    id: 'resumed',
    name: 'a restart keeps since when a node is unneeded',
    groups: [{ min: 1, max: 4, desired: 2 }],
    settings: { scaleDown: { unneededTime: '10m' } },
    run: async (pool, cluster) => {
      await pool.policy({});
      await anchoredPair(pool);
      const since = async (): Promise<string | undefined> => (await pool.status()).groups?.[0]?.unneeded?.[0]?.since;
      await pool.comes('one is unneeded', async () => (await since()) !== undefined, 2 * minute);
      const before = await since();
      await cluster.clock.advance(5 * minute);
      await cluster.restart(30 * second);
      await pool.comes('it goes', () => pool.terminations().length > 0, 12 * minute);
      const after = (pool.terminations()[0]?.at ?? 0) - Date.parse(before ?? '');
      expect(after).toBeGreaterThanOrEqual(10 * minute);
      expect(after).toBeLessThanOrEqual(10 * minute + 2 * loop + 10 * second);
    },
  },
  {
    id: 'rested',
    name: 'a restart keeps the cooldown of a group, with a policy and without',
    groups: [
      { name: 'a', max: 8, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'a' } },
      { name: 'b', max: 8, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'b' } },
    ],
    run: async (pool, cluster) => {
      const { client } = cluster;
      await client.create(resourceTypes.nodePoolPolicies, {
        metadata: { name: 'rested-a' },
        spec: { groups: [{ name: pool.group('a') }] },
      });
      const parts = ['a', 'b'] as const;
      for (const part of parts) await pool.deploy(part, { replicas: 1, cpu: large, spec: { nodeSelector: { pool: pool.id, part } } });
      await pool.comes('both grow', () => parts.every((part) => pool.size(part) === 1), minute);
      await cluster.restart();
      for (const part of parts) await pool.scale(part, 2);
      await pool.comes('both grow again', () => parts.every((part) => pool.size(part) === 2), 6 * minute);
      for (const part of parts) {
        const [first, last] = pool.sizeCalls(part);
        const between = (last?.at ?? 0) - (first?.at ?? 0);
        expect(between, part).toBeGreaterThanOrEqual(3 * minute);
        expect(between, part).toBeLessThanOrEqual(3 * minute + 2 * loop);
      }
    },
  },
  {
    id: 'ahead',
    name: 'nodes are bought for the pods that a HorizontalPolicy will make when its cooldown is over: none of them ever waits',
    groups: [{ min: 1, max: 8 }],
    run: async (pool, cluster) => {
      const web = await scaled(pool, cluster);
      let waited = false;
      const replicas = async (): Promise<number> => {
        const pods = await pool.pods('web');
        waited ||= pods.some(({ unschedulable }) => unschedulable);
        return pods.length;
      };
      await web.load(6);
      await pool.comes('it grows, as far as the node has room', async () => (await replicas()) > 4, 2 * minute);
      const first = await replicas();
      await web.load(12);
      await pool.comes('a node is bought meanwhile', async () => (await replicas()) === first && pool.size() === 2, 2 * minute);
      await pool.comes('all pods come', async () => (await replicas()) === 12, 8 * minute);
      await pool.runs('web', 12, minute);
      expect(waited).toBe(false);
      expect(pool.sizes()).toEqual([2]);
    },
  },
  muteRow('DryRun'),
  muteRow('Paused'),
];

/** A Deployment of four pods, six of which fill the one node, with a HorizontalPolicy by their CPU. */
async function scaled(
  pool: Pool,
  cluster: VirtualNodesCluster,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<{ load(replicas: number): Promise<void> }> {
  const { client, embedded } = cluster;
  const half = 150;
  await pool.deploy('web', { replicas: 4, cpu: `${2 * half}m` });
  await pool.runs('web', 4, minute);
  setCpuLoad(embedded.workload, { namespace: pool.namespace, milli: 4 * half });
  await cluster.clock.advance(minute);
  await client.create(resourceTypes.horizontalPolicies, {
    metadata: { name: 'web', namespace: pool.namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 4,
      maxReplicas: 12,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      ...spec,
    },
  });
  await cluster.clock.advance(minute);
  expect(pool.size()).toBe(1);
  return {
    // As much as so many pods bear at their target.
    load: async (replicas) => setCpuLoad(embedded.workload, { namespace: pool.namespace, milli: replicas * half }),
  };
}
