import type { ScalingDirection, ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Decision, Hold } from '../../../core/model/decision.ts';
import type { ObjectReference } from '../../../core/model/object.ts';
import type { PdbRecord } from '../../../core/model/pdb.ts';
import type { OwnerRecord, PodRecord } from '../../../core/model/pod.ts';
import type { UpdaterConfig } from '../../config.ts';
import type { Amounts, ContainerRecommendation } from '../../model.ts';
import type { KnownPolicy, WorkloadFacts } from '../../ports.ts';
import type { LoopState } from './eviction-loop.ts';

/** Requests and limits that a container is to have; limits that are not to be touched are absent. */
export interface ContainerResources {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** A recommendation made fit for one pod: LimitRanges, policy and limits are in it. */
export interface AdaptedPod {
  readonly containers: readonly ContainerRecommendation[];
  /** By container name: what an update would set. */
  readonly resources: ReadonlyMap<string, ContainerResources>;
  /** What was clamped, one note each: `cpu of web: capped to maxAllowed`. */
  readonly clamps: readonly string[];
}

/** How a recommendation becomes that of a pod (spec §4). `undefined`: there is none for it. Of the pod it reads its shape and its statuses, so that pods that are alike share an answer. */
export type AdaptPod = (policy: KnownPolicy, pod: PodRecord) => AdaptedPod | undefined;

/** Resized in place; evicted; the start-up boost taken back in place; the workload rolled so that a new pod comes first. */
export type UpdateMethod = 'resize' | 'evict' | 'unboost' | 'surge';

export interface ContainerChange {
  readonly container: string;
  /** What the container asks for now; a resource that is absent has no request. */
  readonly from: Amounts;
  readonly to: Amounts;
}

export interface UpdateAction {
  readonly pod: PodRecord;
  readonly method: UpdateMethod;
  readonly changes: readonly ContainerChange[];
  /** `undefined` for the end of a start-up boost, which is no scaling. */
  readonly direction: ScalingDirection | undefined;
  /** One sentence. */
  readonly why: string;
}

/** Why a pod is left as it is; stable names. */
export type SkipCode =
  | 'in-range'
  | 'young'
  | 'small-change'
  | 'no-change'
  | 'requirements'
  | 'boosted'
  | 'mode'
  | 'no-recommendation'
  | 'held'
  | 'too-few-replicas'
  | 'no-controller'
  | 'unknown-replicas'
  | 'pending'
  | 'disruption-tolerance'
  | 'resizing'
  | 'asked'
  | 'infeasible'
  | 'gone'
  | 'failed'
  | 'rolling';

export interface PodSkip {
  readonly pod: PodRecord;
  readonly code: SkipCode;
  /** One sentence for a person. */
  readonly message: string;
  readonly hold?: Hold | undefined;
}

/** All that is to be known for one pass over one policy. */
export interface UpdateInput {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly known: KnownPolicy;
  /** What the policy acts on, for decisions. */
  readonly target: ObjectReference;
  /** The target itself, when it is mirrored. */
  readonly workload: WorkloadFacts | undefined;
  /** Every pod that the policy controls, those included that cannot be acted on. */
  readonly pods: readonly PodRecord[];
  /** Replicas of an owner of pods: see {@link configuredReplicas}. */
  readonly configured: (owner: OwnerRecord, live: number) => ConfiguredReplicas;
  readonly adapt: AdaptPod;
  readonly config: UpdaterConfig;
  readonly history: ScalingHistory;
  readonly memory: UpdateMemory;
  /** Things outside of the policy that hold it. */
  readonly outside: OutsideHolds;
  /** Budgets that a pod is under; absent: not known beforehand. */
  readonly pdbsFor?: ((pod: PodRecord) => readonly PdbRecord[]) | undefined;
}

/** `undefined` with the reason why a group is left alone. */
export type ConfiguredReplicas = { readonly ok: true; readonly replicas: number } | { readonly ok: false; readonly message: string };

export interface OutsideHolds {
  /** Evicted pods would come back with their old requests: why the admission is not known to work. */
  readonly admission?: string | undefined;
  /** Another one acts on the target: who. */
  readonly conflict?: string | undefined;
  /** The target cannot be acted on: why. */
  readonly target?: string | undefined;
  /** The recommendation is not to be trusted any more: why. */
  readonly stale?: string | undefined;
  /** The whole program runs dry. */
  readonly dryRun: boolean;
  /** Resources that are left alone because somebody else moves by them: why, by resource. */
  readonly yields: ReadonlyMap<string, string>;
}

/** What is remembered between two passes. Maps are changed by the pass. */
export interface UpdateMemory {
  /** When a pod, by uid, was first seen resizing, epoch milliseconds. */
  readonly resizing: Map<string, number>;
  /** What could not be given to a pod, by uid. */
  readonly infeasible: Map<string, readonly ContainerRecommendation[]>;
  readonly loop: LoopState;
}

/** What came of an action. */
export type ActionOutcome =
  | { readonly result: 'done' }
  | { readonly result: 'failed'; readonly message: string; readonly infeasible?: boolean | undefined }
  /** A budget, the fence, the rate limit. */
  | { readonly result: 'held'; readonly hold: Hold; readonly endsPass: boolean }
  /** It may have been done or not: the answer did not come. It counts against the tolerance, and nothing else is tried on the pod. */
  | { readonly result: 'unknown'; readonly message: string }
  /** The pod is not any more what was decided upon. */
  | { readonly result: 'gone'; readonly message: string };

export interface UpdatePlan {
  /** In the order in which they are carried out. */
  readonly actions: readonly UpdateAction[];
  readonly skips: readonly PodSkip[];
  /** Of the policy as a whole. */
  readonly holds: readonly Hold[];
  /** One for each container and resource that is recommended for. */
  readonly decisions: readonly Decision[];
  /** To be kept for the next pass. */
  readonly loop: LoopState;
  /** Counts for metrics. */
  readonly counts: { readonly controlled: number; readonly evictable: number; readonly resizable: number };
  /** When it is worth looking again although nothing else changes, epoch milliseconds. */
  readonly again: number | undefined;
}
