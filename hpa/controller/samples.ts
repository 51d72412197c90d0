import type { ContainerUsage, MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { Degradation, MetricResult, MetricSpec, PodSample } from '../engine/index.ts';
import { namesText } from '../engine/text.ts';

export interface SampleOptions {
  readonly namespace: string;
  readonly pods: readonly PodRecord[];
  readonly view: MetricsView;
  readonly now: number;
  /** A sample older than this counts as missing, milliseconds. */
  readonly maxSampleAgeMs: number;
  /** False for native objects: only an unhealthy source keeps them from shrinking. */
  readonly strict: boolean;
  /** Milliseconds since anything was heard of pods. */
  readonly podsAgeMs?: number | undefined;
  /** Since when the target has its size, epoch milliseconds. */
  readonly sizedAt?: number | undefined;
  /** Pods that the target itself counts. */
  readonly statusReplicas?: number | undefined;
}

/** A mirror that heard nothing for so long has lost its watch: bookmarks come about every minute, and its watchdog acts after 90 s. */
const maxPodsAgeMs = 150_000;

/** The data of one metric out of the view. */
export function metricResult(spec: MetricSpec, options: SampleOptions): MetricResult {
  if (spec.type === 'Resource' && (spec.resource === 'cpu' || spec.resource === 'memory')) return resourceResult(spec.resource, options);
  const name = spec.type === 'Unknown' ? spec.name : spec.type;
  return { kind: 'failure', message: `no source for metrics of type ${name} is connected`, reason: 'source-absent' };
}

function resourceResult(resource: 'cpu' | 'memory', options: SampleOptions): MetricResult {
  const { namespace, pods, view, now, maxSampleAgeMs } = options;
  const used: [PodRecord, PodUsage][] = [];
  const stale: string[] = [];
  for (const pod of pods) {
    const usage = view.podUsage(namespace, pod.name);
    if (usage === undefined) continue;
    if (now - usage.timestamp > maxSampleAgeMs) stale.push(pod.name);
    else used.push([pod, usage]);
  }
  const { resourceSource } = view;
  if (used.length === 0 && !resourceSource.healthy) {
    const { reason, detail, since } = resourceSource;
    return { kind: 'failure', message: `metrics.k8s.io: ${detail}`, reason, since };
  }
  if (used.length === 0 && stale.length > 0) {
    const message = `the samples of all pods are older than ${maxSampleAgeMs / 1000} s (${namesText(stale)})`;
    return { kind: 'failure', message, reason: 'stale' };
  }
  const samples = used.map(([pod, usage]): PodSample => {
    const { timestamp, windowMs, containers } = usage;
    return {
      pod: pod.name,
      timestamp,
      windowMs,
      containers: containers.map((each) => ({ name: each.name, value: valueOf(each, resource) })),
    };
  });
  return { kind: 'usage', samples, degraded: degradation(used, options) };
}

function valueOf({ cpuMilli, memoryMilli }: ContainerUsage, resource: 'cpu' | 'memory'): bigint | undefined {
  const milli = resource === 'cpu' ? cpuMilli : memoryMilli;
  return milli === undefined ? undefined : BigInt(milli);
}

/** Why what is known may be too little to shrink on, worst first. */
function degradation(used: readonly (readonly [PodRecord, PodUsage])[], options: SampleOptions): Degradation | undefined {
  const { strict, podsAgeMs = 0 } = options;
  const { resourceSource } = options.view;
  if (!resourceSource.healthy) {
    const { reason, detail, since } = resourceSource;
    return { reason, detail: `metrics.k8s.io: ${detail}; its last answer is still used for growth`, since };
  }
  if (podsAgeMs > maxPodsAgeMs) {
    const detail = `nothing was heard of pods for ${Math.round(podsAgeMs / 1000)} s, so which of them are ready is not known; the watch of pods is broken`;
    return { reason: 'stale', detail };
  }
  return strict ? incomplete(used, options) : undefined;
}

/** What upstream would shrink on. */
function incomplete(
  used: readonly (readonly [PodRecord, PodUsage])[],
  { pods, statusReplicas = 0, sizedAt = 0 }: SampleOptions,
): Degradation | undefined {
  const skewed = used.filter(([, usage]) => usage.clockSkew === true).map(([pod]) => pod.name);
  if (skewed.length > 0) {
    return {
      reason: 'clock-skew',
      detail: `timestamps of ${skewed.length} pods went backwards or lie in the future (${namesText(skewed)})`,
    };
  }
  const active = pods.filter((pod) => pod.deleted === undefined && pod.phase !== 'Failed' && pod.phase !== 'Succeeded').length;
  if (active < statusReplicas) {
    return { reason: 'partial', detail: `the target counts ${statusReplicas} pods, of which only ${active} are known here` };
  }
  // Fewer pods take more each: what they took as part of a larger number would shrink the target once more.
  const older = used.filter(([, usage]) => usage.timestamp - usage.windowMs < sizedAt).map(([pod]) => pod.name);
  if (older.length > 0) {
    return {
      reason: 'stale',
      detail: `samples of ${older.length} pods begin before the last change of the number of replicas (${namesText(older)})`,
    };
  }
  const partial = used.flatMap(([pod, usage]) => runningWithoutSample(pod, usage));
  if (partial.length === 0) return undefined;
  return { reason: 'partial', detail: `running containers without a sample: ${namesText(partial)}` };
}

/** Containers that run but are not in the sample; one that waits or has ended is not expected there, so a crash loop freezes nothing. */
function runningWithoutSample(pod: PodRecord, usage: PodUsage): string[] {
  if (pod.statuses.length <= usage.containers.length) return [];
  const measured = new Set(usage.containers.map((each) => each.name));
  const regular = new Set(pod.shape.containers.map((each) => each.name));
  return pod.statuses
    .filter((status) => status.running && regular.has(status.name) && !measured.has(status.name))
    .map((status) => `${pod.name}/${status.name}`);
}
