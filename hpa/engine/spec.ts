import type { CooldownPolicy } from '../../core/model/cooldown.ts';
import type { ScalingSchedule } from '../schedule/index.ts';

export type { ScalingSchedule } from '../schedule/index.ts';

/** Quantities inside the engine: thousandths (milli-cores, milli-bytes, value × 1000) as bigint, exact as upstream's int64. */
export type Milli = bigint;

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

/**
 * What stands in for a metric that has failed too often: a number (`Static`), the size that there is (`CurrentReplicas`), the larger or the smaller of both,
 * or nothing (`Hold`: nothing shrinks until the metric is known again, as without a fallback).
 */
export type FallbackBehavior = 'Static' | 'CurrentReplicas' | 'CurrentReplicasIfHigher' | 'CurrentReplicasIfLower' | 'Hold';

export interface FallbackPolicy {
  /** Failed evaluations of a metric in a row from which on the fallback stands in for it. */
  readonly failureThreshold: number;
  readonly behavior: FallbackBehavior;
  /** Set for all behaviors but `CurrentReplicas` and `Hold`. */
  readonly replicas: number | undefined;
}

/** What the pause annotations of a policy ask for. */
export interface PauseRequest {
  readonly scaleIn: boolean;
  readonly scaleOut: boolean;
  /** The size that the target is put to and kept at, whatever the metrics and bounds say. */
  readonly replicas?: number | undefined;
  /** The annotation as it stands on the policy, for sentences: `concertina.dev/paused=in`. */
  readonly annotation: string;
}

/** `OwnedOnly` leaves out pods that carry the labels but belong to something else. */
export type PodSelectionMode = 'OwnedOnly' | 'ByLabels';

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
  /** A load of more than so many times the target does not wait for the scale-up cooldown; `undefined`: every growth waits. */
  readonly panicRatio?: number | undefined;
  readonly fallback?: FallbackPolicy | undefined;
  readonly schedules?: readonly ScalingSchedule[] | undefined;
  readonly pause?: PauseRequest | undefined;
  /** How the caller tells the pods of the target; default `ByLabels`, as upstream. */
  readonly podSelection?: PodSelectionMode | undefined;
  /** Own value instead of the engine's, milliseconds. */
  readonly cpuInitializationMs?: number | undefined;
  /** Own value instead of the engine's, milliseconds. */
  readonly initialReadinessDelayMs?: number | undefined;
}
