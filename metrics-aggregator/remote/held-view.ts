import type { QueryResult, SourceReport, SourceState } from '../../core/model/metrics-view.ts';
import type { Doubt } from '../../core/model/sample.ts';
import type { MetricsViewInput } from '../engine/metrics-view.ts';
import { aged, withDoubt } from '../engine/query-result.ts';

/** What the last view that came was made of; usage stands elsewhere. */
export type HeldView = Pick<
  MetricsViewInput,
  'usageSource' | 'resourceSource' | 'usageDoubt' | 'unscrapedNodes' | 'startGraceMs' | 'sources' | 'queries'
>;

/** The aggregator is away, or makes no new views. */
export interface Absence {
  /** Epoch milliseconds. */
  readonly since: number;
  /** One sentence. */
  readonly problem: string;
}

/**
 * What is known while the aggregator is away, by the table of the metrics specification §A.8: what it said last is held for growth until it is too old, then it
 * is unknown.
 */
export function heldThrough(held: HeldView, absence: Absence, now: number, maxAgeMs: number): HeldView {
  const doubt: Doubt = {
    reason: 'source-unavailable',
    detail: `${absence.problem}; its last answer is still used for growth`,
    since: absence.since,
  };
  const resourceSource = away(held.resourceSource, absence);
  const queries = new Map<string, QueryResult>();
  for (const [key, result] of held.queries) queries.set(key, heldResult(result, { doubt, absence, now, maxAgeMs }));
  return {
    ...held,
    resourceSource,
    // What was never known needs no doubt.
    usageDoubt: resourceSource.lastSuccess === undefined ? held.usageDoubt : { ...doubt, since: sinceOf(held.usageDoubt, absence) },
    sources: held.sources.map((report): SourceReport => ({ ...report, state: away(report.state, absence), doubt: report.doubt ?? doubt })),
    queries,
  };
}

/** A doubt that stood before goes on; it only has another reason now, and no end of its own. */
function sinceOf(before: Doubt | undefined, { since }: Absence): number {
  return Math.min(before?.since ?? since, since);
}

function away(state: SourceState, { since, problem }: Absence): SourceState {
  // How long nothing usable has come counts, not how long this very reason stands.
  const begun = state.healthy || state.reason === 'not-observed' ? since : Math.min(state.since, since);
  return { healthy: false, reason: 'source-unavailable', detail: problem, since: begun, lastSuccess: state.lastSuccess };
}

interface Hold {
  readonly doubt: Doubt;
  readonly absence: Absence;
  readonly now: number;
  readonly maxAgeMs: number;
}

/** A result of before with a doubt on it; unknown when it, or all its values, are too old. */
export function heldResult(result: QueryResult, { doubt, absence, now, maxAgeMs }: Hold): QueryResult {
  if (!result.known) return result;
  const series = result.series.filter(({ timestamp }) => now - timestamp <= maxAgeMs);
  if (!aged(result, now, maxAgeMs).known || series.length === 0) {
    return untold(result.source, absence);
  }
  // A doubt that ends by itself would end while nothing new is known.
  const lasting = result.doubt !== undefined && result.doubt.until === undefined;
  return lasting ? { ...result, series } : withDoubt({ ...result, series, doubt: undefined }, doubt);
}

/** What is said of a query that is wanted and that the aggregator has no answer to, since it is away or was not told: unknown, and why. */
export function untold(source: string, { since, problem }: Absence): QueryResult {
  return { known: false, reason: 'source-unavailable', detail: `${source}: ${problem}`, since, source };
}

/** Whether what one result says differs from what another of the same query says: there is one answer at an instant, only the doubts on it change. */
export function differs(one: QueryResult | undefined, other: QueryResult | undefined): boolean {
  if (one === other) return false;
  if (one === undefined || other === undefined || one.known !== other.known) return true;
  if (!one.known) return other.known || one.since !== other.since || one.reason !== other.reason || one.detail !== other.detail;
  return !other.known || one.at !== other.at || one.series.length !== other.series.length || doubtDiffers(one.doubt, other.doubt);
}

function doubtDiffers(one: Doubt | undefined, other: Doubt | undefined): boolean {
  return one?.reason !== other?.reason || one?.detail !== other?.detail;
}
