import type { KubeObject } from '../core/model/object.ts';
import type { NodeGroupOptions } from './engine/model.ts';
import type { LoopOptions } from './engine/loop/model.ts';
import { upstreamActuationOptions, type ActuationOptions } from './engine/loop/options.ts';

/** How nodes are taken out of the cluster: upstream's options, and what upstream has as constants. Durations in milliseconds. */
export interface ActuationConfig extends ActuationOptions {
  /** Time between two tries to evict a pod. */
  readonly evictionRetryMs: number;
  /** Added to the termination time before a pod that stays is given up. */
  readonly podHeadroomMs: number;
  /** Time between two looks whether the evicted pods have gone. */
  readonly podPollMs: number;
  /** Requests to the API server at once for the taints of one start. */
  readonly taintsAtOnce: number;
}

export const defaultActuationConfig: ActuationConfig = {
  ...upstreamActuationOptions,
  evictionRetryMs: 10_000,
  podHeadroomMs: 30_000,
  podPollMs: 5_000,
  taintsAtOnce: 5,
};

/** When the controller counts as unhealthy (§2). Milliseconds. */
export interface NodesHealthConfig {
  /** --max-inactivity: no loop has begun for so long. */
  readonly maxInactivityMs: number;
  /** --max-failing-time: no loop has succeeded for so long. */
  readonly maxFailingMs: number;
  /** --max-startup-time: the first success has not come for so long. */
  readonly maxStartupMs: number;
}

export const defaultNodesHealthConfig: NodesHealthConfig = { maxInactivityMs: 600_000, maxFailingMs: 900_000, maxStartupMs: 1_200_000 };

/** Options of a group for which neither its policy nor its cloud says otherwise. */
export type GroupDefaults = Omit<NodeGroupOptions, 'actionable'>;

/** Settings of the node controller. */
export interface NodesConfig {
  readonly loop: LoopOptions;
  readonly group: GroupDefaults;
  readonly actuation: ActuationConfig;
  readonly health: NodesHealthConfig;
  /** --frequent-loops-enabled: a productive loop is followed by another one at once, and a pod that turns unschedulable begins one. */
  readonly frequentLoops: boolean;
  /** Where the status ConfigMap and that of the expander `priority` are. */
  readonly namespace: string;
  /** --status-config-map-name; `undefined`: none is written (--write-status-configmap=false). */
  readonly statusConfigMap: string | undefined;
  /** --record-duplicated-events */
  readonly duplicatedEvents: boolean;
  /** --emit-per-nodegroup-metrics */
  readonly groupMetrics: boolean;
  /** Decide, show, change nothing. */
  readonly dryRun: boolean;
}

/** Name of the status ConfigMap unless a flag says otherwise. */
export const defaultStatusConfigMap = 'cluster-autoscaler-status';

/** Name of the ConfigMap of the expander `priority`. */
export const priorityConfigMap = 'cluster-autoscaler-priority-expander';

/** The priorities in that ConfigMap; `undefined`: it is not there, or has none. */
export function prioritiesOf(map: KubeObject | undefined): string | undefined {
  return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.['priorities'];
}
