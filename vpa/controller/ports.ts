import type { Registry } from 'prom-client';
import type { KubeClient } from '../../core/kube/api.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { ClusterView } from '../../core/model/cluster-view.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { Claim, RequestReference } from '../../core/model/intent.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import type { VpaConfig } from '../config.ts';
import type { NamespaceLimits } from '../model.ts';
import type { EventSink, KnownPolicy, ObjectSource, PolicyBook, TargetResolver } from '../ports.ts';
import type { RecommendationReport } from '../recommender/controller/index.ts';
import type { BlockCache, HistoryClient, HistoryConfig, HistoryReport } from '../recommender/history/index.ts';
import type { EngineStats, OomRecord } from '../recommender/engine/types.ts';
import type { WorkloadSources } from '../targets/index.ts';
import type { Health } from '../updater/index.ts';

/** What is looked at, live. */
export interface VpaReads {
  /** Whole objects. */
  readonly verticalPolicies: ObjectSource;
  /** Whole VerticalPodAutoscalers: policies where they are adopted, rivals of VerticalPolicies elsewhere; absent: the kind is not looked at. */
  readonly nativeVpas?: ObjectSource | undefined;
  readonly workloads: WorkloadSources;
  readonly limitRanges: ObjectSource;
  readonly nodes: ObjectSource<NodeRecord>;
  readonly pods: ObjectSource<PodRecord>;
  /** The pods and budgets now; `undefined` until they are known. */
  readonly view: () => ClusterView | undefined;
}

/** Usage of the past, from a Prometheus. */
export interface VpaHistory {
  readonly client: HistoryClient;
  readonly config?: Partial<HistoryConfig> | undefined;
  readonly cache?: BlockCache | undefined;
}

export interface VpaControllerOptions {
  /** Fenced: throws `FENCED` when this process must not write. */
  readonly client: KubeClient;
  /** Looks scales of targets up; never writes. */
  readonly reader: KubeClient;
  readonly reads: VpaReads;
  readonly metrics: () => MetricsView;
  /** What horizontal policies steer. */
  readonly horizontalClaims: () => readonly Claim[];
  /** Whether pods that are created now get their requests. */
  readonly admissionHealthy: () => Health;
  readonly history?: VpaHistory | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: VpaConfig;
  /** Every decision of the updater. A throw is logged and goes no further. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
  /** What horizontal policies on a target go by has changed. */
  readonly onTargetChange?: ((target: ObjectReference) => void) | undefined;
}

/** The running requests controller, without its webhook. */
export interface VpaController {
  /** Begins to recommend and to update. Only the leader does; what leads there (book, targets, limits) is live from the beginning. */
  start(): void;
  /** Takes no more work, lets what is under way end, and stores what is not stored yet. */
  stop(): Promise<void>;
  /** Ends subscriptions; after `stop`. */
  close(): void;
  /** There is a new MetricsView. */
  metricsChanged(): void;
  /** An OOM kill that shows in no pod: of an eviction's Event. */
  observeOom(oom: OomRecord): void;
  /** A recommendation and an update pass now; for tests and one-shot runs. */
  passNow(): Promise<void>;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  limits(namespace: string): NamespaceLimits | undefined;
  /** Resources that a policy leaves to a horizontal one, with why. */
  yields(known: KnownPolicy): ReadonlyMap<string, string>;
  /** What utilization of a target is measured against, where this controller moves its requests. */
  requestReferenceOf(target: ObjectReference): RequestReference | undefined;
  claims(): readonly Claim[];
  decisions(): readonly Decision[];
  explain(key: string): RecommendationReport | undefined;
  historyReport(): HistoryReport | undefined;
  stats(): EngineStats;
}
