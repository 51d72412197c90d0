import { defaultCooldown } from '../../../core/model/index.ts';
import type { NodeGroupOptions } from '../model.ts';
import type { DrainPriority, LoopOptions } from './model.ts';

/** How deletions are carried out in the background (§15); read by whoever carries out effects. Durations in milliseconds. */
export interface ActuationOptions {
  readonly deleteDelayAfterTaintMs: number;
  /** Longest wait for annotations that delay a deletion. */
  readonly deletionDelayTimeoutMs: number;
  /** Nodes of a group that are ready to go are collected for so long and given back together; 0: each at once. */
  readonly deletionBatcherIntervalMs: number;
  /** Longest that a pod gets to end; 0: as long as it says itself. Not looked at where there are {@link drainPriorities}. */
  readonly maxGracefulTerminationMs: number;
  /** --drain-priority-config: pods are evicted by priority, lowest first; empty: all at once. */
  readonly drainPriorities: readonly DrainPriority[];
  readonly maxPodEvictionMs: number;
  readonly cordonNode: boolean;
  readonly evictDaemonsFromOccupied: boolean;
  readonly evictDaemonsFromEmpty: boolean;
  /** Time within one loop for soft taints. */
  readonly maxBulkSoftTaintMs: number;
}

const second = 1_000;
const minute = 60_000;

/** The upstream autoscaler's defaults (§21), and its one option a loop. */
export const upstreamLoopOptions: LoopOptions = Object.freeze<LoopOptions>({
  compat: 'cluster-autoscaler',
  expanders: ['least-waste'],
  seed: 0,
  balanceSimilarNodeGroups: false,
  balancingIgnoreLabels: [],
  balancingLabels: [],
  providerIgnoredLabels: [],
  memoryDifferenceRatio: 0.015,
  maxFreeDifferenceRatio: 0.05,
  maxAllocatableDifferenceRatio: 0.05,
  maxNodesTotal: 0,
  cores: { min: 0, max: 320_000 },
  memoryGiB: { min: 0, max: 6_400_000 },
  gpus: [],
  maxNodesPerScaleUp: 1000,
  maxNodeGroupBinpackingMs: 10 * second,
  maxBinpackingMs: 5 * minute,
  okTotalUnreadyCount: 3,
  maxTotalUnreadyPercentage: 45,
  initialBackoffMs: 5 * minute,
  maxBackoffMs: 30 * minute,
  backoffResetMs: 180 * minute,
  newPodScaleUpDelayMs: 0,
  newPodsQuietMs: undefined,
  expendablePodsPriorityCutoff: -10,
  enforceNodeGroupMinSize: false,
  forceDaemonSets: false,
  parallelScaleUp: false,
  scaleDownEnabled: true,
  scaleDownUnreadyEnabled: true,
  scaleDownDelayAfterAddMs: 10 * minute,
  scaleDownDelayAfterDeleteMs: 0,
  scaleDownDelayAfterFailureMs: 3 * minute,
  scaleDownDelayTypeLocal: false,
  ignoreMirrorPodsUtilization: false,
  scaleDownSimulationTimeoutMs: 30 * second,
  unremovableNodeRecheckMs: 5 * minute,
  candidateTtlMs: 0,
  maxScaleDownParallelism: 10,
  maxDrainParallelism: 1,
  maxBulkSoftTaintCount: 10,
  skipNodesWithSystemPods: true,
  skipNodesWithLocalStorage: true,
  skipNodesWithCustomControllerPods: true,
  minReplicaCount: 0,
  blockingSystemPodMs: 60 * minute,
  forceDeleteUnregisteredNodes: false,
  forceDeleteFailedNodes: false,
  startupTaints: [],
  statusTaints: [],
  gpuLabel: '',
  scanIntervalMs: 10 * second,
  bypassedSchedulerNames: [],
  severalPoolsPerLoop: false,
  lookAhead: false,
});

/** Upstream's defaults of what may differ from group to group; no cooldowns: its delays rule. */
export const upstreamGroupOptions: NodeGroupOptions = Object.freeze({
  utilizationThreshold: 0.5,
  gpuUtilizationThreshold: 0.5,
  unneededMs: 10 * minute,
  unreadyMs: 20 * minute,
  maxProvisionMs: 15 * minute,
  maxStartupMs: 15 * minute,
  zeroOrMax: false,
  ignoreDaemonSetsUtilization: false,
  cooldown: { scaleUpMs: 0, scaleDownMs: 0 },
  actionable: true,
});

export const upstreamActuationOptions: ActuationOptions = Object.freeze({
  deleteDelayAfterTaintMs: 5 * second,
  deletionDelayTimeoutMs: 2 * minute,
  deletionBatcherIntervalMs: 0,
  maxGracefulTerminationMs: 600 * second,
  drainPriorities: [],
  maxPodEvictionMs: 2 * minute,
  cordonNode: true,
  evictDaemonsFromOccupied: true,
  evictDaemonsFromEmpty: false,
  maxBulkSoftTaintMs: 3 * second,
});

/**
 * The house's way: all pending pods in one loop, nodes in time for pods that are about to be made, minimum sizes kept, and the house cooldowns of each
 * group ({@link defaultGroupOptions}) instead of upstream's delays.
 */
export const defaultLoopOptions: LoopOptions = Object.freeze<LoopOptions>({
  ...upstreamLoopOptions,
  // A new node gets every DaemonSet's pod, whether the node that it is measured by has it or not.
  forceDaemonSets: true,
  compat: 'none',
  enforceNodeGroupMinSize: true,
  candidateTtlMs: 30 * minute,
  scaleDownDelayAfterAddMs: 0,
  scaleDownDelayAfterDeleteMs: 0,
  scaleDownDelayAfterFailureMs: 0,
  newPodsQuietMs: 400,
  severalPoolsPerLoop: true,
  lookAhead: true,
});

/** As upstream, with the house cooldowns: 3 minutes between scale-ups, 5 minutes from any scaling to a scale-down. */
export const defaultGroupOptions: NodeGroupOptions = Object.freeze({ ...upstreamGroupOptions, cooldown: defaultCooldown });
