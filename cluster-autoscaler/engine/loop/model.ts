/** Options, carried state and report of one loop of the node controller. */
import type { Decision } from '../../../core/model/index.ts';
import type { SchedulingFacts } from '../scheduling/snapshot.ts';
import type {
  BlockingPod,
  Effect,
  EffectResult,
  FilterFailure,
  LoopInput,
  PlannedDeletion,
  ProviderFailure,
  UnremovableReason,
} from '../model.ts';

export type ExpanderName = 'random' | 'most-pods' | 'least-nodes' | 'least-waste' | 'price' | 'priority' | 'cost';

/** Pods of this priority and above, up to that of the next one, have so many milliseconds to end when their node is drained. */
export interface DrainPriority {
  readonly priority: number;
  /** 0: as long as the pod itself says. */
  readonly graceMs: number;
}

/** What all nodes with GPUs of a type may have together; whole GPUs. */
export interface GpuLimit {
  /** Value of the cloud's GPU label, for example `nvidia-tesla-t4`. */
  readonly type: string;
  readonly min: number;
  readonly max: number;
}

/** Everything that flags say; upstream's names in kebab-case are in the comments where ours differ. Durations in milliseconds. */
export interface LoopOptions {
  /** `cluster-autoscaler`: one option a loop, upstream's delays and defaults, no look-ahead. `none`: the house's way. */
  readonly compat: 'none' | 'cluster-autoscaler';
  readonly expanders: readonly ExpanderName[];
  /** Seed of the expander `random`. */
  readonly seed: number;
  readonly balanceSimilarNodeGroups: boolean;
  readonly balancingIgnoreLabels: readonly string[];
  readonly balancingLabels: readonly string[];
  /** Labels that a cloud ignores when templates are compared. */
  readonly providerIgnoredLabels: readonly string[];
  readonly memoryDifferenceRatio: number;
  readonly maxFreeDifferenceRatio: number;
  readonly maxAllocatableDifferenceRatio: number;
  /** 0 = no limit. */
  readonly maxNodesTotal: number;
  readonly cores: { readonly min: number; readonly max: number };
  readonly memoryGiB: { readonly min: number; readonly max: number };
  /** --gpu-total, by type; acts where the cloud has a {@link gpuLabel}. No type twice. */
  readonly gpus: readonly GpuLimit[];
  readonly maxNodesPerScaleUp: number;
  readonly maxNodeGroupBinpackingMs: number;
  readonly maxBinpackingMs: number;
  readonly okTotalUnreadyCount: number;
  /** Percent. */
  readonly maxTotalUnreadyPercentage: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffResetMs: number;
  readonly newPodScaleUpDelayMs: number;
  /** House: new pods are not waited for any longer when none has turned unschedulable for so long; `undefined`: only their age counts. */
  readonly newPodsQuietMs: number | undefined;
  readonly expendablePodsPriorityCutoff: number;
  readonly enforceNodeGroupMinSize: boolean;
  readonly forceDaemonSets: boolean;
  readonly parallelScaleUp: boolean;
  readonly scaleDownEnabled: boolean;
  readonly scaleDownUnreadyEnabled: boolean;
  readonly scaleDownDelayAfterAddMs: number;
  readonly scaleDownDelayAfterDeleteMs: number;
  readonly scaleDownDelayAfterFailureMs: number;
  readonly scaleDownDelayTypeLocal: boolean;
  readonly ignoreMirrorPodsUtilization: boolean;
  readonly scaleDownSimulationTimeoutMs: number;
  readonly unremovableNodeRecheckMs: number;
  /**
   * --node-deletion-candidate-ttl: for how long what an earlier process knew of unneeded nodes is believed, be it saved or marked on the nodes by soft
   * taints; 0: never. Counted for the saved state from when it was written, for a mark from when it was made.
   */
  readonly candidateTtlMs: number;
  readonly maxScaleDownParallelism: number;
  readonly maxDrainParallelism: number;
  readonly maxBulkSoftTaintCount: number;
  readonly skipNodesWithSystemPods: boolean;
  readonly skipNodesWithLocalStorage: boolean;
  readonly skipNodesWithCustomControllerPods: boolean;
  readonly minReplicaCount: number;
  readonly blockingSystemPodMs: number;
  readonly forceDeleteUnregisteredNodes: boolean;
  readonly forceDeleteFailedNodes: boolean;
  readonly startupTaints: readonly string[];
  readonly statusTaints: readonly string[];
  /** Label that marks GPU nodes; empty: the cloud has none. */
  readonly gpuLabel: string;
  readonly scanIntervalMs: number;
  readonly bypassedSchedulerNames: readonly string[];
  /** House: choose pools for all pending pods in one loop. Off under compat. */
  readonly severalPoolsPerLoop: boolean;
  /** House: pack pods that the replicas controller is about to make. Off under compat. */
  readonly lookAhead: boolean;
}

/** A scale-up option as it was offered to the expander. */
export interface OptionReport {
  readonly group: string;
  readonly nodes: number;
  readonly pods: number;
  readonly similar: readonly string[];
  /** Score by which the expander compared it; absent for those that compare nothing. */
  readonly score?: number | undefined;
  /** Kinds of pods that it was estimated for, and namespaces that they are of; absent: it comes of a mix. */
  readonly podGroups?: number | undefined;
  readonly namespaces?: number | undefined;
}

/** Why a group could not take pending pods. */
export interface GroupRefusal {
  readonly group: string;
  /** As upstream words it: `max node group size reached`, `in backoff after failed scale-up`, `not ready for scale-up`, … or of the filter. */
  readonly reason: string;
  readonly failure?: FilterFailure | undefined;
}

export interface PendingPodReport {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /**
   * `scheduled`: room is there or coming; `helped`: of this loop's scale-up; `waits`: another pool could take it in a later loop;
   * `refused`: no pool can; `skipped`: expendable, too new, of a DaemonSet.
   */
  readonly state: 'scheduled' | 'helped' | 'waits' | 'refused' | 'skipped';
  readonly group?: string | undefined;
  readonly refusals: readonly GroupRefusal[];
  readonly message: string;
}

export interface NodeReport {
  readonly node: string;
  readonly group: string | undefined;
  readonly utilization: number | undefined;
  readonly utilizationResource: string | undefined;
  /** First loop in a row in which it was removable. */
  readonly unneededSince: number | undefined;
  readonly unremovable: UnremovableReason | undefined;
  readonly blockedBy: BlockingPod | undefined;
  /** When it would go if nothing changes; `undefined` if that cannot be known. */
  readonly removableAt: number | undefined;
  /** For how long it has to be unneeded before it may go, milliseconds; of unneeded nodes. */
  readonly waitMs: number | undefined;
  /** Of a node whose removal was simulated in vain, in this loop or (`RecentlyUnremovable`) earlier: what was found, and when it is looked at again. */
  readonly found: { readonly reason: UnremovableReason; readonly againAt: number } | undefined;
  readonly message: string;
}

export interface GroupReport {
  readonly group: string;
  readonly minSize: number;
  readonly maxSize: number;
  /** After the loop. */
  readonly targetSize: number;
  readonly health: 'healthy' | 'unhealthy';
  readonly counts: NodeCounts;
  readonly upcoming: number;
  readonly scaleUp: 'in-progress' | 'backoff' | 'no-activity';
  readonly backoff: { readonly until: number; readonly failure: ProviderFailure } | undefined;
  /** Names of unneeded nodes. */
  readonly candidates: readonly string[];
}

export interface NodeCounts {
  readonly registered: number;
  readonly ready: number;
  readonly unready: number;
  readonly resourceUnready: number;
  readonly notStarted: number;
  readonly suspended: number;
  readonly beingDeleted: number;
  readonly longUnregistered: number;
  readonly unregistered: number;
}

export type ScaleUpOutcome =
  'Successful' | 'Error' | 'NoOptionsAvailable' | 'NotNeeded' | 'NotTried' | 'InCooldown' | 'LimitedByMaxNodesTotal';

/** An event to be written, as upstream names it. */
export interface LoopEvent {
  readonly on: {
    readonly kind: 'Pod' | 'Node' | 'Status';
    readonly namespace?: string | undefined;
    readonly name: string;
    readonly uid?: string | undefined;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** One estimation of how many nodes of a group pods need. */
export interface EstimateMeasure {
  /** Empty: the template does not say. */
  readonly instanceType: string;
  /** Of a node's capacity, thousandths of a core. */
  readonly cpu: number;
  readonly podGroups: number;
  readonly namespaces: number;
}

/** What a loop is measured by, besides what it tells people. `undefined`: it did not get so far. */
export interface LoopMeasures {
  /** Controllers with more different pods that fit nowhere than are remembered. */
  readonly overflowingControllers: number | undefined;
  /** Pending pods for which no place on a node was sought. */
  readonly podsNotTried: number | undefined;
  readonly estimates: readonly EstimateMeasure[];
  /** Groups that did not grow (`up`) and nodes that did not go (`down`) because of a limit of the cluster: one for each, and for each resource. */
  readonly limited: readonly { readonly direction: 'up' | 'down'; readonly resource: string }[];
  /** Names of nodes whose removal was worth a simulation and was not simulated. */
  readonly skippedNodes: readonly string[] | undefined;
}

/** What a loop did and why. */
export interface LoopReport {
  readonly at: number;
  readonly clusterHealthy: boolean;
  readonly counts: NodeCounts;
  readonly groups: readonly GroupReport[];
  readonly nodes: readonly NodeReport[];
  readonly pods: readonly PendingPodReport[];
  readonly scaleUpOutcomes: readonly ScaleUpOutcome[];
  readonly options: readonly OptionReport[];
  readonly chosen: readonly { readonly group: string; readonly similar: readonly string[]; readonly reason: string }[];
  /** Successful increases, by group. */
  readonly scaleUps: readonly { readonly group: string; readonly delta: number }[];
  /** Pods covered by what was chosen; uids (intents have made-up ones). */
  readonly helped: readonly string[];
  readonly deletions: readonly PlannedDeletion[];
  readonly scaleDownInCooldown: boolean;
  /**
   * Groups whose list of instances must be read anew before the next loop; of the others a list may be up to 2 minutes old (§27.7): those that are
   * scaling up, and those from which instances without a node were deleted.
   */
  readonly refreshInstances: readonly string[];
  readonly events: readonly LoopEvent[];
  /** One for each group that was or would have been changed or is held, and one for each node that goes. */
  readonly decisions: readonly Decision[];
  readonly error: string | undefined;
  readonly measures: LoopMeasures;
  /** Milliseconds by step, when a stopwatch was given. */
  readonly took: Readonly<Record<string, number>>;
}

/** What the scheduler knows of volumes. */
export type VolumeFacts = Pick<SchedulingFacts, 'claims' | 'attachLimits'>;

/** What a loop may be given beside its input. */
export interface LoopExtras {
  /** Volume claims and attach limits; absent: rules about volumes are not looked at. */
  readonly volumes?: VolumeFacts | undefined;
  /** Monotonic milliseconds: with it limits of time apply and {@link LoopReport.took} is filled. */
  readonly stopwatch?: (() => number) | undefined;
  /**
   * With a stopwatch: after about so many milliseconds of work the loop yields a {@link Pause}, so that it holds nobody up for long. Absent: it yields
   * none. {@link LoopReport.took} counts pauses in.
   */
  readonly sliceMs?: number | undefined;
}

/** Where others may have their turn. Whatever is answered, the loop goes on. */
export interface Pause {
  readonly type: 'pause';
}

/** The loop itself: yields what it wants done and is told how it went. */
export type Loop = (
  input: LoopInput,
  state: LoopState,
  options: LoopOptions,
  extras?: LoopExtras,
) => Generator<Effect | Pause, { readonly state: LoopState; readonly report: LoopReport }, EffectResult>;

/** What is carried from loop to loop; made by `emptyLoopState()`. Opaque to everybody but the loop; `exportLoopState` gives what outlives a restart. */
export interface LoopState {
  readonly kind: 'loop-state';
}
