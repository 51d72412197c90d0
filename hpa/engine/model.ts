import type { CooldownPolicy, ScalingHistory } from '../../core/model/cooldown.ts';
import type { Condition } from '../../core/model/condition.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { UnknownReason } from '../../core/model/sample.ts';

/** Quantities inside the engine: thousandths (milli-cores, milli-bytes, value × 1000) as bigint, exact as upstream's int64. */
export type Milli = bigint;

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

/** The target of a metric; the branch is chosen by the field that is set, as upstream does. */
export interface MetricTarget {
  readonly type: 'Utilization' | 'Value' | 'AverageValue';
  readonly value?: Milli | undefined;
  readonly averageValue?: Milli | undefined;
  /** Whole percent of the request. */
  readonly averageUtilization?: number | undefined;
}

export type MetricSpec =
  | { readonly type: 'Resource'; readonly resource: string; readonly target: MetricTarget }
  | { readonly type: 'ContainerResource'; readonly resource: string; readonly container: string; readonly target: MetricTarget }
  | { readonly type: 'Pods'; readonly metric: string; readonly selector?: string | undefined; readonly target: MetricTarget }
  | {
      readonly type: 'Object';
      readonly metric: string;
      readonly selector?: string | undefined;
      readonly describedObject: { readonly apiVersion?: string | undefined; readonly kind: string; readonly name: string };
      readonly target: MetricTarget;
    }
  | { readonly type: 'External'; readonly metric: string; readonly selector?: string | undefined; readonly target: MetricTarget }
  /** The suite's own: one number out of a MetricSource; calculated as External. */
  | {
      readonly type: 'Prometheus';
      /** For people; the beginning of the query when the policy gives none. */
      readonly metric: string;
      readonly source: string;
      readonly query: string;
      readonly emptyMeans: 'unknown' | 'zero';
      readonly target: MetricTarget;
    }
  /** A type that nobody knows: fails with InvalidMetricSourceType as upstream does. */
  | { readonly type: 'Unknown'; readonly name: string };

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

export interface ScalingRule {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

/** One direction of `behavior`, completed with the API defaults. */
export interface ScalingRules {
  /** `undefined` in scaleDown: the controller's downscale stabilisation is used. */
  readonly stabilizationWindowSeconds: number | undefined;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingRule[];
  /** A ratio, 0.1 for 10 %; `undefined`: the controller's tolerance. */
  readonly tolerance: number | undefined;
}

export interface ScalingBehavior {
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

/** `Auto` acts, `DryRun` decides and says what it would do, `Paused` leaves the target alone until it is resumed. */
export type PolicyMode = 'Auto' | 'DryRun' | 'Paused';

/** What a HorizontalPolicy or an autoscaling/v2 object asks for, defaults applied. */
export interface ScalingSpec {
  /** An autoscaling/v2 object: gets upstream's conditions only. */
  readonly native: boolean;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly metrics: readonly MetricSpec[];
  /** Absent is another algorithm than present with defaults (§7). */
  readonly behavior: ScalingBehavior | undefined;
  /** Zero for native objects. */
  readonly cooldown: CooldownPolicy;
  readonly mode: PolicyMode;
}

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

/** What the engine remembers of one policy between two evaluations; in memory only, as upstream. */
export interface HpaState {
  /** `undefined`: none yet; the first evaluation records the current size (holds back shrinking for one window after a restart). */
  readonly recommendations: readonly Recommendation[] | undefined;
  readonly scaleUpEvents: readonly ScaleEvent[];
  readonly scaleDownEvents: readonly ScaleEvent[];
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

export interface EvaluationInput {
  readonly subject: ObjectReference;
  readonly target: ObjectReference;
  readonly spec: ScalingSpec;
  readonly scale: { readonly specReplicas: number; readonly statusReplicas: number };
  readonly selector: SelectorState;
  /** Pods of the namespace that match the scale's selector. */
  readonly pods: readonly HpaPod[];
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
