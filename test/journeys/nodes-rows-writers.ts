import { expect } from 'vitest';
import { parse } from 'yaml';
import { resourceTypes } from '../../core/model/object.ts';
import { anchoredPair, deletionTaint, large, minute, nodeNamed, second, type OwnNodesRow } from './nodes-rows-own-support.ts';
import type { Pool } from './nodes-rows-support.ts';

/** A pod that takes a minute to end, on a node that is unneeded. Resolves when it was asked to go. */
async function drainBegun(pool: Pool, node: string): Promise<void> {
  await pool.place('slow', node, { replicas: 1, cpu: '100m', graceSeconds: 120, annotations: { 'concertina.dev/sim-stop': '60s' } });
  await pool.comes(
    'its pod is asked to go',
    async () => (await pool.pods('slow')).some(({ node: of, going }) => of === node && going),
    6 * minute,
  );
  expect((await nodeNamed(pool, node))?.taints).toContain(deletionTaint);
}

/** Who writes, what is written, and what is not. */
export const writerRows: readonly OwnNodesRow[] = [
  {
    id: 'stopped',
    name: 'a copy that is stopped in the middle of a drain takes taint and cordon back; the next one ends what it began',
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool, cluster) => {
      const { free } = await anchoredPair(pool);
      await drainBegun(pool, free.name);
      await cluster.controller().stop();
      expect(await nodeNamed(pool, free.name)).toMatchObject({ unschedulable: false });
      expect((await nodeNamed(pool, free.name))?.taints).not.toContain(deletionTaint);
      expect(pool.terminations()).toEqual([]);
      await cluster.startAnother();
      await pool.comes('it goes', async () => (await nodeNamed(pool, free.name)) === undefined, 10 * minute);
      expect(pool.terminations()).toHaveLength(1);
      await pool.runs('slow', 1, minute);
    },
  },
  {
    id: 'cut',
    name: 'a leader that is cut off in the middle of a drain gives no instance back, though its cloud answers; the next one cleans up',
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool, cluster) => {
      const { embedded } = cluster;
      const first = cluster.controller();
      const { free } = await anchoredPair(pool);
      const second_ = await cluster.startAnother();
      await drainBegun(pool, free.name);
      const match = { userAgent: new RegExp(`\\(${first.identity}\\)`, 'u') };
      embedded.api.faults.add({ match, fault: { kind: 'drop' } });
      embedded.api.faults.add({ match, fault: { kind: 'watch-stall' } });
      const cutAt = cluster.now();
      await pool.comes('the other copy leads', async () => second_.isLeader() && !first.isLeader(), minute);
      await pool.comes(
        'the taint is taken back',
        async () => {
          const node = await nodeNamed(pool, free.name);
          return node !== undefined && !node.taints.includes(deletionTaint) && !node.unschedulable;
        },
        minute,
      );
      expect(pool.terminations()).toEqual([]);
      await pool.comes('it goes', async () => (await nodeNamed(pool, free.name)) === undefined, 10 * minute);
      expect(pool.terminations()).toHaveLength(1);
      const of = (identity: string): readonly number[] =>
        cluster
          .writes()
          .filter(({ userAgent, code }) => code < 300 && userAgent.includes(`(${identity})`))
          .map(({ time }) => time);
      expect(Math.max(...of(first.identity))).toBeLessThanOrEqual(cutAt);
      expect(Math.min(...of(second_.identity))).toBeGreaterThan(cutAt);
    },
  },
  {
    id: 'dry',
    name: 'a dry run decides, and writes nothing: neither to the API server nor to the cloud',
    groups: [
      { name: 'a', max: 3, desired: 1 },
      { name: 'b', max: 3, tags: { 'k8s.io/cluster-autoscaler/node-template/label/part': 'b' } },
    ],
    settings: { dryRun: true },
    run: async (pool, cluster) => {
      await pool.policy({}, { group: 'b' });
      await pool.deploy('web', { replicas: 2, cpu: large, spec: { nodeSelector: { pool: pool.id, part: 'b' } } });
      await cluster.clock.advance(8 * minute);
      const { decisions } = cluster.controller();
      expect(new Set(decisions.map(({ target, reason }) => `${target.name} ${reason}`))).toEqual(
        new Set([`${pool.group('a')} ScaleDownHeld`, `${pool.group('b')} NotTriggerScaleUp`, `${pool.group('a')} NotTriggerScaleUp`]),
      );
      for (const { holds, from, to } of decisions)
        expect([from, holds.map(({ by }) => by)]).toEqual([to, expect.arrayContaining(['dry-run'])]);
      expect(cluster.writes()).toEqual([]);
      expect(new Set(cluster.aws.calls().map(({ action }) => action.replace(/^Describe.*/u, 'Describe')))).toEqual(new Set(['Describe']));
      expect(await pool.status()).toEqual({});
    },
  },
  {
    id: 'rival',
    name: 'while another cluster autoscaler holds its Lease nothing is done; when it is gone it goes on',
    groups: [{ max: 3 }],
    run: async (pool, { client, clock }) => {
      const key = { namespace: 'kube-system', name: 'cluster-autoscaler' };
      const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
      await client.create(resourceTypes.leases, {
        metadata: key,
        spec: { holderIdentity: 'other', leaseDurationSeconds: 3_600, renewTime, acquireTime: renewTime },
      });
      await pool.policy({});
      await pool.comes('it is seen', async () => (await pool.condition('Held')) === 'True/Conflict', 2 * minute);
      await pool.deploy('web', { replicas: 1 });
      await pool.stays('nothing grows', () => pool.size() === 0, 2 * minute);
      await client.delete(resourceTypes.leases, key);
      await pool.runs('web', 1, 4 * minute);
    },
  },
  {
    id: 'figures',
    name: 'metrics under the names of upstream count what was done',
    groups: [{ min: 1, max: 3 }],
    settings: { emitPerNodegroupMetrics: true },
    run: async (pool, cluster) => {
      await pool.policy({});
      await pool.deploy('web', { replicas: 2, cpu: large });
      await pool.runs('web', 2, 4 * minute);
      await pool.scale('web', 1);
      await pool.comes('one goes', () => pool.size() === 1, 8 * minute);
      await cluster.clock.advance(minute);
      const text = await cluster.controller().metrics();
      const names = new Set([...text.matchAll(/^# TYPE cluster_autoscaler_(\S+) /gmu)].map(([, name]) => name));
      expect([...upstreamMetrics].filter((name) => !names.has(name))).toEqual([]);
      const value = (name: string): number => {
        const lines = text.split('\n').filter((line) => line.startsWith(`cluster_autoscaler_${name}`));
        return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
      };
      expect(value('scaled_up_nodes_total')).toBe(1);
      expect(value('scaled_down_nodes_total{reason="empty"')).toBe(1);
      expect(value('cluster_safe_to_autoscale')).toBe(1);
      expect(value('nodes_count{state="ready"')).toBe(1);
      expect(value('node_groups_count{')).toBe(1);
      expect(value(`node_group_target_count{node_group="${pool.id}"`)).toBe(1);
      expect(value('errors_total')).toBe(0);
      expect(value('aws_request_duration_seconds_count{endpoint="SetDesiredCapacity"')).toBe(1);
    },
  },
  {
    id: 'fresh',
    name: 'the status ConfigMap says Initializing before the first loop',
    groups: [{ min: 1, max: 3 }],
    run: async (pool, cluster) => {
      const { client, aws, programNamespace: namespace } = cluster;
      const status = async (): Promise<{ readonly autoscalerStatus?: string }> => {
        const map = await client.get(resourceTypes.configMaps, { namespace, name: 'cluster-autoscaler-status' });
        return parse((map['data'] as { readonly status: string }).status) as { readonly autoscalerStatus?: string };
      };
      await pool.comes('it runs', async () => (await status()).autoscalerStatus === 'Running', minute);
      // The next copy cannot read its groups, so that its first loop does not end.
      aws.faults.add({ actions: ['DescribeAutoScalingGroups'], answer: { kind: 'throttle' } });
      await cluster.restart();
      await pool.comes('it begins', async () => (await status()).autoscalerStatus === 'Initializing', minute);
      await cluster.clock.advance(30 * second);
      expect((await status()).autoscalerStatus).toBe('Initializing');
      aws.faults.clear();
      await pool.comes('it runs again', async () => (await status()).autoscalerStatus === 'Running', 2 * minute);
    },
  },
];

/** Of upstream's metrics those that this program has something to say of. */
const upstreamMetrics: ReadonlySet<string> = new Set([
  'cluster_safe_to_autoscale',
  'nodes_count',
  'node_groups_count',
  'unschedulable_pods_count',
  'max_nodes_count',
  'cluster_cpu_current_cores',
  'cpu_limits_cores',
  'cluster_memory_current_bytes',
  'memory_limits_bytes',
  'last_activity',
  'function_duration_seconds',
  'function_duration_quantile_seconds',
  'errors_total',
  'scaled_up_nodes_total',
  'scaled_down_nodes_total',
  'failed_scale_ups_total',
  'failed_node_creations_total',
  'evicted_pods_total',
  'unneeded_nodes_count',
  'unremovable_nodes_count',
  'scale_down_in_cooldown',
  'old_unregistered_nodes_removed_count',
  'pending_node_deletions',
  'node_group_min_count',
  'node_group_max_count',
  'node_group_target_count',
  'node_group_healthiness',
  'node_group_backoff_status',
  'aws_request_duration_seconds',
]);
