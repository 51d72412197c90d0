import { createHash } from 'node:crypto';
import type { KubeObject } from '../../../../core/model/object.ts';
import { ExpositionWriter } from '../../../workload/exposition-text.ts';
import type { ExpositionLabels, MetricFamily } from '../../../workload/exposition-text.ts';
import type { ContainerPoint, NodeScrape, PodPoint } from '../../kubelet/index.ts';
import { containersOf, containerStatusesOf } from './pod-object.ts';

const cpu: MetricFamily = { name: 'container_cpu_usage_seconds_total', type: 'counter', help: 'Cumulative cpu time consumed in seconds.' };
const memory: MetricFamily = { name: 'container_memory_working_set_bytes', type: 'gauge', help: 'Current working set in bytes.' };
const start: MetricFamily = {
  name: 'container_start_time_seconds',
  type: 'gauge',
  help: 'Start time of the container since unix epoch in seconds.',
};
const periods: MetricFamily = {
  name: 'container_cpu_cfs_periods_total',
  type: 'counter',
  help: 'Number of elapsed enforcement period intervals.',
};
const throttledPeriods: MetricFamily = {
  name: 'container_cpu_cfs_throttled_periods_total',
  type: 'counter',
  help: 'Number of throttled period intervals.',
};
const throttledSeconds: MetricFamily = {
  name: 'container_cpu_cfs_throttled_seconds_total',
  type: 'counter',
  help: 'Total time duration the container has been throttled.',
};

/** The kernel's enforcement period. */
const periodMs = 100;
const pauseImage = 'registry.k8s.io/pause:3.10';
/** What a sandbox takes. */
const pauseMemoryBytes = 360_448;

/** What cAdvisor knows beside the kubelet's numbers. */
export interface CadvisorContext {
  /** The Pod object; absent when it is gone already. */
  readonly pod: (namespace: string, name: string) => KubeObject | undefined;
  /** Milliseconds that a container was held back since its start. */
  readonly throttledMs: (namespace: string, name: string, container: string) => number;
}

/**
 * `/metrics/cadvisor` of a node: each container, its pod as a whole (`container=""`), the sandbox (`container="POD"`) and the node (`id="/"`), with the
 * kubelet's own timestamps. These are why a dead pod's last values stay visible for the lookback: series with timestamps get no staleness marker.
 */
export function cadvisorExposition(scrape: NodeScrape, context: CadvisorContext): string {
  const writer = new ExpositionWriter();
  const { node } = scrape;
  const at = { timestamp: node.timestamp };
  const root = labelsOf('/', {});
  writer.add(cpu, cpuLabels(root), node.cpuSeconds, at);
  writer.add(memory, root, node.memoryBytes, at);
  for (const pod of scrape.pods) writePod(writer, pod, context);
  return writer.text();
}

/** In the order in which cAdvisor writes them. */
function labelsOf(
  id: string,
  rest: { readonly container?: string; readonly image?: string; readonly name?: string; readonly pod?: PodPoint },
): ExpositionLabels {
  const { container = '', image = '', name = '', pod } = rest;
  return { container, id, image, name, namespace: pod?.namespace ?? '', pod: pod?.name ?? '' };
}

function cpuLabels({ container = '', ...rest }: ExpositionLabels): ExpositionLabels {
  return { container, cpu: 'total', ...rest };
}

function writePod(writer: ExpositionWriter, pod: PodPoint, context: CadvisorContext): void {
  const object = context.pod(pod.namespace, pod.name);
  const slice = sliceOf(pod, object);
  const containers = containersOf(object);
  const statuses = containerStatusesOf(object);
  let cpuSeconds = 0;
  let memoryBytes = pauseMemoryBytes;
  let newest = 0;
  let oldest = Number.POSITIVE_INFINITY;
  for (const point of pod.containers) {
    const id = (statuses.find(({ name }) => name === point.name)?.containerID ?? '').replace(/^[a-z-]+:\/\//, '');
    const container = containers.find(({ name }) => name === point.name);
    const shown = id === '' ? digest(`${slice}/${point.name}`) : id;
    const labels = labelsOf(`${slice}/cri-containerd-${shown}.scope`, {
      container: point.name,
      image: container?.image ?? '',
      name: shown,
      pod,
    });
    writeUsage(writer, labels, point);
    if (container?.resources?.limits?.['cpu'] !== undefined) {
      writeThrottling(writer, labels, point, context.throttledMs(pod.namespace, pod.name, point.name));
    }
    cpuSeconds += point.cpuSeconds;
    memoryBytes += point.memoryBytes;
    newest = Math.max(newest, point.timestamp);
    oldest = Math.min(oldest, point.startTime);
  }
  writeUsage(writer, labelsOf(slice, { pod }), { cpuSeconds, memoryBytes, startTime: oldest, timestamp: newest });
  const sandbox = digest(`${slice}/POD`);
  const sandboxLabels = labelsOf(`${slice}/cri-containerd-${sandbox}.scope`, { container: 'POD', image: pauseImage, name: sandbox, pod });
  writeUsage(writer, sandboxLabels, { cpuSeconds: 0.02, memoryBytes: pauseMemoryBytes, startTime: oldest, timestamp: newest });
}

type Usage = Omit<ContainerPoint, 'name'>;

function writeUsage(writer: ExpositionWriter, labels: ExpositionLabels, { cpuSeconds, memoryBytes, startTime, timestamp }: Usage): void {
  writer.add(cpu, cpuLabels(labels), Math.round(cpuSeconds * 1e9) / 1e9, { timestamp });
  writer.add(memory, labels, memoryBytes, { timestamp });
  writer.add(start, labels, startTime / 1000, { timestamp });
}

/** Only containers with a quota have these. */
function writeThrottling(writer: ExpositionWriter, labels: ExpositionLabels, { startTime, timestamp }: Usage, throttledMs: number): void {
  const elapsed = Math.max(0, Math.floor((timestamp - startTime) / periodMs));
  writer.add(periods, labels, elapsed, { timestamp });
  writer.add(throttledPeriods, labels, Math.min(elapsed, Math.floor(throttledMs / periodMs)), { timestamp });
  writer.add(throttledSeconds, labels, throttledMs / 1000, { timestamp });
}

/** The control group of the pod, as systemd names it. */
function sliceOf(pod: PodPoint, object: KubeObject | undefined): string {
  const { qosClass } = (object?.status ?? {}) as { readonly qosClass?: string };
  const uid = (object?.metadata.uid ?? digest(`${pod.namespace}/${pod.name}`).slice(0, 32)).replaceAll('-', '_');
  const level = qosClass === 'Guaranteed' ? '' : qosClass === 'BestEffort' ? '-besteffort' : '-burstable';
  const parent = level === '' ? '/kubepods.slice' : `/kubepods.slice/kubepods${level}.slice`;
  return `${parent}/kubepods${level}-pod${uid}.slice`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
