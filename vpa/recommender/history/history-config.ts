const hour = 3_600_000;
const day = 24 * hour;

/** Where history comes from and how it is asked for. Upstream's flags are named; its defaults of the three label names are older than cAdvisor's present ones. */
export interface HistoryConfig {
  /** Names the server in the keys of cached blocks: another server has another past. */
  readonly source: string;
  /** --history-length, milliseconds. */
  readonly lengthMs: number;
  /** --history-resolution, milliseconds; a day should be a multiple of it. */
  readonly resolutionMs: number;
  /** --history-cpu-metric, --history-memory-metric */
  readonly cpuMetric: string;
  readonly memoryMetric: string;
  /** --prometheus-cadvisor-job-name; empty: whatever job. */
  readonly job: string;
  /** --container-namespace-label, --container-pod-name-label, --container-name-label */
  readonly namespaceLabel: string;
  readonly podLabel: string;
  readonly containerLabel: string;
  /** Ask kube-state-metrics (`kube_pod_owner` and its like) whose the pods were that are gone. */
  readonly owners: boolean;
  /**
   * --metric-for-pod-labels and its companions: a metric whose labels with the prefix are the pods' labels, such as kube_pod_labels with `label_`; spelled as
   * Prometheus must (`app_kubernetes_io_name`). `undefined`: none.
   */
  readonly podLabels:
    { readonly metric: string; readonly prefix: string; readonly namespaceLabel: string; readonly podLabel: string } | undefined;
  /** Namespaces that one query is about at most. */
  readonly namespacesPerQuery: number;
  /** Memory that the points of one batch may take, about; the batch gets fewer namespaces for it. One namespace is never split. */
  readonly batchBytes: number;
  /** A namespace that failed so often is given up. */
  readonly maxAttempts: number;
  /** Least and most waiting after a failure, milliseconds. */
  readonly backoffMs: { readonly base: number; readonly cap: number };
}

export const defaultHistoryConfig: HistoryConfig = {
  source: 'prometheus',
  lengthMs: 8 * day,
  resolutionMs: hour,
  cpuMetric: 'container_cpu_usage_seconds_total',
  memoryMetric: 'container_memory_working_set_bytes',
  job: '',
  namespaceLabel: 'namespace',
  podLabel: 'pod',
  containerLabel: 'container',
  owners: true,
  podLabels: undefined,
  namespacesPerQuery: 20,
  batchBytes: 96 * 1024 * 1024,
  maxAttempts: 12,
  backoffMs: { base: 10_000, cap: 600_000 },
};
