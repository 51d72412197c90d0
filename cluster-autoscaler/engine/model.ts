/**
 * The words of the node controller's engine: what every part of it is handed and hands on. Pure data. Times are epoch milliseconds, durations
 * milliseconds, resources thousandths (see `core/model`), prices currency units per hour.
 */
import type { CooldownPolicy, NodeRecord, PdbRecord, PodRecord, ScaleIntent } from '../../core/model/index.ts';
import type { DeviceFacts, SliceRecord } from './scheduling/devices/model.ts';

/** Class of a cloud's error for one instance or for one call. `out-of-resources` covers insufficient capacity and quotas. */
export type ProviderErrorClass = 'out-of-resources' | 'other';

/** Why an instance will not come, or why a call was refused. */
export interface ProviderFailure {
  readonly class: ProviderErrorClass;
  /** The cloud's own code, for example `InsufficientInstanceCapacity`. */
  readonly code: string;
  readonly message: string;
}

/** One machine as the cloud lists it. */
export interface Instance {
  /** Equal to the `spec.providerID` of its node, or a placeholder's id. */
  readonly id: string;
  readonly state: 'running' | 'creating' | 'deleting';
  readonly failure?: ProviderFailure | undefined;
}

/** An imaginary empty node of a group, with the pods that every node of it carries (daemons, mirrors). */
export interface NodeTemplate {
  readonly node: NodeRecord;
  readonly pods: readonly PodRecord[];
  /** Devices that the node alone has (dynamic resource allocation), with names of their own. */
  readonly slices?: readonly SliceRecord[] | undefined;
  /** Those of them that its pods hold, by {@link deviceKey}. */
  readonly heldDevices?: readonly string[] | undefined;
}

/** A pod of a DaemonSet that is to run on every node which it allows: what templates are completed with. */
export interface DaemonPod {
  /** uid of the DaemonSet. */
  readonly owner: string;
  readonly pod: PodRecord;
}

/** Options that may differ from group to group; defaults come from the flags. */
export interface NodeGroupOptions {
  /** Share, 0…1; a node at or below it is a candidate. */
  readonly utilizationThreshold: number;
  readonly gpuUtilizationThreshold: number;
  readonly unneededMs: number;
  readonly unreadyMs: number;
  readonly maxProvisionMs: number;
  readonly maxStartupMs: number;
  /** Scaled to zero or to the maximum only. */
  readonly zeroOrMax: boolean;
  readonly ignoreDaemonSetsUtilization: boolean;
  /** House cooldowns of the group; both 0 where upstream's delays rule. */
  readonly cooldown: CooldownPolicy;
  /** False: the group is looked at and reported, never changed (policy mode DryRun or Paused). */
  readonly actionable: boolean;
}

/** A node group (AWS: Auto Scaling group) at the start of a loop. */
export interface NodeGroup {
  /** Unique: on AWS the group's name. */
  readonly id: string;
  /** Nodes that have to stay; more than {@link leastSize} where a disruption budget keeps others. */
  readonly minSize: number;
  /** Size that the group is to have at least; absent: {@link minSize}. */
  readonly leastSize?: number | undefined;
  readonly maxSize: number;
  /** What the cloud was asked for. */
  readonly targetSize: number;
  readonly instances: readonly Instance[];
  /** The provider's own template; `undefined` with a reason when it has none (unknown instance type, no zone). */
  readonly template: NodeTemplate | undefined;
  readonly templateProblem?: string | undefined;
  readonly options: NodeGroupOptions;
  /** Per node and hour; `undefined` when nobody knows. */
  readonly price?: number | undefined;
  /** Priority by policy, for the expander `priority` when there is no ConfigMap. */
  readonly priority?: number | undefined;
  /** Times of the last scalings, for cooldowns. */
  readonly lastScaleUp?: number | undefined;
  readonly lastScaleDown?: number | undefined;
}

/** A workload controller as drain rules and pod injection look at it. `undefined` in a lookup means: looked for and not there. */
export interface ControllerFacts {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** spec.replicas; `undefined` for kinds without. */
  readonly specReplicas: number | undefined;
  readonly statusReplicas: number | undefined;
}

/** Everything that one loop reads. Immutable. */
export interface LoopInput {
  readonly now: number;
  readonly nodes: readonly NodeRecord[];
  /** All pods that are not Succeeded or Failed, and those that are (dropped by the loop). */
  readonly pods: readonly PodRecord[];
  readonly pdbs: readonly PdbRecord[];
  readonly daemonPods: readonly DaemonPod[];
  /** By `kind/namespace/name`; absent: lookups are not available and rules that need them are skipped. */
  readonly controllers?: ReadonlyMap<string, ControllerFacts> | undefined;
  readonly groups: readonly NodeGroup[];
  /** Group of each managed node by node name, as the provider tells; absent: the group that lists an instance with the node's providerID. */
  readonly groupOfNode?: ReadonlyMap<string, string> | undefined;
  /** Names of nodes of which the cloud says that their instance is gone; where it cannot tell, the deletion taint decides (§4.1). */
  readonly gone?: { readonly nodes: ReadonlySet<string>; readonly unknown: ReadonlySet<string> } | undefined;
  /** Labels of namespaces, for namespaceSelector. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Progress of deletions that run in the background. */
  readonly deletions: DeletionProgress;
  /** When the last pod was heard to have turned unschedulable, epoch milliseconds; `undefined`: the creation of the newest pod stands for it. */
  readonly lastPodAt?: number | undefined;
  /** Text of the expander ConfigMap's `priorities`; `undefined` when there is none. */
  readonly priorities?: string | undefined;
  /** What the replicas controller is about to want (look-ahead). */
  readonly intents: readonly ScaleIntent[];
  /** Claims on devices and who offers them; absent: not known, and neither is where a pod with such claims can go. */
  readonly devices?: DeviceFacts | undefined;
}

/** What the actuator has under way and what it ended since the last loop. */
export interface DeletionProgress {
  readonly running: readonly { readonly node: string; readonly group: string; readonly kind: 'empty' | 'drain'; readonly since: number }[];
  readonly ended: readonly {
    readonly node: string;
    readonly group: string;
    readonly at: number;
    readonly result: 'deleted' | 'failed' | 'refused';
    readonly message: string;
  }[];
}

/** Something that the loop wants done in the world, now; the driver answers how it went. */
export type Effect =
  | { readonly type: 'increase-size'; readonly group: string; readonly delta: number }
  /** Takes back what was asked for and has not come; `delta` is negative. Never removes an existing node. */
  | { readonly type: 'decrease-target-size'; readonly group: string; readonly delta: number }
  /** Instances without a node: failed or never registered. */
  | {
      readonly type: 'delete-instances';
      readonly group: string;
      readonly instances: readonly string[];
      readonly forced: boolean;
      readonly why: 'creation-error' | 'unregistered';
    }
  /** Taints and cordons all of them, or none; the driver then deletes in the background. */
  | { readonly type: 'start-deletion'; readonly nodes: readonly PlannedDeletion[] }
  | { readonly type: 'soft-taint'; readonly add: readonly string[]; readonly remove: readonly string[] }
  /** Left-over taints of an earlier run. */
  | {
      readonly type: 'clean-taints';
      readonly nodes: readonly { readonly node: string; readonly taints: readonly string[]; readonly uncordon: boolean }[];
    };

/** A node that is to go. */
export interface PlannedDeletion {
  readonly node: string;
  readonly group: string;
  readonly kind: 'empty' | 'drain';
  /** Pods to evict and wait for, then daemon pods; uids. */
  readonly evict: readonly string[];
  readonly daemons: readonly string[];
  readonly reason: 'empty' | 'underutilized' | 'unready';
  /** max(cpu, memory) share at the decision. */
  readonly utilization: number;
}

export type EffectResult = { readonly ok: true } | { readonly ok: false; readonly failure: ProviderFailure };

/** Why a node stays; the label of the metric `unremovable_nodes_count` and the words of the spec's §20. */
export type UnremovableReason =
  | 'ScaleDownDisabledAnnotation'
  | 'ScaleDownUnreadyDisabled'
  | 'NotAutoscaled'
  | 'NotUnneededLongEnough'
  | 'NotUnreadyLongEnough'
  | 'NodeGroupMinSizeReached'
  | 'NodeGroupMaxDeletionCountReached'
  | 'AtomicScaleDownFailed'
  | 'MinimalResourceLimitExceeded'
  | 'CurrentlyBeingDeleted'
  | 'NotUnderutilized'
  | 'NotUnneededOtherReason'
  | 'RecentlyUnremovable'
  | 'NoPlaceToMovePods'
  | 'BlockedByPod'
  | 'UnexpectedError'
  | 'NoNodeInfo'
  | 'BlockedByOnCompletionPod'
  // Ours: the house cooldown of the group holds it, or its policy does not let the group be changed.
  | 'InCooldown'
  | 'PolicyHolds';

/** Why a pod blocks the drain of its node (§14). */
export type BlockingReason =
  | 'ControllerNotFound'
  | 'MinReplicasReached'
  | 'NotReplicated'
  | 'LocalStorageRequested'
  | 'NotSafeToEvictAnnotation'
  | 'UnmovableKubeSystemPod'
  | 'NotEnoughPdb'
  | 'UnexpectedError';

/** A pod that keeps its node. */
export interface BlockingPod {
  readonly namespace: string;
  readonly name: string;
  readonly reason: BlockingReason;
  /** The budget, for `NotEnoughPdb`. */
  readonly pdb?: string | undefined;
}

/** Filters in the scheduler's order; the first that fails is named. */
export type FilterName =
  | 'NodeUnschedulable'
  | 'NodeName'
  | 'TaintToleration'
  | 'NodeAffinity'
  | 'NodePorts'
  | 'NodeResourcesFit'
  | 'VolumeRestrictions'
  | 'NodeVolumeLimits'
  | 'VolumeBinding'
  | 'VolumeZone'
  | 'PodTopologySpread'
  | 'InterPodAffinity'
  | 'DynamicResources';

/** Why a node does not take a pod: the first filter that fails, and its reason in the scheduler's words with the numbers. */
export interface FilterFailure {
  readonly filter: FilterName;
  readonly reason: string;
  /** For NodeResourcesFit: the resources that do not fit, with what is asked for and what is free. */
  readonly resources?: readonly { readonly name: string; readonly requested: number; readonly free: number }[] | undefined;
}
