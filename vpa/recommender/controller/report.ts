import type { ScalingDirection, ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Decision } from '../../../core/model/decision.ts';
import type { Claim } from '../../../core/model/intent.ts';
import type { Recommendation } from '../../model.ts';
import type { KnownPolicy, TargetResolution } from '../../ports.ts';
import type { Clamp } from '../engine/post-processors.ts';
import type { OomRecord, PolicyRecommendation } from '../engine/types.ts';
import type { PolicyMemory, SilentContainer } from './policy-memory.ts';
import type { UpdateReport } from './ports.ts';
import type { KeptAmount } from './refine.ts';

/** All that `explain` shows of a policy. */
export interface RecommendationReport {
  readonly policy: KnownPolicy;
  /** `undefined`: it was not looked at yet. */
  readonly resolution: TargetResolution | undefined;
  /** Stored histograms and history are in. Until then what is stored stands. */
  readonly prepared: boolean;
  /** As it is, or will be, stored. */
  readonly recommendation: Recommendation | undefined;
  readonly evidence: PolicyRecommendation['evidence'];
  readonly clamps: readonly Clamp[];
  readonly warnings: readonly string[];
  /** Amounts that stay as they were for want of samples. */
  readonly kept: readonly KeptAmount[];
  /** Live containers without samples, and since when. */
  readonly silent: readonly SilentContainer[];
  /** Left out: no live pod has them any more. */
  readonly vanished: readonly string[];
  readonly podCount: number | undefined;
  /** Epoch milliseconds; `undefined`: nothing was computed yet. */
  readonly at: number | undefined;
  readonly update: UpdateReport | undefined;
  readonly history: ScalingHistory;
}

/** The running recommender. */
export interface Recommender {
  /** Begins. Only the leader does. */
  start(): void;
  /** Takes no more work, lets writes under way end and stores what histograms are not stored yet. */
  stop(): Promise<void>;
  /** There is a new MetricsView. */
  metricsChanged(): void;
  /** A pass now, whatever the interval; resolves when statuses are written. */
  passNow(): Promise<void>;
  /** An OOM kill that shows in no pod: of an eviction's Event. */
  observeOom(oom: OomRecord): void;
  /** The updater's last decisions, of policies that it does not act for the recommendation as decisions. */
  decisions(): readonly Decision[];
  explain(key: string): RecommendationReport | undefined;
  claims(): readonly Claim[];
  /** When pods of a policy were last updated: stored times, and what was recorded since. */
  historyOf(key: string): ScalingHistory;
  /** Records a scaling and stores it at once. `false`: it could not be stored yet (it is tried again), or never will be (dry run, not the leader, the policy is gone). */
  recordScaling(key: string, direction: ScalingDirection, at: number): Promise<boolean>;
  /** What the updater did, or why it did not: condition Applied and lastDecision. */
  report(key: string, report: UpdateReport): void;
}

export function reportOf(policy: KnownPolicy, memory: PolicyMemory, history: ScalingHistory): RecommendationReport {
  const { outcome, resolution, prepared, evidence, kept, vanished, recommendedAt, report } = memory;
  const recommended = outcome.state === 'recommended' ? outcome : undefined;
  return {
    policy,
    resolution,
    prepared,
    recommendation: recommended?.recommendation ?? policy.recommendation,
    evidence,
    clamps: recommended?.clamps ?? [],
    warnings: recommended?.warnings ?? [],
    kept,
    silent: recommended?.silent ?? [],
    vanished: [...vanished].toSorted(),
    podCount: recommended?.podCount,
    at: recommendedAt,
    update: report,
    history,
  };
}
