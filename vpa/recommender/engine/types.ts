import type { UsageSnapshot } from '../../../core/model/metrics-view.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { Selector } from '../../../core/model/selector.ts';
import type { CheckpointStatus, ContainerRecommendation, ContainerSizing, EstimationOverrides, SizedResource } from '../../model.ts';

/** What the engine is told of a policy; replaces what it was told before. */
export interface TrackedPolicy {
  readonly namespace: string;
  /** Of the target's pods. */
  readonly selector: Selector;
  readonly containers: readonly ContainerSizing[];
  readonly estimation: EstimationOverrides;
  /** Epoch milliseconds: of two policies that set one aggregate otherwise the older one counts. */
  readonly created: number | undefined;
}

/** A container was killed for want of memory. */
export interface OomRecord {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** What it had asked for, or used when it was evicted, bytes. */
  readonly memory: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Samples of a time before the program ran; NaN: none. Columns have equal length, oldest first. */
export interface SampleSeries {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Labels of the pod, or of what is known of it: they say which aggregate the samples belong to. */
  readonly labels: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly timestamps: Float64Array;
  /** Cores. */
  readonly cpu: Float64Array;
  /** Bytes. */
  readonly memory: Float64Array;
}

/** How one resource of one container came about. Amounts: milli-cores or bytes. */
export interface ResourceEvidence {
  readonly resource: SizedResource;
  /** 0…1, and the estimate at it before margin, confidence and minimum. */
  readonly percentiles: { readonly lower: number; readonly target: number; readonly upper: number };
  readonly estimates: { readonly lower: number; readonly target: number; readonly upper: number };
  /** Fraction that was added. */
  readonly margin: number;
  /** 1: a day of samples every minute. */
  readonly confidence: number;
  /** What the pod minimum leaves for this container. */
  readonly minimum: number;
  /** The minimum is what is recommended. */
  readonly atMinimum: boolean;
}

export interface ContainerEvidence {
  readonly container: string;
  /** CPU samples. */
  readonly samples: number;
  /** Epoch milliseconds. */
  readonly firstSample: number | undefined;
  readonly lastSample: number | undefined;
  /** Share of the minutes from the first sample to now that have a sample, 0…1. */
  readonly coverage: number;
  /** Memory peaks that are counted, and how many of them an OOM kill made larger. */
  readonly memoryPeaks: number;
  readonly oomKills: number;
  /** Latest OOM kill that was counted. */
  readonly lastOom: { readonly at: number; readonly from: number; readonly to: number } | undefined;
  readonly resources: readonly ResourceEvidence[];
}

/** Before post-processors: see `post-processors`. Sorted by container name. */
export interface PolicyRecommendation {
  readonly containers: readonly ContainerRecommendation[];
  readonly evidence: readonly ContainerEvidence[];
}

export interface ObservedUsage {
  readonly accepted: number;
  /** Of pods or containers that are not known. */
  readonly unknown: number;
  /** Negative, or not newer than the container's last. */
  readonly refused: number;
}

/** A checkpoint that cannot be used: nothing of it was taken over. */
export interface CheckpointProblem {
  readonly ok: false;
  readonly message: string;
}

/** How much the recommender remembers. */
export interface EngineStats {
  readonly aggregates: number;
  readonly containers: number;
  readonly pods: number;
  readonly policies: number;
  readonly bytes: number;
}

/**
 * All that the recommender remembers: histograms of usage by (namespace, container, label set), the present window of each live container, and which of it
 * belongs to which policy. Nothing here reads a clock or does I/O.
 */
export interface RecommenderEngine {
  /** `key` is the caller's; a changed selector keeps what was learnt. */
  setPolicy(key: string, policy: TrackedPolicy): void;
  removePolicy(key: string): void;
  /** Adds a pod or takes over what changed of it. Finished pods keep their aggregates but feed nothing. */
  setPod(pod: PodRecord): void;
  /** Its aggregates stay until {@link RecommenderEngine.collectGarbage} finds them old. */
  removePod(namespace: string, name: string): void;
  /** Feeds every sample that is new to the container it belongs to. Called with each new view; what was fed already is refused by its time. */
  observeUsage(usage: UsageSnapshot): ObservedUsage;
  /** `false`: unknown container, or an OOM older than the window before. */
  observeOom(oom: OomRecord): boolean;
  /** Samples of the past, for a pod that may be long gone; `aggregated` memory peaks follow the same windows as live ones. */
  observeHistory(series: SampleSeries): number;
  /** Live pods that a policy's selector matches. */
  podCount(key: string): number;
  recommend(key: string, now: number): PolicyRecommendation | undefined;
  /** Names of the containers of a policy, sorted: those that have an aggregate or a loaded checkpoint. */
  containerNames(key: string): readonly string[];
  /** The policy's histogram of a container as upstream would store it: all aggregates merged, windows that are still open left out. */
  saveCheckpoint(key: string, container: string, now: number): CheckpointStatus | undefined;
  /** Takes over a stored state, in addition to what is there. A second load for the same container replaces the first. */
  loadCheckpoint(key: string, container: string, status: CheckpointStatus): CheckpointProblem | { readonly ok: true };
  /** Forgets a container's loaded checkpoint and aggregates without live pods: it has vanished from the workload. */
  forgetContainer(key: string, container: string): void;
  /** Drops aggregates that are empty or older than their memory; answers how many. `controllerExists` tells by an aggregate's last pod. */
  collectGarbage(now: number, controllerExists: (namespace: string, pod: string) => boolean): number;
  stats(): EngineStats;
}

/**
 * What {@link RecommenderEngine.saveCheckpoint} answers, as JSON and in less than half of the time: for those who look whether it has changed.
 * `lastUpdateTime` stands first.
 */
export interface CheckpointTexts {
  checkpointText(key: string, container: string, now: number): string | undefined;
}
