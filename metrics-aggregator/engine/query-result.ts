import type { MetricQuery, SeriesSample } from '../../core/model/metric-query.ts';
import { sourceOfQuery } from '../../core/model/metric-query.ts';
import type { QueryResult } from '../../core/model/metrics-view.ts';
import type { Doubt, UnknownReason } from '../../core/model/sample.ts';

/** As much of a source's answer as judging it takes; `QueryAnswer` of sources/source.ts is one. */
export type JudgedQueryAnswer =
  | { readonly ok: true; readonly series: readonly SeriesSample[]; readonly warnings: readonly string[]; readonly invalid: number }
  | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string };

export interface QueryContext {
  readonly query: MetricQuery;
  /** The result before this answer; `undefined`: the first. */
  readonly previous: QueryResult | undefined;
  readonly now: number;
  /** A value older than this is no value, milliseconds. */
  readonly maxAgeMs: number;
}

/** A timestamp further ahead of our clock than this is a clock problem, not a moment's difference between two machines. */
const maxAheadMs = 30_000;
/** Two replicas of an adapter may differ by so much without a word. */
const maxBackMs = 5_000;

/** Failures of the way to a source: the last value is still good for growth. Others say that the question itself has no answer. */
const heldOver: ReadonlySet<UnknownReason> = new Set<UnknownReason>(['source-unavailable', 'invalid', 'partial']);

/** What an answer means, by the table of the metrics specification §A.8. */
export function judgeQuery(answer: JudgedQueryAnswer, context: QueryContext): QueryResult {
  const { query, now } = context;
  if (!answer.ok) return afterFailure(answer, context);
  if (answer.series.length === 0) return withoutValue(answer, context);
  const fresh = answer.series.filter(({ timestamp }) => now - timestamp <= context.maxAgeMs);
  const asked = answer.series.length + answer.invalid;
  if (fresh.length === 0) {
    const age = Math.round((now - newest(answer.series)) / 1000);
    return unknownResult({ reason: 'stale', detail: `${sourceOfQuery(query)}: the newest value is ${age} s old` }, context);
  }
  return {
    known: true,
    series: fresh,
    at: now,
    source: sourceOfQuery(query),
    coverage: fresh.length / asked,
    doubt: doubtOf(answer, fresh, context),
  };
}

function withoutValue(answer: Extract<JudgedQueryAnswer, { ok: true }>, context: QueryContext): QueryResult {
  const { query, now } = context;
  if (answer.invalid > 0) {
    return unknownResult(
      { reason: 'invalid', detail: `${sourceOfQuery(query)}: all ${answer.invalid} values are NaN, infinite or no number` },
      context,
    );
  }
  // A warning means that something was left out: then nothing at all may be what was left out.
  if (query.kind === 'prometheus' && query.emptyMeans === 'zero' && answer.warnings.length === 0) {
    const zero: SeriesSample = { object: '', labels: {}, milli: 0n, timestamp: now, windowMs: undefined };
    return { known: true, series: [zero], at: now, source: sourceOfQuery(query), coverage: 1, doubt: undefined };
  }
  const remedy = query.kind === 'prometheus' ? '; if nothing means zero here, say so with emptyMeans: Zero' : '';
  return unknownResult({ reason: 'missing', detail: `${sourceOfQuery(query)}: the answer has no value${remedy}` }, context);
}

function doubtOf(
  { warnings, invalid, series }: Extract<JudgedQueryAnswer, { ok: true }>,
  fresh: readonly SeriesSample[],
  { query, previous, now }: QueryContext,
): Doubt | undefined {
  const latest = newest(fresh);
  const since = previous?.known === true ? (previous.doubt?.since ?? now) : now;
  if (latest > now + maxAheadMs) {
    return { reason: 'clock-skew', detail: `its timestamp lies ${Math.round((latest - now) / 1000)} s in the future`, since };
  }
  const before = previous?.known === true ? newest(previous.series) : undefined;
  // A sample of the future must not make all later ones look old.
  if (before !== undefined && before <= now + maxAheadMs && latest < before - maxBackMs) {
    return { reason: 'clock-skew', detail: `its timestamp went back by ${Math.round((before - latest) / 1000)} s`, since };
  }
  if (warnings.length > 0) return { reason: 'partial', detail: `the server warns: ${warnings.join('; ')}`, since };
  const left = series.length - fresh.length;
  // A pod without a value is dealt with pod by pod; a sum that lacks a part is too small.
  if (query.kind !== 'pods' && left + invalid > 0) {
    return { reason: 'partial', detail: `${left + invalid} of ${series.length + invalid} values are too old or no number`, since };
  }
  return undefined;
}

function afterFailure(failure: Extract<JudgedQueryAnswer, { ok: false }>, context: QueryContext): QueryResult {
  const { previous, now, maxAgeMs } = context;
  if (previous?.known === true && heldOver.has(failure.reason)) {
    const kept = previous.series.filter(({ timestamp }) => now - timestamp <= maxAgeMs);
    if (kept.length > 0 && now - previous.at <= maxAgeMs) {
      const same = previous.doubt?.reason === failure.reason;
      const since = same ? (previous.doubt?.since ?? now) : now;
      const doubt = { reason: failure.reason, detail: `${failure.detail}; its last answer is still used for growth`, since };
      return { ...previous, series: kept, doubt };
    }
  }
  return unknownResult(failure, context);
}

function unknownResult(
  { reason, detail }: { readonly reason: UnknownReason; readonly detail: string },
  context: QueryContext,
): QueryResult {
  const { query, previous, now } = context;
  const source = sourceOfQuery(query);
  // How long nothing usable has come, not how long this very reason stands.
  let since = now;
  if (previous !== undefined) {
    if (!previous.known) since = previous.reason === 'not-observed' ? now : previous.since;
    else since = previous.doubt?.since ?? now;
  }
  return { known: false, reason, detail, since, source };
}

function newest(series: readonly SeriesSample[]): number {
  return series.reduce((latest, { timestamp }) => Math.max(latest, timestamp), Number.NEGATIVE_INFINITY);
}

/** A result that nobody has renewed for too long is none any more. */
export function aged(result: QueryResult, now: number, maxAgeMs: number): QueryResult {
  if (!result.known || now - result.at <= maxAgeMs) return result;
  const detail = `${result.source}: the last answer is ${Math.round((now - result.at) / 1000)} s old`;
  return { known: false, reason: 'stale', detail, since: result.at, source: result.source };
}

/** The sum of the series in base units, NaN when unknown: what histories keep. */
export function totalOf(result: QueryResult): number {
  if (!result.known) return Number.NaN;
  return result.series.reduce((sum, { milli }) => sum + Number(milli), 0) / 1000;
}

/** A result with a doubt put on it that concerns the whole source; one of its own stands. */
export function withDoubt(result: QueryResult, doubt: Doubt | undefined): QueryResult {
  return doubt === undefined || !result.known || result.doubt !== undefined ? result : { ...result, doubt };
}
