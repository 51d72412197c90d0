import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { AssembleOptions, ScaleFacts } from '../controller/assemble.ts';
import type { Conclusion, Evaluation, EvaluationInput, HpaState } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import type { FullReason, MetricTally } from './judgement.ts';

/** What the controller knows of a policy apart from pods and metrics. Immutable: what has changed comes as another object. */
export interface BatchFacts {
  readonly policy: ScalingPolicy;
  /** As last read. Nothing is ever done on it: a policy that is to act is `full`, and its scale is read again first. */
  readonly scale: ScaleFacts;
  /** When it was read, epoch milliseconds; absent: a watch keeps it up to date, and tells of changes by {@link Batch.set}. */
  readonly scaleReadAt?: number | undefined;
  readonly history: ScalingHistory;
  /** Since when the target has this size, epoch milliseconds. */
  readonly sizedAt?: number | undefined;
  /** Another controller scales the same target: one sentence that names it. */
  readonly conflict?: string | undefined;
  /** Utilization is measured against other requests than the pods have: the columns do not hold them. */
  readonly rebased?: boolean | undefined;
}

/** One round of decisions. */
export interface BatchTick {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly view: MetricsView;
  /** Milliseconds since anything was heard of pods. */
  readonly podsAgeMs?: number | undefined;
  /** The policies to be decided; default: all. A policy whose last `full` is still under way must not be among them. */
  readonly due?: Iterable<string> | undefined;
}

/** A policy that the engine has to evaluate. Until {@link Batch.note} says what came of it, nothing is remembered of this tick. */
export interface FullPolicy {
  readonly key: string;
  readonly why: FullReason;
  /** Of `acts`: the size that the target is to get, by the scale that was last read. */
  readonly proposed: number | undefined;
}

export interface TickReport {
  readonly at: number;
  /** Policies of which nothing changes and nothing new is to be said. Their wish is recorded, and so is that of `news`. */
  readonly steady: number;
  /** Policies whose target stays as it is, but of which something new is to be said: another wish, another hold, a cooldown that is over. */
  readonly news: readonly string[];
  readonly full: readonly FullPolicy[];
  /** What the metrics of steady policies and of news ask for, by type of metric (upstream's metric_computation_total). */
  readonly tally: ReadonlyMap<string, MetricTally>;
}

/** What the engine has decided of a policy. */
export interface NotedEvaluation {
  readonly input: EvaluationInput;
  readonly evaluation: Evaluation;
  /** After the write, when there was one. */
  readonly conclusion: Conclusion;
}

/** What a decision that was not made yet would be made of, as it was in the tick; see {@link Batch.quiet}. */
export type QuietFacts = Pick<
  AssembleOptions,
  'policy' | 'scale' | 'pods' | 'podsAgeMs' | 'sizedAt' | 'view' | 'state' | 'history' | 'now'
>;

/**
 * Decides many policies at once over shared columns. A tick costs about a microsecond a policy and leaves to the engine only the policies of which something changes
 * or is in doubt.
 */
export interface Batch {
  /** Tells of a policy, or that something of it is another. */
  set(key: string, facts: BatchFacts): void;
  /** The next decision of the policy is the engine's: something that is not in the facts has changed (its status was edited, …). */
  touch(key: string): void;
  delete(key: string): void;
  decideTick(tick: BatchTick): TickReport;
  /** What the engine remembers of the policy: the input of a full evaluation. */
  stateOf(key: string): HpaState;
  /** The pods that the selector of a policy's scale finds; `undefined` when the policy's scale has another selector. */
  podsOf(key: string, selector: string): readonly PodRecord[] | undefined;
  /** Says what came of a full evaluation: the state is kept, and the policy may be steady from now on. */
  note(key: string, noted: NotedEvaluation): void;
  /**
   * What the last decision of a policy that was steady or news was made of; `undefined` when the engine has made it, when there was none, or when a newer view has
   * come since.
   */
  quiet(key: string): QuietFacts | undefined;
  close(): void;
}
