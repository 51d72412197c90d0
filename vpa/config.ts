import { defaultCooldown, type CooldownPolicy } from '../core/model/cooldown.ts';
import type { Amounts, PerResource } from './model.ts';

/** How samples become a recommendation. Defaults are those of the upstream recommender's flags, named in the comments. */
export interface EstimationConfig {
  /** --target-cpu-percentile, --target-memory-percentile */
  readonly targetPercentile: Required<PerResource>;
  /** --recommendation-lower-bound-{cpu,memory}-percentile */
  readonly lowerBoundPercentile: Required<PerResource>;
  /** --recommendation-upper-bound-{cpu,memory}-percentile */
  readonly upperBoundPercentile: Required<PerResource>;
  /** --recommendation-margin-fraction */
  readonly margin: Required<PerResource>;
  /** --confidence-interval-{cpu,memory}, milliseconds */
  readonly confidenceIntervalMs: Required<PerResource>;
  /** --pod-recommendation-min-cpu-millicores, --pod-recommendation-min-memory-mb (MiB) */
  readonly podMinimum: Required<PerResource>;
  /** --{cpu,memory}-histogram-decay-half-life, milliseconds */
  readonly halfLifeMs: Required<PerResource>;
  /** --memory-aggregation-interval, milliseconds */
  readonly memoryAggregationIntervalMs: number;
  /** --memory-aggregation-interval-count */
  readonly memoryAggregationIntervalCount: number;
  /** --oom-bump-up-ratio */
  readonly oomBumpUpRatio: number;
  /** --oom-min-bump-up-bytes */
  readonly oomMinBumpUp: number;
  /** --round-cpu-millicores, --round-memory-bytes; 1: not at all */
  readonly rounding: Required<PerResource>;
  /** --container-recommendation-max-allowed-{cpu,memory}; absent: none */
  readonly maxAllowed: Amounts;
  /** Fixed quirk Q11: the pod minimum is split over the containers that exist, not over those that once did. false: as upstream. */
  readonly splitOverLiveContainers: boolean;
}

const day = 86_400_000;

export const defaultEstimationConfig: EstimationConfig = {
  targetPercentile: { cpu: 0.9, memory: 0.9 },
  lowerBoundPercentile: { cpu: 0.5, memory: 0.5 },
  upperBoundPercentile: { cpu: 0.95, memory: 0.95 },
  margin: { cpu: 0.15, memory: 0.15 },
  confidenceIntervalMs: { cpu: day, memory: day },
  podMinimum: { cpu: 25, memory: 250 * 1024 * 1024 },
  halfLifeMs: { cpu: day, memory: day },
  memoryAggregationIntervalMs: day,
  memoryAggregationIntervalCount: 8,
  oomBumpUpRatio: 1.2,
  oomMinBumpUp: 100 * 1024 * 1024,
  rounding: { cpu: 1, memory: 1 },
  maxAllowed: {},
  splitOverLiveContainers: true,
};

export interface RecommenderConfig {
  readonly estimation: EstimationConfig;
  /** --recommender-interval: time between two passes, milliseconds. */
  readonly intervalMs: number;
  /** --recommender-name: objects that name no recommender belong to `default`. */
  readonly name: string;
  /** Most checkpoints written a minute, over all policies. */
  readonly checkpointsPerMinute: number;
  /** --checkpoints-gc-interval, milliseconds. */
  readonly checkpointsGcMs: number;
  /** A VerticalPolicy lowers no request before usage was seen for so long, milliseconds; 0: at once, as upstream. */
  readonly shrinkAfterMs: number;
}

export const defaultRecommenderConfig: RecommenderConfig = {
  estimation: defaultEstimationConfig,
  intervalMs: 60_000,
  name: 'default',
  checkpointsPerMinute: 1_200,
  checkpointsGcMs: 600_000,
  shrinkAfterMs: day,
};

export interface UpdaterConfig {
  /** --updater-interval, milliseconds. */
  readonly intervalMs: number;
  /** --min-replicas */
  readonly minReplicas: number;
  /** --eviction-tolerance: share of a workload's pods that may be away at once. */
  readonly evictionTolerance: number;
  /** --eviction-rate-limit, a second; 0 or less: no limit. */
  readonly evictionRateLimit: number;
  /** --eviction-rate-burst */
  readonly evictionRateBurst: number;
  /** --pod-update-threshold: least relative change of a pod that is within its bounds. */
  readonly updateThreshold: number;
  /** --in-recommendation-bounds-eviction-lifetime-threshold, milliseconds. */
  readonly lifetimeThresholdMs: number;
  /** --evict-after-oom-threshold, milliseconds. */
  readonly evictAfterOomMs: number;
  /** --in-place-skip-disruption-budget */
  readonly inPlaceSkipDisruptionBudget: boolean;
  /** A resize that stays Deferred for longer is given up for an eviction, milliseconds. */
  readonly deferredResizeMs: number;
  /** A resize that stays InProgress for longer is given up for an eviction, milliseconds. */
  readonly inProgressResizeMs: number;
}

export const defaultUpdaterConfig: UpdaterConfig = {
  intervalMs: 60_000,
  minReplicas: 2,
  evictionTolerance: 0.5,
  evictionRateLimit: -1,
  evictionRateBurst: 1,
  updateThreshold: 0.1,
  lifetimeThresholdMs: 12 * 3_600_000,
  evictAfterOomMs: 600_000,
  inPlaceSkipDisruptionBudget: false,
  deferredResizeMs: 300_000,
  inProgressResizeMs: 3_600_000,
};

/** Settings of the requests controller that its parts share. */
export interface VpaConfig {
  readonly recommender: RecommenderConfig;
  readonly updater: UpdaterConfig;
  /** For policies that do not set their own. */
  readonly cooldown: CooldownPolicy;
  /** VerticalPodAutoscaler objects are carried out too (`--adopt=vpa`): only where the upstream VPA is off. */
  readonly adoptVpas: boolean;
  /** Adopted ones get the default cooldowns; false: upstream's timing. */
  readonly adoptedCooldown: boolean;
  /** Decide, show, write nothing. */
  readonly dryRun: boolean;
  /** Policies in these namespaces are left alone. */
  readonly ignoredNamespaces: readonly string[];
}

export const defaultVpaConfig: VpaConfig = {
  recommender: defaultRecommenderConfig,
  updater: defaultUpdaterConfig,
  cooldown: defaultCooldown,
  adoptVpas: false,
  adoptedCooldown: false,
  dryRun: false,
  ignoredNamespaces: [],
};
