import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createInterner, projectNode } from '../../core/model/index.ts';
import { defaultLoopOptions } from '../engine/loop/index.ts';
import type { LoopInput } from '../engine/model.ts';
import { counts, groupReport, loopReport, nodeReport } from './loop-report.fixture.ts';
import { createNodesMetrics, type LoopFigures } from './metrics.ts';

const interner = createInterner();
const nodes = ['a', 'b'].map((name) => projectNode({ metadata: { name }, status: { capacity: { cpu: '4', memory: '16Gi' } } }, interner));

function figures(report: LoopFigures['report'], running: LoopFigures['running'] = []): LoopFigures {
  return {
    input: { nodes, groups: [] } as unknown as LoopInput,
    report,
    options: { ...defaultLoopOptions, maxNodesTotal: 50, cores: { min: 1, max: 90 } },
    running,
  };
}

/** Value of a series as Prometheus reads it; `undefined`: there is none. */
async function valueOf(registry: Registry, series: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`cluster_autoscaler_${series} `));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

describe('createNodesMetrics', () => {
  it('tells what a loop has found under the names of upstream', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: false });
    const report = loopReport(0, {
      counts: counts({ ready: 5, unready: 1, longUnregistered: 2 }),
      groups: [groupReport('a'), groupReport('b')],
      nodes: [
        nodeReport('n1', { unneededSince: 1, unremovable: 'NotUnneededLongEnough' }),
        nodeReport('n2', { unremovable: 'BlockedByPod' }),
      ],
      scaleDownInCooldown: true,
    });
    metrics.observeLoop(figures(report, [{ node: 'x', group: 'a', kind: 'empty', since: 0 }]));
    const expected = {
      cluster_safe_to_autoscale: 1,
      'nodes_count{state="ready"}': 5,
      'nodes_count{state="longUnregistered"}': 2,
      'node_groups_count{node_group_type="autoscaled"}': 2,
      max_nodes_count: 50,
      cluster_cpu_current_cores: 8,
      cluster_memory_current_bytes: 32 * 2 ** 30,
      'cpu_limits_cores{direction="maximum"}': 90,
      pending_node_deletions: 1,
      unneeded_nodes_count: 1,
      'unremovable_nodes_count{reason="BlockedByPod"}': 1,
      scale_down_in_cooldown: 1,
    };
    for (const [series, value] of Object.entries(expected)) expect(await valueOf(registry, series), series).toBe(value);
    metrics.observeLoop(figures(loopReport(1)));
    expect(await valueOf(registry, 'unremovable_nodes_count{reason="BlockedByPod"}')).toBeUndefined();
  });

  it('tells of taints, of what was not looked at, and of controllers whose pods are all different', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: false });
    const tainted = (name: string, ...keys: string[]) =>
      projectNode({ metadata: { name }, spec: { taints: keys.map((key) => ({ key, effect: 'NoSchedule' })) }, status: {} }, interner);
    const seen = (at: number, list: readonly LoopInput['nodes'][number][], some: Partial<LoopFigures['report']['measures']>): void => {
      const { measures } = loopReport(at);
      const made = figures(loopReport(at, { counts: counts({ suspended: 3 }), measures: { ...measures, ...some } }));
      metrics.observeLoop({
        ...made,
        input: { nodes: list, groups: [] } as unknown as LoopInput,
        options: { ...made.options, statusTaints: ['own'] },
      });
    };
    seen(0, [], { skippedNodes: ['a'], overflowingControllers: 2, podsNotTried: 4 });
    const old = 'ignore-taint.cluster-autoscaler.kubernetes.io/';
    const list = [tainted('a', 'node.kubernetes.io/not-ready', 'x', 'y', 'own'), tainted('b', `${old}x`, 'node.kubernetes.io/not-ready')];
    seen(30_000, list, { skippedNodes: ['a'], overflowingControllers: undefined, podsNotTried: undefined });
    const expected = {
      overflowing_controllers_count: 2,
      'skipped_pods_count{requestor="filter-out-pod-list-processor"}': 4,
      max_node_skip_eval_duration_seconds: 30,
      'node_taints_count{type="node.kubernetes.io/not-ready"}': 2,
      'node_taints_count{type="other"}': 2,
      'node_taints_count{type="status-taint"}': 1,
      [`node_taints_count{type="${old}"}`]: 1,
      'nodes_count{state="suspended"}': 3,
      'node_groups_count{node_group_type="autoprovisioned"}': 0,
    };
    for (const [series, value] of Object.entries(expected)) expect(await valueOf(registry, series), series).toBe(value);
    seen(40_000, [], { skippedNodes: undefined });
    expect(await valueOf(registry, 'node_taints_count{type="other"}')).toBeUndefined();
    expect(await valueOf(registry, 'max_node_skip_eval_duration_seconds')).toBe(30);
  });

  it('counts what limits kept from being done, estimations by node and namespaces, and the time that nodes wait to go', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: false });
    const skipped = (direction: string, reason: string) => `skipped_scale_events_count{direction="${direction}",reason="${reason}"}`;
    for (const direction of ['up', 'down']) expect(await valueOf(registry, skipped(direction, 'MemoryResourceLimit'))).toBe(0);
    const estimate = { instanceType: 'm5.large', cpu: 2000, podGroups: 3, namespaces: 2 };
    const report = loopReport(100_000, {
      nodes: [nodeReport('n', { unneededSince: 0, waitMs: 60_000, unremovable: 'MinimalResourceLimitExceeded' })],
      measures: {
        ...loopReport(0).measures,
        limited: [
          { direction: 'up', resource: 'cpu' },
          { direction: 'up', resource: 'cpu' },
          { direction: 'down', resource: 'memory' },
          { direction: 'up', resource: 'nvidia-tesla-t4' },
        ],
        estimates: [estimate, { ...estimate, podGroups: 40 }, { instanceType: '', cpu: 3920, podGroups: 1, namespaces: 7 }],
      },
    });
    metrics.observeLoop(figures(report));
    metrics.observeLoop(figures(loopReport(101_000)));
    const heterogeneity = (part: string, labels: string) => `binpacking_heterogeneity_${part}{${labels}}`;
    const large = 'instance_type="m5.large",cpu_count="2",namespace_count="2"';
    const expected = {
      [skipped('up', 'CpuResourceLimit')]: 2,
      [skipped('up', 'MemoryResourceLimit')]: 0,
      [skipped('down', 'MemoryResourceLimit')]: 1,
      [heterogeneity('count', large)]: 2,
      [heterogeneity('bucket', `le="4",${large}`)]: 1,
      [heterogeneity('bucket', `le="32",${large}`)]: 1,
      [heterogeneity('sum', 'instance_type="",cpu_count="3920m",namespace_count="6-10"')]: 1,
      'node_removal_latency_seconds_sum{deleted="false",delay_reason="MinimalResourceLimitExceeded"}': 41,
    };
    for (const [series, value] of Object.entries(expected)) expect(await valueOf(registry, series), series).toBe(value);
    const text = await registry.metrics();
    expect(text.match(/^cluster_autoscaler_node_removal_latency_seconds_bucket/gm)).toHaveLength(20);
    for (const name of ['created_node_groups_total', 'deleted_node_groups_total'])
      expect(text.match(new RegExp(`^cluster_autoscaler_${name}.*|^# TYPE cluster_autoscaler_${name} counter$`, 'gm'))).toHaveLength(1);
  });

  it('counts a failed scale-up once, however long its backoff is seen', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: false });
    const backoff = (until: number) => ({ until, failure: { class: 'out-of-resources' as const, code: 'NoCapacity', message: '' } });
    for (const until of [10, 10, 10, 99])
      metrics.observeLoop(figures(loopReport(0, { groups: [groupReport('a', { backoff: backoff(until) })] })));
    expect(await valueOf(registry, 'failed_scale_ups_total{reason="NoCapacity",gpu_resource_name="",gpu_name="",dra_drivers=""}')).toBe(2);
  });

  it('counts nodes with GPUs by their GPU, and under their old names', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: false });
    const gpus = { gpu_resource_name: 'nvidia.com/gpu', gpu_name: 'nvidia-tesla-t4' };
    metrics.scaledUp(2, gpus);
    metrics.scaledUp(1);
    metrics.scaledDown('empty', gpus);
    const template = projectNode({ metadata: { name: 't' }, status: { capacity: { 'amd.com/gpu': '1' } } }, interner);
    const backoff = { until: 9, failure: { class: 'out-of-resources', code: 'NoCapacity', message: '' } } as const;
    const made = figures(loopReport(0, { groups: [groupReport('a', { backoff })] }));
    metrics.observeLoop({
      ...made,
      input: { nodes: [], groups: [{ id: 'a', template: { node: template, pods: [] } }] } as unknown as LoopInput,
    });
    const t4 = 'gpu_resource_name="nvidia.com/gpu",gpu_name="nvidia-tesla-t4"';
    const amd = 'reason="NoCapacity",gpu_resource_name="amd.com/gpu",gpu_name="generic"';
    const expected = {
      [`scaled_up_nodes_total{${t4},dra_drivers=""}`]: 2,
      'scaled_up_nodes_total{gpu_resource_name="",gpu_name="",dra_drivers=""}': 1,
      [`scaled_up_gpu_nodes_total{${t4}}`]: 2,
      [`scaled_down_nodes_total{reason="empty",${t4},dra_drivers=""}`]: 1,
      [`scaled_down_gpu_nodes_total{reason="empty",${t4}}`]: 1,
      [`failed_scale_ups_total{${amd},dra_drivers=""}`]: 1,
      [`failed_gpu_scale_ups_total{${amd}}`]: 1,
      'scaled_up_gpu_nodes_total{gpu_resource_name="",gpu_name=""}': undefined,
    };
    for (const [series, value] of Object.entries(expected)) expect(await valueOf(registry, series), series).toBe(value);
  });

  it('tells of each group when that is asked for, and of none that is gone', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: true });
    metrics.observeLoop(figures(loopReport(0, { groups: [groupReport('a', { targetSize: 3, health: 'unhealthy' }), groupReport('b')] })));
    expect(await valueOf(registry, 'node_group_target_count{node_group="a"}')).toBe(3);
    expect(await valueOf(registry, 'node_group_healthiness{node_group="a"}')).toBe(0);
    metrics.observeLoop(figures(loopReport(0, { groups: [groupReport('b')] })));
    expect(await valueOf(registry, 'node_group_target_count{node_group="a"}')).toBeUndefined();
  });

  it('has durations as a histogram with upstream’s buckets and as quantiles', async () => {
    const registry = new Registry();
    createNodesMetrics(registry, { perGroup: false }).observeDuration('main', 0.4);
    expect(await valueOf(registry, 'function_duration_seconds_count{function="main"}')).toBe(1);
    expect(await valueOf(registry, 'function_duration_quantile_seconds_count{function="main"}')).toBe(1);
    const buckets = (await registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('cluster_autoscaler_function_duration_seconds_bucket'));
    expect(buckets).toHaveLength(151);
  });

  it('begins anew when a controller follows another in one process', async () => {
    const registry = new Registry();
    createNodesMetrics(registry, { perGroup: true }).scaledUp(4);
    createNodesMetrics(registry, { perGroup: true });
    expect(await valueOf(registry, 'scaled_up_nodes_total{gpu_resource_name="",gpu_name="",dra_drivers=""}')).toBe(0);
  });
});
