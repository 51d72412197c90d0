/**
 * Why a value is not known. The names are stable: they appear in conditions, in `explain` and as metric labels.
 *
 * - `missing`: the source answered, this object was not in the answer.
 * - `stale`: the last value is older than its maximum age.
 * - `invalid`: NaN, infinite, negative or not a quantity.
 * - `partial`: only a part of what was asked was answered (a container absent, a source warning).
 * - `source-unavailable`: the source did not answer, or answered 429, 5xx or not in time.
 * - `source-absent`: nobody serves the API group.
 * - `source-broken`: the source answered with nothing although pods run.
 * - `clock-skew`: the timestamp lies in the future or went backwards.
 * - `not-observed`: nothing was asked yet.
 * - `starting`: the pod is so young that it need not have a sample yet.
 * - `node-not-scraped`: no pod of the node has a sample: its kubelet was not scraped.
 * - `refused`: the question itself is refused (namespace not allowed, PromQL that cannot be confined, over a limit).
 * - `source-changed`: another server than before answers for the API group.
 * - `outage`: values of many workloads fell to zero at once, which is more likely an outage of metrics than of load.
 */
export const unknownReasons = [
  'missing',
  'stale',
  'invalid',
  'partial',
  'source-unavailable',
  'source-absent',
  'source-broken',
  'clock-skew',
  'not-observed',
  'starting',
  'node-not-scraped',
  'refused',
  'source-changed',
  'outage',
] as const;

export type UnknownReason = (typeof unknownReasons)[number];

/** A measured number. */
export interface KnownSample {
  readonly known: true;
  /**
   * The value in thousandths of the base unit (milli-cores, milli-bytes), an integer rounded up as upstream's
   * `Quantity.MilliValue()`; exact to 9 TB for one sample. Sums over pods use bigint.
   */
  readonly milli: number;
  /** End of the measured window, epoch milliseconds. */
  readonly timestamp: number;
  /** Length of the measured window in milliseconds. */
  readonly windowMs: number;
  /** Name of the source that measured it, for example `metrics.k8s.io`. */
  readonly source: string;
  /** Share of what was asked that was answered, 0…1. */
  readonly coverage: number;
}

/** The absence of a number; never read as zero. */
export interface UnknownSample {
  readonly known: false;
  readonly reason: UnknownReason;
  /** One sentence for a person: what was asked, of whom, and what came. */
  readonly detail: string;
  /** Since when it has been unknown, epoch milliseconds. */
  readonly since: number;
}

export type Sample = KnownSample | UnknownSample;

/** Builds an {@link UnknownSample}. */
export function unknown(reason: UnknownReason, detail: string, since: number): UnknownSample {
  return { known: false, reason, detail, since };
}

/** Why a known value may be used for growth but not for shrinking. */
export interface Doubt {
  readonly reason: UnknownReason;
  /** One sentence: what, of whom. */
  readonly detail: string;
  /** Since when, epoch milliseconds; absent when it is not known. */
  readonly since?: number | undefined;
  /** When it ends by itself, epoch milliseconds; absent when it lasts as long as its cause. */
  readonly until?: number | undefined;
}
