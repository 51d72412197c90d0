import type { MetricQuery, SeriesSample } from '../../core/model/metric-query.ts';
import type { NodeUsage } from '../../core/model/metrics-view.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import type { UsageTable } from '../store/usage-table.ts';

/**
 * One way to numbers: an API group or a Prometheus. Sources do I/O and nothing else: they neither cache nor retry nor decide; deadlines, concurrency,
 * retries and circuit breaking are the aggregator's, the same for all. A source resolves with a failure as a value; what it throws counts as unavailable.
 */
export interface MetricsSource {
  /** As in `SourceReport.name`. */
  readonly name: string;
  /** Usage of all pods and nodes; only sources that can. */
  usage?(signal: AbortSignal): Promise<UsageAnswer>;
  /** One query; only of the kinds that it serves. */
  ask?(query: MetricQuery, signal: AbortSignal): Promise<QueryAnswer>;
  close?(): Promise<void>;
}

export interface SourceFailure {
  readonly ok: false;
  readonly reason: UnknownReason;
  /** One sentence: who was asked and what came. Never a body of an answer: it may hold secrets of somebody else. */
  readonly detail: string;
  /** The server asks not to be asked again before so many milliseconds have passed (429, 503 with Retry-After). */
  readonly retryAfterMs?: number | undefined;
  /** The same question may succeed if asked again at once: a broken connection, a 5xx. */
  readonly transient?: boolean | undefined;
}

export interface UsageResult {
  readonly ok: true;
  readonly pods: UsageTable;
  readonly nodes: readonly NodeUsage[];
  /** Parts that cannot be used, one sentence each, at most twenty; what they describe is missing from `pods` and `nodes`. */
  readonly rejected: readonly string[];
  /** A part of the whole is known to be missing (a warning of the server): good for growth only. */
  readonly partial?: string | undefined;
}

export type UsageAnswer = UsageResult | SourceFailure;

export interface QueryValues {
  readonly ok: true;
  /** Empty when the server answered with nothing. */
  readonly series: readonly SeriesSample[];
  /** Warnings of the server, shortened and cleaned; any one means that a part may be missing. */
  readonly warnings: readonly string[];
  /** Values that were no finite number (NaN, ±Inf) or no quantity, and were left out. */
  readonly invalid: number;
}

export type QueryAnswer = QueryValues | SourceFailure;
