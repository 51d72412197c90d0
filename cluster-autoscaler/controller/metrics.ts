import { Counter, Gauge, Histogram, Summary, type Registry } from 'prom-client';
import type { LoopMeasures, LoopOptions, LoopReport } from '../engine/loop/model.ts';
import type { DeletionProgress, LoopInput, PlannedDeletion } from '../engine/model.ts';
import { gpuSeriesOf, type GpuSeries } from './gpu-series.ts';
import { createGauges } from './loop-gauges.ts';
import { createRemovalLatency } from './removal-latency.ts';

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
  scaledUp(nodes: number, gpus?: GpuSeries): void;
  scaledDown(reason: PlannedDeletion['reason'], gpus?: GpuSeries): void;
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

/** 1, 2, 4 … 32 kinds of pods, as upstream. */
const heterogeneityBuckets = Array.from({ length: 6 }, (_, index) => 2 ** index);

/** 19 buckets from 1 s to about 24 min, as upstream. */
const latencyBuckets = Array.from({ length: 19 }, (_, index) => 1.5 ** index);

/** Words of upstream for the limits that it counts; it does not count GPUs here. */
const limitReasons: Readonly<Record<string, string>> = { cpu: 'CpuResourceLimit', memory: 'MemoryResourceLimit' };

const noGpuSeries: GpuSeries = { gpu_resource_name: '', gpu_name: '' };
/** Drivers of devices are not told apart. */
const noGpu = { ...noGpuSeries, dra_drivers: '' };
const gpuLabels = Object.keys(noGpu);
const onlyGpuLabels = ['gpu_resource_name', 'gpu_name'];

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
  // Old names, of nodes with GPUs only.
  const scaledUpGpu = counter('scaled_up_gpu_nodes_total', 'Nodes with GPUs added.', onlyGpuLabels);
  const scaledDownGpu = counter('scaled_down_gpu_nodes_total', 'Nodes with GPUs removed, by why.', ['reason', ...onlyGpuLabels]);
  const failedGpuScaleUps = counter('failed_gpu_scale_ups_total', 'Scale-ups of nodes with GPUs that failed, by why.', [
    'reason',
    ...onlyGpuLabels,
  ]);
  const failedCreations = counter('failed_node_creations_total', 'Nodes that did not come, by why.', ['reason']);
  const evicted = counter('evicted_pods_total', 'Pods evicted.', ['eviction_result']);
  const unregistered = counter('old_unregistered_nodes_removed_count', 'Instances without a node that were given back.');
  const errors = counter('errors_total', 'Loops that ended with an error.', ['type']);
  const activity = gauge('last_activity', 'When an activity was last seen, seconds since 1970.', ['activity']);
  const skippedEvents = counter('skipped_scale_events_count', 'Scalings that a limit of the cluster kept from being done.', [
    'direction',
    'reason',
  ]);
  // As upstream without autoprovisioning: known, and without a series.
  counter('created_node_groups_total', 'Node groups made by autoprovisioning, which is not there.', ['group_type']);
  counter('deleted_node_groups_total', 'Node groups deleted by autoprovisioning, which is not there.', ['group_type']);
  const heterogeneity = new Histogram({
    ...begin('binpacking_heterogeneity'),
    help: 'Kinds of pods that one estimation of nodes was made for.',
    labelNames: ['instance_type', 'cpu_count', 'namespace_count'],
    buckets: heterogeneityBuckets,
  });
  const latencies = new Histogram({
    ...begin('node_removal_latency_seconds'),
    help: 'Time from when an unneeded node might go until its deletion began (deleted) or it was needed again, by what kept it last.',
    labelNames: ['deleted', 'delay_reason'],
    buckets: latencyBuckets,
  });
  const latencyOf = createRemovalLatency();
  const gauges = createGauges(gauge, perGroup);
  /** Backoffs that were counted, by group. */
  const backoffs = new Map<string, number>();
  scaledUp.inc(noGpu, 0);
  unregistered.inc(0);
  for (const direction of ['up', 'down']) for (const reason of Object.values(limitReasons)) skippedEvents.inc({ direction, reason }, 0);
  const measure = ({ limited, estimates }: LoopMeasures): void => {
    for (const { direction, resource } of limited) {
      const reason = limitReasons[resource];
      if (reason !== undefined) skippedEvents.inc({ direction, reason });
    }
    for (const { instanceType, cpu, podGroups, namespaces } of estimates) {
      const labels = { instance_type: instanceType, cpu_count: coresText(cpu), namespace_count: countText(namespaces) };
      heterogeneity.observe(labels, podGroups);
    }
  };
  return {
    observeDuration: (step, seconds) => {
      durations.observe({ function: step }, seconds);
      quantiles.observe({ function: step }, seconds);
    },
    observeLoop: (figures) => {
      gauges(figures);
      measure(figures.report.measures);
      for (const { seconds, deleted, delayReason } of latencyOf(figures.report))
        latencies.observe({ deleted: String(deleted), delay_reason: delayReason }, seconds);
      const templates = new Map(figures.input.groups.map(({ id, template }) => [id, template?.node]));
      for (const { group, backoff } of figures.report.groups) {
        if (backoff !== undefined && backoffs.get(group) !== backoff.until) {
          const gpus = gpuSeriesOf(templates.get(group), figures.options.gpuLabel);
          failedScaleUps.inc({ reason: backoff.failure.code, ...noGpu, ...gpus });
          if (gpus.gpu_name !== '') failedGpuScaleUps.inc({ reason: backoff.failure.code, ...gpus });
          backoffs.set(group, backoff.until);
        }
      }
    },
    scaledUp: (nodes, gpus = noGpuSeries) => {
      scaledUp.inc({ ...noGpu, ...gpus }, nodes);
      if (gpus.gpu_name !== '') scaledUpGpu.inc({ ...gpus }, nodes);
    },
    scaledDown: (reason, gpus = noGpuSeries) => {
      scaledDown.inc({ reason, ...noGpu, ...gpus });
      if (gpus.gpu_name !== '') scaledDownGpu.inc({ reason, ...gpus });
    },
    evicted: (result) => evicted.inc({ eviction_result: result }),
    unregisteredRemoved: (count) => unregistered.inc(count),
    creationFailed: (code) => failedCreations.inc({ reason: code }),
    error: (type) => errors.inc({ type }),
    activity: (name, at) => activity.set({ activity: name }, at / 1000),
  };
}

/** A Kubernetes quantity: `4`, `3920m`. */
function coresText(thousandths: number): string {
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}

/** Great numbers in classes, so that there are few series. */
function countText(count: number): string {
  if (count <= 5) return String(count);
  return count <= 10 ? '6-10' : '11+';
}
