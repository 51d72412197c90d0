import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Condition } from '../../core/model/condition.ts';
import type { RequestReference } from '../../core/model/intent.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import type { Milli, ScalingSpec } from './spec.ts';

export type * from './spec.ts';

/** Requests or overhead by resource name. */
export type ResourceMap = Readonly<Record<string, Milli>>;

export interface ContainerRequests {
  readonly name: string;
  readonly requests: ResourceMap;
}

export interface InitContainerRequests extends ContainerRequests {
  /** `restartPolicy: Always`: a native sidecar. */
  readonly restartable: boolean;
}

/** A pod as far as the replica calculation reads it. */
export interface HpaPod {
  readonly name: string;
  readonly phase: string;
  /** A deletion timestamp is set. */
  readonly deleting: boolean;
  /** Status of the Ready condition; `undefined` when there is none. */
  readonly ready: 'True' | 'False' | 'Unknown' | undefined;
  /** Last transition of the Ready condition, epoch milliseconds; 0 when unset (long ago). */
  readonly readyTransition: number;
  /** `status.startTime`, epoch milliseconds. */
  readonly startTime: number | undefined;
  readonly containers: readonly ContainerRequests[];
  readonly initContainers: readonly InitContainerRequests[];
  /** `spec.resources.requests`; `undefined` when the pod has no pod-level resources. */
  readonly podRequests: ResourceMap | undefined;
  readonly overhead: ResourceMap;
}

/** What was measured for one pod. */
export interface PodSample {
  readonly pod: string;
  /** End of the measured window, epoch milliseconds. */
  readonly timestamp: number;
  readonly windowMs: number;
  /** Usage by container; a container that lacks the resource has `undefined`. */
  readonly containers: readonly { readonly name: string; readonly value: Milli | undefined }[];
}

/** What was measured for one pod by a custom metric. */
export interface PodValue {
  readonly pod: string;
  readonly timestamp: number;
  readonly windowMs: number;
  readonly value: Milli;
}

/** Why the data may be used for growth but not for shrinking: the source is down and its last answer is held, a part is absent, … */
export interface Degradation {
  readonly reason: UnknownReason;
  /** One sentence: what, which pods. */
  readonly detail: string;
  /** Since when, epoch milliseconds; absent when it is not known. */
  readonly since?: number | undefined;
  /** When it ends by itself, epoch milliseconds. */
  readonly until?: number | undefined;
}

/** The data of one metric, in the order of the spec. */
export type MetricResult =
  | { readonly kind: 'usage'; readonly samples: readonly PodSample[]; readonly degraded?: Degradation | undefined }
  | { readonly kind: 'pod-values'; readonly values: readonly PodValue[]; readonly degraded?: Degradation | undefined }
  /** Object: exactly one; External: all series, which are summed. */
  | { readonly kind: 'values'; readonly values: readonly Milli[]; readonly degraded?: Degradation | undefined }
  /** The source did not answer, or with nothing that can be used. */
  | {
      readonly kind: 'failure';
      readonly message: string;
      readonly reason?: UnknownReason | undefined;
      readonly since?: number | undefined;
    };

/** Settings of the engine; the defaults are in `hpa/config.ts`. */
export interface EngineConfig {
  readonly cpuInitializationMs: number;
  readonly initialReadinessDelayMs: number;
  /** Band on both sides of the target, 0.1 = 10 %. */
  readonly tolerance: number;
  readonly downscaleStabilizationMs: number;
  /** Growth per evaluation without behavior: this factor … */
  readonly scaleUpLimitFactor: number;
  /** … but at least to this count. */
  readonly scaleUpLimitMinimum: number;
  /** Upstream's gate HPAScaleToZero. */
  readonly scaleToZero: boolean;
  /** Upstream's gate PodLevelResources. */
  readonly podLevelResources: boolean;
  /** House rule: with a greater share of counted pods without a sample nothing shrinks; 1 turns it off (upstream). */
  readonly missingShareFreeze: number;
  /** Evaluations closer together than this look at one and the same answer: they count as one failure of a metric. Default 5000. */
  readonly failureSpacingMs?: number | undefined;
}

export interface Recommendation {
  readonly replicas: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface ScaleEvent {
  /** Replicas added or removed, positive. */
  readonly change: number;
  readonly at: number;
  readonly outdated: boolean;
}

/** A metric that has failed in every evaluation since. */
export interface FailureCount {
  /** Place in the spec's list of metrics. */
  readonly index: number;
  /** Type and name: after an edit of the policy a count of another metric does not carry over. */
  readonly metric: string;
  /** Failed evaluations in a row; counted up to the threshold of the fallback and no further, so that an outage does not rewrite status for ever. */
  readonly failures: number;
  /** The first of them, epoch milliseconds. */
  readonly since: number;
  /** The last that was counted; `undefined` when it was read back from status. */
  readonly countedAt: number | undefined;
}

/** What the engine remembers of one policy between two evaluations; in memory only, as upstream, but for `failures`, which status keeps. */
export interface HpaState {
  /** `undefined`: none yet; the first evaluation records the current size (holds back shrinking for one window after a restart). */
  readonly recommendations: readonly Recommendation[] | undefined;
  readonly scaleUpEvents: readonly ScaleEvent[];
  readonly scaleDownEvents: readonly ScaleEvent[];
  /** Metrics that fail; a metric that works is not in it. */
  readonly failures?: readonly FailureCount[] | undefined;
}

export const emptyState: HpaState = { recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [] };

/** Metric status as autoscaling/v2 shows it; a failed metric is an empty object. */
export type MetricStatus = Readonly<Record<string, unknown>>;

/** The part of the stored status that the next evaluation reads. */
export interface PreviousStatus {
  readonly conditions: readonly Condition[];
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
}

/** Whether the pods of the target can be told; checked by the caller, judged in the engine at upstream's place. */
export type SelectorState =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: 'InvalidSelector' | 'AmbiguousSelector';
      /** Reason of the Event: differs from the condition's when the selector is empty. */
      readonly event: 'SelectorRequired' | 'InvalidSelector' | 'AmbiguousSelector';
      readonly message: string;
    };

/** Which pods that match the selector are not of the target. */
export interface PodSelectionFacts {
  /** Names of the pods that belong to others. */
  readonly foreign: readonly string[];
  /** One sentence: how they were told. */
  readonly note: string;
}

export interface EvaluationInput {
  readonly subject: ObjectReference;
  readonly target: ObjectReference;
  readonly spec: ScalingSpec;
  readonly scale: { readonly specReplicas: number; readonly statusReplicas: number };
  readonly selector: SelectorState;
  /** Pods of the namespace that match the scale's selector, without those that `selection` leaves out. */
  readonly pods: readonly HpaPod[];
  /** What `ownedPods` left out; their samples are left out too. Absent: pods are told by labels only, as upstream. */
  readonly selection?: PodSelectionFacts | undefined;
  /** A requests policy moves requests of the pods: `pods` have those of the template in their place. */
  readonly requestReference?: RequestReference | undefined;
  /** One for each metric of the spec. */
  readonly results: readonly MetricResult[];
  readonly state: HpaState;
  readonly status: PreviousStatus;
  readonly history: ScalingHistory;
  /** Another controller scales the same target: one sentence that names it. Holds every change. */
  readonly conflict?: string | undefined;
  /** `metadata.generation`, for the conditions. */
  readonly generation?: number | undefined;
  readonly now: number;
  readonly config: EngineConfig;
}

/** An Event that the caller should emit. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Labels of upstream's metric_computation_total for one metric. */
export interface MetricLabels {
  readonly type: string;
  readonly action: 'scale_up' | 'scale_down' | 'none';
  readonly error: 'none' | 'internal' | 'spec';
}
