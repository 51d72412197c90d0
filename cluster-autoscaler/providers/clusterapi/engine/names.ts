/** Keys of annotations and labels of Cluster API (§18). The API group stands in most of them and can be another one (`CAPI_GROUP`). Pure. */

export const defaultGroup = 'cluster.x-k8s.io';

/** Where upstream's from-zero annotations begin; the same for every API group. */
export const capacityPrefix = 'capacity.cluster-autoscaler.kubernetes.io/';

export interface CapiKeys {
  readonly group: string;
  readonly minSize: string;
  readonly maxSize: string;
  /** Marks a Machine as the one to go. */
  readonly deleteMachine: string;
  /** Label with the cluster's name. */
  readonly clusterName: string;
  /** Label of what a MachineDeployment owns, and of what a MachinePool owns. */
  readonly deploymentName: string;
  readonly poolName: string;
  /** Annotations of a Node: name of its Machine, and its namespace. */
  readonly machine: string;
  readonly clusterNamespace: string;
  readonly paused: string;
  readonly optionPrefix: string;
}

export function keysOf(group: string): CapiKeys {
  return {
    group,
    minSize: `${group}/cluster-api-autoscaler-node-group-min-size`,
    maxSize: `${group}/cluster-api-autoscaler-node-group-max-size`,
    deleteMachine: `${group}/delete-machine`,
    clusterName: `${group}/cluster-name`,
    deploymentName: `${group}/deployment-name`,
    poolName: `${group}/pool-name`,
    machine: `${group}/machine`,
    clusterNamespace: `${group}/cluster-namespace`,
    paused: `${group}/paused`,
    optionPrefix: `${group}/autoscaling-options-`,
  };
}
