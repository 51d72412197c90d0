/**
 * The words of scale-down: what a pass over the nodes is handed, what it carries to the next loop and what it answers. Times are epoch
 * milliseconds, durations milliseconds, resources thousandths, shares 0…1.
 */
import type { NodeRecord, PdbRecord, PodRecord } from '../../../core/model/index.ts';
import type { LoopOptions, NodeReport } from '../loop/model.ts';
import type { BlockingPod, ControllerFacts, DeletionProgress, NodeGroup, PlannedDeletion, UnremovableReason } from '../model.ts';
import type { CounterSets } from '../scheduling/devices/index.ts';
import type { SchedulingSnapshot } from '../scheduling/index.ts';

/** What scale-down reads of the loop's options, and what is its own. */
export interface ScaleDownOptions extends Pick<
  LoopOptions,
  | 'compat'
  | 'cores'
  | 'memoryGiB'
  | 'gpus'
  | 'gpuLabel'
  | 'ignoreMirrorPodsUtilization'
  | 'scaleDownUnreadyEnabled'
  | 'scaleDownDelayAfterAddMs'
  | 'scaleDownDelayAfterDeleteMs'
  | 'scaleDownDelayAfterFailureMs'
  | 'scaleDownDelayTypeLocal'
  | 'scaleDownSimulationTimeoutMs'
  | 'unremovableNodeRecheckMs'
  | 'candidateTtlMs'
  | 'maxScaleDownParallelism'
  | 'maxDrainParallelism'
  | 'maxBulkSoftTaintCount'
  | 'skipNodesWithSystemPods'
  | 'skipNodesWithLocalStorage'
  | 'skipNodesWithCustomControllerPods'
  | 'minReplicaCount'
  | 'blockingSystemPodMs'
> {
  /** Resource that GPU nodes (those with `gpuLabel`) offer; default: what the node shows, `nvidia.com/gpu` where it shows none. */
  readonly gpuResource?: string | undefined;
}

/** Devices that a node offers by dynamic resource allocation (DRA), one slice after the other. */
export interface DeviceSlice {
  readonly driver: string;
  readonly pool: string;
  /** Slices that the pool has when it is complete. */
  readonly poolSliceCount: number;
  /** Devices in this slice. */
  readonly devices: number;
  /** What those of them take that are partitions of something, by name of the device, then by set and counter. Absent: none is. */
  readonly partitions?: ReadonlyMap<string, CounterSets> | undefined;
  /** What partitions of the pool take of. */
  readonly counters?: CounterSets | undefined;
}

/** A device that a pod of the node holds. */
export interface HeldDevice {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
}

/** What DRA says about one node. */
export interface NodeDevices {
  readonly slices: readonly DeviceSlice[];
  readonly held: readonly HeldDevice[];
  /** Why it cannot be said how much of them is used. */
  readonly problem?: string | undefined;
}

/** What one pass reads. Immutable, but for the snapshot, which is as it was when the pass has ended (search start apart). */
export interface ScaleDownInput {
  readonly now: number;
  /**
   * The cluster with upcoming nodes and with the pending pods that fit placed. For equal results whatever the order of lists, its nodes
   * have to be added in order of name.
   */
  readonly snapshot: SchedulingSnapshot;
  /** Registered nodes that have started: candidates and destinations. Nodes of the snapshot that are not here are neither. */
  readonly nodes: readonly NodeRecord[];
  /** With the target sizes as they are now, this loop's scale-up included. */
  readonly groups: readonly NodeGroup[];
  /** Id of the group of a node; `undefined`: nobody manages it. */
  readonly groupOf: (node: NodeRecord) => string | undefined;
  readonly pdbs: readonly PdbRecord[];
  /** By `kind/namespace/name`; absent: lookups are not available. */
  readonly controllers?: ReadonlyMap<string, ControllerFacts> | undefined;
  /** As it was when the loop began. */
  readonly deletions: DeletionProgress;
  /** Scale-down is off for this loop (all pending pods are new): nodes are looked at, none goes. */
  readonly paused?: boolean | undefined;
  /** By node name; absent: dynamic resource allocation is not looked at. */
  readonly devices?: ReadonlyMap<string, NodeDevices> | undefined;
}

/** Times of a group for the delays of type local. */
export interface GroupTimes {
  readonly scaleUp?: number | undefined;
  /** A deletion that ended well. */
  readonly deletion?: number | undefined;
  /** A deletion that the cloud refused. */
  readonly refusal?: number | undefined;
}

/** A removal that was found impossible; not tried again before `until`. */
export interface RememberedFailure {
  readonly until: number;
  readonly reason: UnremovableReason;
  readonly blockedBy: BlockingPod | undefined;
  /** Without the node's name, for the report. */
  readonly message: string;
}

/** Where the pods of removable nodes found a place in the pass before. Opaque. */
export interface RemovalHints {
  /** By name of the node that the pods were on: first index in `pods` and the one after the last. */
  readonly ranges: ReadonlyMap<string, readonly [start: number, end: number]>;
  readonly pods: readonly PodRecord[];
  /** Index in `names`, by index in `pods`. */
  readonly destinations: ArrayLike<number>;
  readonly names: readonly string[];
}

/** What is carried from loop to loop; made by {@link emptyScaleDownState}. Plain data but for the maps. */
export interface ScaleDownState {
  /** First loop in a row in which the node was removable, by name. */
  readonly unneeded: ReadonlyMap<string, number>;
  /** By node name. */
  readonly failures: ReadonlyMap<string, RememberedFailure>;
  readonly hints: RemovalHints;
  /** `undefined` before the first pass. */
  readonly latest: number | undefined;
  /** Shortest time between two passes so far. */
  readonly shortestIntervalMs: number | undefined;
  readonly lastScaleUp: number | undefined;
  /** Last loop that started a deletion. */
  readonly lastDeletion: number | undefined;
  /** Last loop in which tainting failed. */
  readonly lastFailure: number | undefined;
  readonly groups: ReadonlyMap<string, GroupTimes>;
}

/** Nodes whose soft taint is to be put on or taken off. */
export interface SoftTaints {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** What a pass found and what is to be done. */
export interface ScaleDownResult {
  readonly state: ScaleDownState;
  /** To be started now, all together; empty nodes first. */
  readonly deletions: readonly PlannedDeletion[];
  readonly inCooldown: boolean;
  /** Names of the removable nodes, in order of name. */
  readonly unneeded: readonly string[];
  /** To be carried out after the deletions were started (also when that failed); nodes of `deletions` are in neither list. */
  readonly softTaints: SoftTaints;
  /** One for each node of the input, in its order. */
  readonly nodes: readonly NodeReport[];
  /** Eligible nodes that were not looked at because enough were found, or because the time was over. */
  readonly skipped: number;
  /** Their names, in order of simulation. */
  readonly skippedNodes: readonly string[];
  /** Once for each node that is due and stays, and for each resource of which the cluster would fall below its minimum. */
  readonly limited: readonly string[];
  readonly timedOut: boolean;
}

/** A pass that can be run in slices. */
export interface ScaleDownPass {
  /**
   * Goes on for about so many milliseconds of the stopwatch (to the end without a stopwatch or budget); true when the result is there. Nothing
   * else may touch the snapshot before.
   */
  step(budgetMs?: number): boolean;
  /** Runs what is left and answers. */
  result(): ScaleDownResult;
}
