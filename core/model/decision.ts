import type { ObjectReference } from './object.ts';

/** What keeps a decision from being carried out, or bounds it. */
export const holdReasons = [
  'cooldown',
  'stabilization',
  'rate-limit',
  'bounds',
  'disruption-budget',
  'missing-data',
  'conflict',
  'dry-run',
  'paused',
  'invalid-policy',
  'target-unavailable',
  'not-leader',
] as const;

export type HoldReason = (typeof holdReasons)[number];

/** A hold, always visible and, where it can be known, bounded in time. */
export interface Hold {
  readonly by: HoldReason;
  /** When it ends by itself, epoch milliseconds; absent when it depends on something else, which the message names. */
  readonly until?: number;
  /** One sentence for a person. */
  readonly message: string;
}

/** One step of how a decision came about, in order. */
export interface TraceStep {
  /** Stable kebab-case name of the rule, for example `metric`, `stabilization`, `rate-limit`, `cooldown`, `bounds`. */
  readonly step: string;
  /** One sentence with the numbers. */
  readonly message: string;
  /** The numbers themselves, for `explain --output json` and the page. */
  readonly values: Readonly<Record<string, number | string | boolean | null>>;
}

/**
 * The result of one evaluation of one subject. The same object becomes the status condition, the Event, the log line, the metric,
 * the row of `recommend` and the tree of `explain`; nothing else explains a decision.
 */
export interface Decision {
  /** Component that decided: `hpa`, `vpa` or `cluster-autoscaler`. */
  readonly controller: string;
  /** The policy. */
  readonly subject: ObjectReference;
  /** What it acts on. */
  readonly target: ObjectReference;
  /**
   * What of the target: absent for its replicas; `requests/cpu/<container>` (milli-cores) and `requests/memory/<container>` (bytes) for what the
   * requests controller moves.
   */
  readonly dimension?: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Value now, in the unit of the dimension (replicas for hpa). */
  readonly from: number;
  /** Value that is to be set; equals `from` when nothing is to be done. */
  readonly to: number;
  /** Value that the load asks for, before holds and limits; `null` when it could not be known. */
  readonly wanted: number | null;
  /** Stable CamelCase reason, the one that upstream uses where it has one. */
  readonly reason: string;
  /** One sentence for a person: the numbers and what happens next. */
  readonly message: string;
  /** Everything that held or bounded it, in the order in which it applied; empty when `to` is just what the load asks for. */
  readonly holds: readonly Hold[];
  readonly trace: readonly TraceStep[];
}
