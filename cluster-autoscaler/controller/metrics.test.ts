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
    input: { nodes } as unknown as LoopInput,
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

  it('counts a failed scale-up once, however long its backoff is seen', async () => {
    const registry = new Registry();
    const metrics = createNodesMetrics(registry, { perGroup: false });
    const backoff = (until: number) => ({ until, failure: { class: 'out-of-resources' as const, code: 'NoCapacity', message: '' } });
    for (const until of [10, 10, 10, 99])
      metrics.observeLoop(figures(loopReport(0, { groups: [groupReport('a', { backoff: backoff(until) })] })));
    expect(await valueOf(registry, 'failed_scale_ups_total{reason="NoCapacity",gpu_resource_name="",gpu_name="",dra_drivers=""}')).toBe(2);
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
