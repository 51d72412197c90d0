import type { HistoryConfig } from './history-config.ts';

/** `namespace="shop"`, or a regular expression of several. */
function namespaceMatcher(label: string, namespaces: readonly string[]): string {
  const [only] = namespaces;
  if (namespaces.length === 1 && only !== undefined) return `${label}=${quoted(only)}`;
  return `${label}=~${quoted(namespaces.map((name) => name.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)).join('|'))}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A duration as PromQL writes it. */
export function promDuration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/**
 * Upstream's selector (spec §3.11): containers, not the pause container nor the sums over pods. A container that was started again has a series of its own;
 * grouping gives one of each: their CPU adds up to what was used in the time, of the memory the larger counts.
 */
function usageQuery(config: HistoryConfig, namespaces: readonly string[], resource: 'cpu' | 'memory'): string {
  const { job, namespaceLabel, podLabel, containerLabel } = config;
  const matchers = [
    ...(job === '' ? [] : [`job=${quoted(job)}`]),
    namespaceMatcher(namespaceLabel, namespaces),
    `${podLabel}!=""`,
    `${containerLabel}!=""`,
    `${containerLabel}!="POD"`,
  ].join(', ');
  const by = `by (${namespaceLabel}, ${podLabel}, ${containerLabel})`;
  return resource === 'cpu'
    ? `sum ${by} (rate(${config.cpuMetric}{${matchers}}[${promDuration(config.resolutionMs)}]))`
    : `max ${by} (${config.memoryMetric}{${matchers}})`;
}

export function cpuQuery(config: HistoryConfig, namespaces: readonly string[]): string {
  return usageQuery(config, namespaces, 'cpu');
}

export function memoryQuery(config: HistoryConfig, namespaces: readonly string[]): string {
  return usageQuery(config, namespaces, 'memory');
}

/** A metric of kube-state-metrics that tells the controller of each object of a kind. */
export interface OwnerMetric {
  readonly metric: string;
  /** Names the object. */
  readonly label: string;
}

export const podOwnerMetric: OwnerMetric = { metric: 'kube_pod_owner', label: 'pod' };

/** Kinds of controllers that have one themselves. */
export const ownerMetrics: Readonly<Record<string, OwnerMetric>> = {
  ReplicaSet: { metric: 'kube_replicaset_owner', label: 'replicaset' },
  Job: { metric: 'kube_job_owner', label: 'job_name' },
};

/** All that existed at some time in the range before the point asked for. */
export function ownerQuery({ metric, label }: OwnerMetric, namespaces: readonly string[], rangeMs: number): string {
  const matchers = namespaceMatcher('namespace', namespaces);
  return `max by (namespace, ${label}, owner_kind, owner_name) (max_over_time(${metric}{${matchers}}[${promDuration(rangeMs)}]))`;
}

export function podLabelsQuery({ podLabels }: HistoryConfig, namespaces: readonly string[], rangeMs: number): string | undefined {
  if (podLabels === undefined) return undefined;
  return `last_over_time(${podLabels.metric}{${namespaceMatcher(podLabels.namespaceLabel, namespaces)}}[${promDuration(rangeMs)}])`;
}
