import { Counter, Gauge, Histogram, Summary, type Registry } from 'prom-client';
import type { LoopReport } from '../engine/loop/model.ts';
import type { DeletionProgress, LoopInput, PlannedDeletion } from '../engine/model.ts';
import type { LoopOptions } from '../engine/loop/model.ts';

/** Steps whose duration is told, as upstream names them. */
export type LoopFunction = 'main' | 'mainSuccessful' | 'cloudProviderRefresh' | 'loopWait' | 'updateClusterState' | (string & {});

/** What a loop was, for the gauges. */
export interface LoopFigures {
  readonly input: LoopInput;
  readonly report: LoopReport;
  readonly options: LoopOptions;
  readonly running: DeletionProgress['running'];
}

/** The controller's own metrics, under upstream's names so that dashboards apply (§20). */
export interface NodesMetrics {
  observeDuration(step: LoopFunction, seconds: number): void;
  observeLoop(figures: LoopFigures): void;
  scaledUp(nodes: number): void;
  scaledDown(reason: PlannedDeletion['reason']): void;
  evicted(result: 'succeeded' | 'failed'): void;
  /** Instances without a node that were given back; with the cloud's code where their creation failed. */
  unregisteredRemoved(count: number): void;
  creationFailed(code: string): void;
  error(type: string): void;
  activity(activity: 'main' | 'scaleUp' | 'scaleDown' | 'autoscaling', at: number): void;
}

const prefix = 'cluster_autoscaler_';

/** 150 buckets from 0.1 s to 1800 s, as upstream. */
const durationBuckets = Array.from({ length: 150 }, (_, index) => 0.1 * 18_000 ** (index / 149));

/** No provider of ours tells GPUs apart here; the labels are those of upstream's series. */
const noGpu = { gpu_resource_name: '', gpu_name: '', dra_drivers: '' };
const gpuLabels = Object.keys(noGpu);

export function createNodesMetrics(registry: Registry, { perGroup }: { readonly perGroup: boolean }): NodesMetrics {
  const made: string[] = [];
  // A controller that follows another one in this process (lost and won leadership) begins its counters anew.
  const begin = (name: string): { readonly name: string; readonly registers: Registry[] } => {
    const full = prefix + name;
    registry.removeSingleMetric(full);
    made.push(full);
    return { name: full, registers: [registry] };
  };
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge => new Gauge({ ...begin(name), help, labelNames });
  const counter = (name: string, help: string, labelNames: string[] = []): Counter => new Counter({ ...begin(name), help, labelNames });

  const durations = new Histogram({
    ...begin('function_duration_seconds'),
    help: 'Time taken by parts of the loop.',
    labelNames: ['function'],
    buckets: durationBuckets,
  });
  const quantiles = new Summary({
    ...begin('function_duration_quantile_seconds'),
    help: 'Quantiles of the time taken by parts of the loop over the last hour.',
    labelNames: ['function'],
    percentiles: [0.5, 0.9, 0.95, 0.99],
    maxAgeSeconds: 3_600,
    ageBuckets: 6,
  });
  const scaledUp = counter('scaled_up_nodes_total', 'Nodes added.', gpuLabels);
  const scaledDown = counter('scaled_down_nodes_total', 'Nodes removed, by why.', ['reason', ...gpuLabels]);
  const failedScaleUps = counter('failed_scale_ups_total', 'Scale-ups that failed, by why.', ['reason', ...gpuLabels]);
  const failedCreations = counter('failed_node_creations_total', 'Nodes that did not come, by why.', ['reason']);
  const evicted = counter('evicted_pods_total', 'Pods evicted.', ['eviction_result']);
  const unregistered = counter('old_unregistered_nodes_removed_count', 'Instances without a node that were given back.');
  const errors = counter('errors_total', 'Loops that ended with an error.', ['type']);
  const activity = gauge('last_activity', 'When an activity was last seen, seconds since 1970.', ['activity']);
  const gauges = createGauges(gauge, perGroup);
  /** Backoffs that were counted, by group. */
  const backoffs = new Map<string, number>();
  scaledUp.inc(noGpu, 0);
  unregistered.inc(0);
  return {
    observeDuration: (step, seconds) => {
      durations.observe({ function: step }, seconds);
      quantiles.observe({ function: step }, seconds);
    },
    observeLoop: (figures) => {
      gauges(figures);
      for (const { group, backoff } of figures.report.groups) {
        if (backoff !== undefined && backoffs.get(group) !== backoff.until) {
          failedScaleUps.inc({ reason: backoff.failure.code, ...noGpu });
          backoffs.set(group, backoff.until);
        }
      }
    },
    scaledUp: (nodes) => scaledUp.inc(noGpu, nodes),
    scaledDown: (reason) => scaledDown.inc({ reason, ...noGpu }),
    evicted: (result) => evicted.inc({ eviction_result: result }),
    unregisteredRemoved: (count) => unregistered.inc(count),
    creationFailed: (code) => failedCreations.inc({ reason: code }),
    error: (type) => errors.inc({ type }),
    activity: (name, at) => activity.set({ activity: name }, at / 1000),
  };
}

type MakeGauge = (name: string, help: string, labelNames?: string[]) => Gauge;

function createGauges(gauge: MakeGauge, perGroup: boolean): (figures: LoopFigures) => void {
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
  const ofGroups = perGroup ? createGroupGauges(gauge) : undefined;
  return ({ input, report, options, running }) => {
    safe.set(Number(report.clusterHealthy));
    const { ready, unready, notStarted, longUnregistered, unregistered, resourceUnready, beingDeleted } = report.counts;
    const states = { ready, unready, notStarted, longUnregistered, unregistered, resourceUnready, beingDeleted };
    for (const [state, count] of Object.entries(states)) nodes.set({ state }, count);
    groups.set({ node_group_type: 'autoscaled' }, report.groups.length);
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
    ofGroups?.(report);
  };
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
