import type { CooldownPolicy } from '../core/model/cooldown.ts';
import type { ObjectReference } from '../core/model/object.ts';

/** What the parts of the requests controller say to each other. Everything here is plain data. */

/** Amounts by resource name: `cpu` in milli-cores, everything else in whole units (memory in bytes). Integers; a resource that is absent has no amount. */
export type Amounts = Readonly<Record<string, number>>;

export const noAmounts: Amounts = Object.freeze({});

/** The resources that recommendations are made for. */
export const sizedResources = ['cpu', 'memory'] as const;

export type SizedResource = (typeof sizedResources)[number];

/** As in a VerticalPodAutoscaler: `status.recommendation.containerRecommendations[]`. */
export interface ContainerRecommendation {
  readonly container: string;
  readonly target: Amounts;
  readonly lowerBound: Amounts;
  readonly upperBound: Amounts;
  /** The target before policies, nodes and other caps. */
  readonly uncappedTarget: Amounts;
}

/** Sorted by container name. */
export interface Recommendation {
  readonly containers: readonly ContainerRecommendation[];
}

/** As they can be written; what each of them does stands in {@link SizingPolicy.actuation}. */
export const updateModes = ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate', 'InPlace', 'Auto'] as const;

export type UpdateMode = (typeof updateModes)[number];

export interface EvictionRequirement {
  readonly resources: readonly string[];
  readonly changeRequirement: 'TargetHigherThanRequests' | 'TargetLowerThanRequests';
}

/** More CPU while a container starts. */
export interface StartupBoost {
  /** `Factor`: that many times the request; `Quantity`: so much more. As read: what is missing or wrong makes the boost fail, not the policy. */
  readonly type: string;
  readonly factor: number | undefined;
  /** Milli-cores. */
  readonly quantity: number | undefined;
  /** How long the boost stays after the pod became ready, milliseconds. */
  readonly durationMs: number;
}

/** A number for each sized resource, or for one of them. */
export type PerResource<T = number> = Readonly<Partial<Record<SizedResource, T>>>;

/** What a policy, or one of its container policies, sets otherwise than the flags. Fractions are 0…1. */
export interface EstimationOverrides {
  readonly targetPercentile?: PerResource | undefined;
  readonly lowerBoundPercentile?: PerResource | undefined;
  readonly upperBoundPercentile?: PerResource | undefined;
  /** Added to every estimate: 0.15 is 15 %. */
  readonly margin?: PerResource | undefined;
  /** Half-life of a histogram's weights, milliseconds. */
  readonly halfLifeMs?: PerResource | undefined;
  /** Least recommendation of a whole pod, split over its containers. */
  readonly podMinimum?: Amounts | undefined;
}

/** A container policy: for the container of that name, or with `*` for all that have none of their own. */
export interface ContainerSizing {
  readonly container: string;
  readonly mode: 'Auto' | 'Off';
  readonly minAllowed: Amounts;
  readonly maxAllowed: Amounts;
  readonly controlledResources: readonly string[];
  readonly controlledValues: 'RequestsAndLimits' | 'RequestsOnly';
  readonly oomBumpUpRatio: number | undefined;
  /** Bytes. */
  readonly oomMinBumpUp: number | undefined;
  readonly memoryAggregationIntervalMs: number | undefined;
  readonly memoryAggregationIntervalCount: number | undefined;
  readonly startupBoost: StartupBoost | undefined;
  readonly estimation: EstimationOverrides;
}

/** A VerticalPolicy, or a VerticalPodAutoscaler, in the form in which the controllers use it. */
export interface SizingPolicy {
  /** With kind and uid. */
  readonly reference: ObjectReference;
  /** A VerticalPodAutoscaler: upstream's timing and rules. */
  readonly native: boolean;
  readonly generation: number | undefined;
  /** Epoch milliseconds. */
  readonly created: number | undefined;
  /** In the policy's namespace; `undefined`: the object names none. */
  readonly target: ObjectReference | undefined;
  /** Auto acts; DryRun decides and shows; Paused leaves the pods alone. Always Auto for a native object. */
  readonly mode: 'Auto' | 'DryRun' | 'Paused';
  /** As written; the default when nothing is. */
  readonly updateMode: UpdateMode;
  /** What is done to pods: `Auto` of a VerticalPolicy is InPlaceOrRecreate, that of a native object Recreate. */
  readonly actuation: Exclude<UpdateMode, 'Auto'>;
  /** The object has `spec.updatePolicy`: eviction requirements are looked at only then. */
  readonly hasUpdatePolicy: boolean;
  /** Live replicas below which nothing is evicted; `undefined`: the flag. */
  readonly minReplicas: number | undefined;
  readonly evictionRequirements: readonly EvictionRequirement[];
  /** `undefined`: the flag. */
  readonly evictAfterOomMs: number | undefined;
  /** Between two updates of pods of the workload: see {@link CooldownPolicy}. */
  readonly cooldown: CooldownPolicy;
  /** A workload with one replica: left alone (as upstream), or rolled by surge where its strategy starts the new pod first. */
  readonly singleReplica: 'Never' | 'Surge';
  readonly startupBoost: StartupBoost | undefined;
  readonly containers: readonly ContainerSizing[];
  /** For all containers; a container policy's own go over it. */
  readonly estimation: EstimationOverrides;
  /**
   * Where a horizontal policy goes by the utilization of a resource that this policy moves. Rebase: both act, and utilization is measured against the request
   * that the pod template asks for; Yield: this policy leaves the resource alone; Ignore: both act as if alone, as upstream.
   */
  readonly horizontal: 'Rebase' | 'Yield' | 'Ignore';
  /** Containers that are not in the workload's pod template: put there by other webhooks. */
  readonly injectedContainers: 'Manage' | 'Ignore';
  /** Names in `spec.recommenders`. */
  readonly recommenders: readonly string[];
  /** Containers whose CPU is rounded up to whole cores (annotation `vpa-post-processor.kubernetes.io/<container>_integerCPU`). */
  readonly integerCpu: ReadonlySet<string>;
}

/**
 * The container policy for a container: the first of that very name, else the last one for `*`, else none. Fields are never merged between the two.
 */
export function containerSizing(containers: readonly ContainerSizing[], container: string): ContainerSizing | undefined {
  return containers.find((each) => each.container === container) ?? containers.findLast((each) => each.container === '*');
}

/** What holds where there is no container policy. */
export const defaultContainerSizing: ContainerSizing = Object.freeze({
  container: '*',
  mode: 'Auto',
  minAllowed: noAmounts,
  maxAllowed: noAmounts,
  controlledResources: sizedResources,
  controlledValues: 'RequestsAndLimits',
  oomBumpUpRatio: undefined,
  oomMinBumpUp: undefined,
  memoryAggregationIntervalMs: undefined,
  memoryAggregationIntervalCount: undefined,
  startupBoost: undefined,
  estimation: Object.freeze({}),
});

/** The policy could not be read: the status says why, nothing is done. */
export interface PolicyFailure {
  readonly ok: false;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

export type PolicyResult = { readonly ok: true; readonly policy: SizingPolicy } | PolicyFailure;

/** What the LimitRanges of a namespace say together about containers, or about pods; each list absent when no object has it. */
export interface LimitBounds {
  readonly min: Amounts | undefined;
  readonly max: Amounts | undefined;
  /** Limit of a container that sets none. */
  readonly default: Amounts | undefined;
}

export interface NamespaceLimits {
  readonly container: LimitBounds | undefined;
  readonly pod: LimitBounds | undefined;
}

/** `status` of a VerticalPodAutoscalerCheckpoint, version v3. */
export interface CheckpointStatus {
  /** RFC 3339, whole seconds. */
  readonly lastUpdateTime?: string | null | undefined;
  /** `v3`; anything else is refused. */
  readonly version: string;
  readonly cpuHistogram: HistogramCheckpoint;
  readonly memoryHistogram: HistogramCheckpoint;
  readonly firstSampleStart?: string | null | undefined;
  readonly lastSampleStart?: string | null | undefined;
  readonly totalSamplesCount?: number | undefined;
}

export interface HistogramCheckpoint {
  /** Origin of the decay; null or absent: none yet. */
  readonly referenceTimestamp?: string | null | undefined;
  /** Integers 1…10 000 by bucket number, relative to the heaviest bucket. */
  readonly bucketWeights?: Readonly<Record<string, number>> | undefined;
  /** Sum of the weights, not rounded. */
  readonly totalWeight?: number | undefined;
}
