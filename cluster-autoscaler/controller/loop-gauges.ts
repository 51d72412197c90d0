import type { Gauge } from 'prom-client';
import type { LoopReport } from '../engine/loop/model.ts';
import { taintTypeOf } from '../engine/templates/index.ts';
import type { LoopFigures } from './metrics.ts';
import { createSkippedNodes } from './skipped-nodes.ts';

/** Makes a gauge of that name, without the prefix. */
export type MakeGauge = (name: string, help: string, labelNames?: string[]) => Gauge;

/** What a loop has found, as gauges under upstream's names. */
export function createGauges(gauge: MakeGauge, perGroup: boolean): (figures: LoopFigures) => void {
  const safe = gauge('cluster_safe_to_autoscale', '1: the cluster is healthy enough to be scaled.');
  const nodes = gauge('nodes_count', 'Nodes of the groups by state.', ['state']);
  const groups = gauge('node_groups_count', 'Node groups.', ['node_group_type']);
  const pending = gauge('unschedulable_pods_count', 'Pods that wait for room.', ['type']);
  const maxNodes = gauge('max_nodes_count', 'Greatest number of nodes, 0 for none.');
  const cores = gauge('cluster_cpu_current_cores', 'CPU of the cluster.');
  const coreLimits = gauge('cpu_limits_cores', 'Bounds of the CPU of the cluster.', ['direction']);
  const memory = gauge('cluster_memory_current_bytes', 'Memory of the cluster.');
  const memoryLimits = gauge('memory_limits_bytes', 'Bounds of the memory of the cluster.', ['direction']);
  const deletions = gauge('pending_node_deletions', 'Nodes that are being removed.');
  const unneeded = gauge('unneeded_nodes_count', 'Nodes that are not needed.');
  const unremovable = gauge('unremovable_nodes_count', 'Nodes that are not to go, by why.', ['reason']);
  const cooldown = gauge('scale_down_in_cooldown', '1: nothing is removed because of what was done before.');
  const overflowing = gauge('overflowing_controllers_count', 'Controllers with too many different pods to treat them as alike.');
  const notTried = gauge('skipped_pods_count', 'Pods for which no place was sought.', ['requestor']);
  const taints = gauge('node_taints_count', 'Taints of nodes by type.', ['type']);
  const skipping = gauge('max_node_skip_eval_duration_seconds', 'For how long the longest skipped node was not looked at by scale-down.');
  const skippedFor = createSkippedNodes();
  const ofGroups = perGroup ? createGroupGauges(gauge) : undefined;
  return ({ input, report, options, running }) => {
    safe.set(Number(report.clusterHealthy));
    const { ready, unready, notStarted, longUnregistered, unregistered, resourceUnready, suspended, beingDeleted } = report.counts;
    const states = { ready, unready, notStarted, suspended, longUnregistered, unregistered, resourceUnready, beingDeleted };
    for (const [state, count] of Object.entries(states)) nodes.set({ state }, count);
    groups.set({ node_group_type: 'autoscaled' }, report.groups.length);
    groups.set({ node_group_type: 'autoprovisioned' }, 0);
    pending.set({ type: 'unschedulable' }, report.pods.length);
    maxNodes.set(options.maxNodesTotal);
    const sum = (resource: string): number => input.nodes.reduce((total, { capacity }) => total + (capacity[resource] ?? 0), 0) / 1000;
    cores.set(sum('cpu'));
    memory.set(sum('memory'));
    const gibi = 2 ** 30;
    coreLimits.set({ direction: 'minimum' }, options.cores.min);
    coreLimits.set({ direction: 'maximum' }, options.cores.max);
    memoryLimits.set({ direction: 'minimum' }, options.memoryGiB.min * gibi);
    memoryLimits.set({ direction: 'maximum' }, options.memoryGiB.max * gibi);
    deletions.set(running.length);
    unneeded.set(report.nodes.filter(({ unneededSince }) => unneededSince !== undefined).length);
    unremovable.reset();
    for (const { unremovable: reason } of report.nodes) if (reason !== undefined) unremovable.inc({ reason });
    cooldown.set(Number(report.scaleDownInCooldown));
    const { overflowingControllers, podsNotTried, skippedNodes } = report.measures;
    if (overflowingControllers !== undefined) overflowing.set(overflowingControllers);
    if (podsNotTried !== undefined) notTried.set({ requestor: 'filter-out-pod-list-processor' }, podsNotTried);
    if (skippedNodes !== undefined) skipping.set(skippedFor(skippedNodes, report.at) / 1000);
    taints.reset();
    for (const [type, count] of taintCounts(input.nodes, options)) taints.set({ type }, count);
    ofGroups?.(report);
  };
}

function taintCounts(nodes: LoopFigures['input']['nodes'], options: LoopFigures['options']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    for (const { key } of node.taints) {
      const type = taintTypeOf(key, options);
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
  }
  return counts;
}

function createGroupGauges(gauge: MakeGauge): (report: LoopReport) => void {
  const name = ['node_group'];
  const min = gauge('node_group_min_count', 'Least size of a group.', name);
  const max = gauge('node_group_max_count', 'Greatest size of a group.', name);
  const target = gauge('node_group_target_count', 'Nodes that the cloud was asked for.', name);
  const health = gauge('node_group_healthiness', '1: the group is healthy.', name);
  const backoff = gauge('node_group_backoff_status', '1: the group is in backoff, by why.', [...name, 'reason']);
  return ({ groups }) => {
    for (const each of [min, max, target, health, backoff]) each.reset();
    for (const { group, minSize, maxSize, targetSize, health: state, backoff: waits } of groups) {
      const labels = { node_group: group };
      min.set(labels, minSize);
      max.set(labels, maxSize);
      target.set(labels, targetSize);
      health.set(labels, Number(state === 'healthy'));
      if (waits !== undefined) backoff.set({ ...labels, reason: waits.failure.code }, 1);
    }
  };
}
