import type { Registry } from 'prom-client';
import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import type { Decision, Hold } from '../../../core/model/decision.ts';
import type { MetricsView } from '../../../core/model/metrics-view.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { RecommenderConfig } from '../../config.ts';
import type { EventSink, KnownPolicy, ObjectSource, PodLister, PolicyBook, TargetResolver } from '../../ports.ts';
import type { NodeRoom } from '../engine/post-processors.ts';
import type { OomRecord, RecommenderEngine } from '../engine/types.ts';

/** Stored histograms. Whatever fails is thrown and tried again by the recommender. */
export interface CheckpointPort {
  /**
   * Takes the stored state of a policy's containers over into the engine, which knows the policy under its key by then; answers of how many containers. A throw:
   * it is not known what is stored, and nothing is recommended until it is.
   */
  loadFor(policy: KnownPolicy, signal: AbortSignal): Promise<number>;
  /** Writes what has changed of these policies, within its own budget. */
  pass(policies: readonly KnownPolicy[], signal: AbortSignal): Promise<void>;
  /** Deletes what is stored for policies that are gone and for containers that have vanished; called each pass, works as often as it wants to. */
  collectGarbage(keep: CheckpointKeep, signal: AbortSignal): Promise<void>;
  /** Writes what is not written yet, before the program ends. */
  flush(): Promise<void>;
}

export interface CheckpointKeep {
  /** Policies of whatever recommender. */
  readonly policies: readonly KnownPolicy[];
  /** False only for a container that is known to have vanished. */
  readonly container: (key: string, container: string) => boolean;
}

/** Samples from before the program ran. */
export interface HistoryPort {
  /** Resolves when the engine has the past of the policy's pods. A throw is logged: it goes on without. */
  loadFor(policy: KnownPolicy, signal: AbortSignal): Promise<void>;
}

/** Pods, live; with the present ones by workload for questions. */
export interface PodPort extends ObjectSource<PodRecord> {
  /** An index of the present pods, `undefined` until it is known. */
  lister(): PodLister | undefined;
}

/** What the updater did, or why it did not, for one policy in one pass. */
export interface UpdateReport {
  readonly decisions: readonly Decision[];
  readonly holds: readonly Hold[];
}

export interface RecommenderOptions {
  readonly engine: RecommenderEngine;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  readonly pods: PodPort;
  readonly metrics: () => MetricsView;
  /** Fenced: throws `FENCED` when this process must not write. Only status, and annotations of native objects, are written. */
  readonly client: KubeClient;
  readonly checkpoints?: CheckpointPort | undefined;
  readonly history?: HistoryPort | undefined;
  /** Nodes that the policy's pods could run on; absent, or `undefined`: nothing is capped to nodes. */
  readonly nodeRoom?: ((policy: KnownPolicy, pods: readonly PodRecord[]) => NodeRoom | undefined) | undefined;
  /** OOM kills in the step from one state of a pod to the next: {@link import('../engine/observers.ts').oomKills} unless a test has its own. */
  readonly oomKills?: ((old: PodRecord | undefined, next: PodRecord) => readonly OomRecord[]) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: RecommenderConfig;
  /** Compute, show, write nothing. */
  readonly dryRun?: boolean | undefined;
  /** Last scaling times of native objects are stored in annotations. */
  readonly adoptedCooldown?: boolean | undefined;
  /** Lets others run between two slices of work; a turn of the event loop unless a test has its own. */
  readonly turn?: (() => Promise<void>) | undefined;
  readonly limits?: Partial<RecommenderLimits> | undefined;
}

/** Numbers of the loop that are no flags of upstream's. */
export interface RecommenderLimits {
  /** A container that no live pod has had for so long, while others live, is left out; milliseconds. */
  readonly vanishedMs: number;
  /** The same where pods come and go: targets of kind Job and CronJob. */
  readonly vanishedOfJobsMs: number;
  /** A live container without a sample for longer is said to be without, milliseconds. */
  readonly silentMs: number;
  /** Aggregates are collected at most so often, milliseconds. */
  readonly collectMs: number;
  /** Status writes at a time. */
  readonly writers: number;
  /** Checkpoints and histories that are loaded at a time. */
  readonly loaders: number;
  /** From an OOM kill, or a change of a policy, to the recommendation that follows from it, milliseconds. */
  readonly earlyMs: number;
  /** Work without a turn of the event loop, milliseconds. */
  readonly sliceMs: number;
}

const day = 86_400_000;

export const defaultLimits: RecommenderLimits = {
  vanishedMs: day,
  vanishedOfJobsMs: 8 * day,
  silentMs: 600_000,
  collectMs: 3_600_000,
  writers: 10,
  loaders: 10,
  earlyMs: 1_000,
  sliceMs: 10,
};
