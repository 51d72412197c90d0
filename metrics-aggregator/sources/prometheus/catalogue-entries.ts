/** A query that the suite knows by name. */
export interface CatalogueEntry {
  readonly name: string;
  readonly description: string;
  /** Unit of the values. */
  readonly unit: string;
  /** PromQL with placeholders (see query-template.ts). */
  readonly query: string;
}

/** Series of containers: without the pod's own cgroup (no container) and the pause container. */
const containers = 'container!="",container!="POD"';

/**
 * Queries on what every cluster has: cAdvisor (in the kubelet) and kube-state-metrics (2.x). Those for all namespaces take matchers for fewer. The label
 * `node` of cAdvisor's series comes from the usual relabeling of kube-prometheus; a cluster without it overrides the node queries.
 */
export const builtInEntries: readonly CatalogueEntry[] = [
  {
    name: 'cpuUsage',
    description: 'CPU that each container used, averaged over the range (cAdvisor).',
    unit: 'cores',
    query: `sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{${containers}}[{{range}}]))`,
  },
  {
    name: 'memoryUsage',
    description: 'Working set of each container (cAdvisor): what the kubelet evicts by, and Metrics Server reports.',
    unit: 'bytes',
    query: `max by (namespace, pod, container) (container_memory_working_set_bytes{${containers}})`,
  },
  {
    name: 'usageTimestamps',
    description: 'When the oldest of the newest samples of each pod was taken (cAdvisor); the true age of cpuUsage and memoryUsage.',
    unit: 'unix seconds',
    query: `min by (namespace, pod) (timestamp(container_memory_working_set_bytes{${containers}}))`,
  },
  {
    name: 'memoryPeak',
    description: 'Highest working set of each container in the range (cAdvisor).',
    unit: 'bytes',
    query: `max by (namespace, pod, container) (max_over_time(container_memory_working_set_bytes{${containers}}[{{range}}]))`,
  },
  {
    name: 'cpuThrottling',
    description: 'Share of its CPU periods in which each container was throttled (cAdvisor).',
    unit: 'ratio',
    query:
      `sum by (namespace, pod, container) (rate(container_cpu_cfs_throttled_periods_total{${containers}}[{{range}}]))` +
      ` / sum by (namespace, pod, container) (rate(container_cpu_cfs_periods_total{${containers}}[{{range}}]))`,
  },
  {
    name: 'oomEvents',
    description: 'Times that each container ran out of memory in the range (cAdvisor).',
    unit: 'events',
    query: `sum by (namespace, pod, container) (increase(container_oom_events_total{${containers}}[{{range}}]))`,
  },
  {
    name: 'oomKills',
    description:
      'Restarts in the range of containers whose last end was OOMKilled (kube-state-metrics). The reason alone says nothing: it stays until the container is replaced.',
    unit: 'restarts',
    query:
      'sum by (namespace, pod, container) (increase(kube_pod_container_status_restarts_total[{{range}}]))' +
      ' * on (namespace, pod, container) max by (namespace, pod, container) (kube_pod_container_status_last_terminated_reason{reason="OOMKilled"})',
  },
  {
    name: 'restarts',
    description: 'Restarts of each container in the range (kube-state-metrics).',
    unit: 'restarts',
    query: 'sum by (namespace, pod, container) (increase(kube_pod_container_status_restarts_total[{{range}}]))',
  },
  {
    name: 'requests',
    description: 'Requests of each container by resource and unit (kube-state-metrics).',
    unit: 'as the label unit says',
    query: 'max by (namespace, pod, container, resource, unit) (kube_pod_container_resource_requests)',
  },
  {
    name: 'limits',
    description: 'Limits of each container by resource and unit (kube-state-metrics).',
    unit: 'as the label unit says',
    query: 'max by (namespace, pod, container, resource, unit) (kube_pod_container_resource_limits)',
  },
  {
    name: 'allocatable',
    description: 'What each node has for pods, by resource and unit (kube-state-metrics).',
    unit: 'as the label unit says',
    query: 'max by (node, resource, unit) (kube_node_status_allocatable)',
  },
  {
    name: 'podOwners',
    description: 'Controller of each pod in the range, also of pods that are gone (kube-state-metrics).',
    unit: 'presence',
    query: 'max by (namespace, pod, owner_kind, owner_name) (last_over_time(kube_pod_owner{owner_is_controller="true"}[{{range}}]))',
  },
  {
    name: 'replicaSetOwners',
    description: 'Controller of each ReplicaSet in the range (kube-state-metrics): with podOwners it leads from a pod to its Deployment.',
    unit: 'presence',
    query:
      'max by (namespace, replicaset, owner_kind, owner_name) (last_over_time(kube_replicaset_owner{owner_is_controller="true"}[{{range}}]))',
  },
  {
    name: 'podLabels',
    description:
      'Labels of each pod in the range (kube-state-metrics, which must be told to expose them: --metric-labels-allowlist=pods=[*]).',
    unit: 'presence',
    query: 'last_over_time(kube_pod_labels[{{range}}])',
  },
  {
    name: 'podPhase',
    description: 'Phase of each pod (kube-state-metrics).',
    unit: 'presence',
    query: 'max by (namespace, pod, phase) (kube_pod_status_phase == 1)',
  },
  {
    name: 'coverage',
    description: 'Samples of memory that there are of each container in the range: how much of a history is there (cAdvisor).',
    unit: 'samples',
    query: `max by (namespace, pod, container) (count_over_time(container_memory_working_set_bytes{${containers}}[{{range}}]))`,
  },
  {
    name: 'nodeCpuUsage',
    description: 'CPU that each node used, averaged over the range (cAdvisor).',
    unit: 'cores',
    query: 'max by (node) (rate(container_cpu_usage_seconds_total{id="/",node!=""}[{{range}}]))',
  },
  {
    name: 'nodeMemoryUsage',
    description: 'Working set of each node (cAdvisor).',
    unit: 'bytes',
    query: 'max by (node) (container_memory_working_set_bytes{id="/",node!=""})',
  },
  {
    name: 'nodeTimestamps',
    description: 'When the newest sample of each node was taken (cAdvisor).',
    unit: 'unix seconds',
    query: 'min by (node) (timestamp(container_memory_working_set_bytes{id="/",node!=""}))',
  },
];
