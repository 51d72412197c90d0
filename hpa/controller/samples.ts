import type { ContainerUsage, MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { Doubt } from '../../core/model/sample.ts';
import type { MetricResult, MetricSpec, PodSample } from '../engine/index.ts';
import { namesText } from '../engine/text.ts';
import { metricQuery } from './queries.ts';

export interface SampleOptions {
  readonly namespace: string;
  /** Label selector text of the scale. */
  readonly selector: string;
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
  switch (spec.type) {
    case 'Resource':
    case 'ContainerResource':
      return spec.resource === 'cpu' || spec.resource === 'memory' ? resourceResult(spec.resource, options) : noSource(spec.resource);
    case 'Unknown':
      return noSource(spec.name);
    case 'Pods':
    case 'Object':
    case 'External':
    case 'Prometheus':
      return queryResult(spec, options);
  }
}

function noSource(name: string): MetricResult {
  return { kind: 'failure', message: `no source for metrics of type ${name} is connected`, reason: 'source-absent' };
}

/** Upstream's window of a custom metric that does not give one. */
const defaultWindowMs = 60_000;

function queryResult(
  spec: Exclude<MetricSpec, { type: 'Resource' | 'ContainerResource' | 'Unknown' }>,
  options: SampleOptions,
): MetricResult {
  const query = metricQuery(spec, { namespace: options.namespace, selector: options.selector });
  if (query === undefined) return noSource(spec.type);
  const result = options.view.query(query);
  if (!result.known) return { kind: 'failure', message: result.detail, reason: result.reason, since: result.since };
  const { series } = result;
  if (spec.type === 'Pods') {
    const values = series.map(({ object, milli, timestamp, windowMs = defaultWindowMs }) => ({
      pod: object,
      value: milli,
      timestamp,
      windowMs,
    }));
    return {
      kind: 'pod-values',
      values,
      degraded: result.doubt ?? blindness(options) ?? (options.strict ? outdated(values, options.sizedAt ?? 0) : undefined),
    };
  }
  // A sum of several is what External means; an object or a query that answers with several has not answered what was asked.
  if (spec.type !== 'External' && series.length !== 1) {
    return { kind: 'failure', message: `${result.source}: ${series.length} values came where one was asked for`, reason: 'invalid' };
  }
  return { kind: 'values', values: series.map(({ milli }) => milli), degraded: result.doubt ?? blindness(options) };
}

/** Which pods are ready is not known while the mirror of pods hears nothing. */
function blindness({ podsAgeMs = 0 }: SampleOptions): Doubt | undefined {
  if (podsAgeMs <= maxPodsAgeMs) return undefined;
  const detail = `nothing was heard of pods for ${Math.round(podsAgeMs / 1000)} s, so which of them are ready is not known; the watch of pods is broken`;
  return { reason: 'stale', detail };
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
  const degraded = view.usageDoubt ?? blindness(options) ?? (options.strict ? incomplete(used, options) : undefined);
  return { kind: 'usage', samples, degraded };
}

function valueOf({ cpuMilli, memoryMilli }: ContainerUsage, resource: 'cpu' | 'memory'): bigint | undefined {
  const milli = resource === 'cpu' ? cpuMilli : memoryMilli;
  return milli === undefined ? undefined : BigInt(milli);
}

/** What upstream would shrink on. */
function incomplete(
  used: readonly (readonly [PodRecord, PodUsage])[],
  { pods, view, statusReplicas = 0, sizedAt = 0 }: SampleOptions,
): Doubt | undefined {
  const silent = silentNodes(pods, view);
  if (silent !== undefined) return silent;
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
  const older = outdated(
    used.map(([pod, usage]) => ({ pod: pod.name, timestamp: usage.timestamp, windowMs: usage.windowMs })),
    sizedAt,
  );
  if (older !== undefined) return older;
  const partial = used.flatMap(([pod, usage]) => runningWithoutSample(pod, usage));
  if (partial.length === 0) return undefined;
  return { reason: 'partial', detail: `running containers without a sample: ${namesText(partial)}` };
}

interface TimedValue {
  readonly pod: string;
  readonly timestamp: number;
  readonly windowMs: number;
}

/** Fewer pods take more each: what they took as part of a larger number would shrink the target once more. */
function outdated(values: readonly TimedValue[], sizedAt: number): Doubt | undefined {
  const older = values.filter(({ timestamp, windowMs }) => timestamp - windowMs < sizedAt).map(({ pod }) => pod);
  if (older.length === 0) return undefined;
  return {
    reason: 'stale',
    detail: `samples of ${older.length} pods begin before the last change of the number of replicas (${namesText(older)})`,
  };
}

/** With more than this share of a target's pods on nodes that were not scraped, the others do not speak for all (§A.8). */
const maxUnscrapedShare = 0.25;

function silentNodes(pods: readonly PodRecord[], view: MetricsView): Doubt | undefined {
  const nodes = new Set<string>();
  let unseen = 0;
  for (const pod of pods) {
    if (pod.nodeName === undefined || view.podGap(pod)?.reason !== 'node-not-scraped') continue;
    nodes.add(pod.nodeName);
    unseen += 1;
  }
  if (unseen <= pods.length * maxUnscrapedShare) return undefined;
  return {
    reason: 'node-not-scraped',
    detail: `${unseen} of ${pods.length} pods are on nodes that were not scraped (${namesText([...nodes])}); check their kubelets`,
  };
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
