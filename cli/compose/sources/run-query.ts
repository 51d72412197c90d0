import type { Clock } from '../../../core/model/clock.ts';
import type { MetricSourceSpec } from '../../../metrics-aggregator/index.ts';
import { foreign } from '../doctor/foreign-text.ts';
import { countSeries, mostSelectors } from './count-series.ts';
import type { InstantItem, PrometheusFromSpec, RangeItem } from '../../../metrics-aggregator/index.ts';
import { planQuery, type QueryPlan } from './plan-query.ts';
import { selectorReport, type QueryReport, type RangeRow, type SeriesRow } from './query-report.ts';

export interface QueryRequest {
  /** Name of the MetricSource; `undefined` for a server that none declares. */
  readonly source: string | undefined;
  readonly spec: MetricSourceSpec;
  readonly prometheus: PrometheusFromSpec;
  readonly expression: string;
  /** Ask as a policy of this namespace would. */
  readonly namespace: string | undefined;
  /** Milliseconds; absent: an instant query. */
  readonly range: { readonly lengthMs: number; readonly stepMs: number } | undefined;
  readonly clock: Clock;
}

/** Series that a report holds. */
const mostSeries = 500;
const mostPoints = 200_000;

/** Asks one expression and everything that explains its answer. */
export async function runQuery(request: QueryRequest): Promise<QueryReport> {
  const { source, spec, prometheus, expression, namespace, range, clock } = request;
  const now = clock.now();
  const base = emptyReport({ source, expression, namespace, at: now, range });
  const plan = planQuery(expression, { source, spec, namespace, now });
  if (!plan.ok) return { ...base, reason: 'refused', problem: plan.problem };
  if (range !== undefined && (plan.kind === 'matrix' || plan.kind === 'string')) {
    return {
      ...base,
      query: plan.query,
      reason: 'refused',
      problem: 'a range query needs an expression that gives numbers at an instant: put a function such as rate() around it',
    };
  }
  const startedAt = clock.monotonic();
  const answered = range === undefined ? await askInstant(prometheus, plan) : await askRange(prometheus, plan, { ...range, now });
  const latencyMs = Math.round(clock.monotonic() - startedAt);
  const [counts, asPolicy] = await Promise.all([countSeries(prometheus.client, plan.selectors), policyView(request)]);
  return {
    ...base,
    ...answered,
    query: plan.query,
    latencyMs,
    selectors: counts.map(selectorReport),
    notCounted: Math.max(0, plan.selectors.length - mostSelectors),
    asPolicy,
  };
}

export function emptyReport(input: {
  readonly source: string | undefined;
  readonly expression: string;
  readonly namespace: string | undefined;
  readonly at: number;
  readonly range: QueryRequest['range'];
}): QueryReport {
  const { source, expression, namespace, at, range } = input;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    kind: 'ConcertinaSourceQuery',
    version: 1,
    source: source ?? null,
    namespace: namespace ?? null,
    expression,
    query: null,
    at: time(at),
    range: range === undefined ? null : { start: time(at - range.lengthMs), end: time(at), stepSeconds: range.stepMs / 1000 },
    ok: false,
    problem: null,
    reason: null,
    result: null,
    selectors: [],
    notCounted: 0,
    asPolicy: null,
    warnings: [],
    latencyMs: null,
  };
}

type Answered = Pick<QueryReport, 'ok' | 'problem' | 'reason' | 'result' | 'warnings'>;
type Plan = Extract<QueryPlan, { ok: true }>;

async function askInstant({ client }: PrometheusFromSpec, { query, kind, fields }: Plan): Promise<Answered> {
  const answer = await client.instant(query, { fields });
  if (!answer.ok) return unanswered(answer);
  const values = answer.series.slice(0, mostSeries).map(seriesRow);
  const type = kind === 'matrix' || kind === 'string' ? kind : answer.resultType;
  return { ...answeredWith(answer.warnings), result: { type, series: answer.series.length, values, ranges: [] } };
}

async function askRange(
  { client }: PrometheusFromSpec,
  { query }: Plan,
  { lengthMs, stepMs, now }: { readonly lengthMs: number; readonly stepMs: number; readonly now: number },
): Promise<Answered> {
  const answer = await client.range({ query, start: now - lengthMs, end: now, step: stepMs });
  if (!answer.ok) return unanswered(answer);
  const ranges = withinPoints(answer.series.slice(0, mostSeries)).map(rangeRow);
  return { ...answeredWith(answer.warnings), result: { type: 'matrix', series: answer.series.length, values: [], ranges } };
}

/** As many of the series as have so many points together, at least one. */
function withinPoints(series: readonly RangeItem[]): readonly RangeItem[] {
  let points = 0;
  return series.filter(({ values }, index) => {
    points += values.length;
    return index === 0 || points <= mostPoints;
  });
}

function unanswered({ reason, detail }: { readonly reason: string; readonly detail: string }): Answered {
  return { ok: false, reason, problem: foreign(detail, 400), result: null, warnings: [] };
}

function answeredWith(warnings: readonly string[]): Omit<Answered, 'result'> {
  return { ok: true, reason: null, problem: null, warnings };
}

function seriesRow({ labels, value, timestamp, histogram }: InstantItem): SeriesRow {
  return { labels, value: histogram ? 'histogram' : value, at: new Date(timestamp).toISOString() };
}

function rangeRow({ labels, timestamps, values }: RangeItem): RangeRow {
  const finite = [...values].filter(Number.isFinite);
  return {
    labels,
    points: values.length,
    first: finite[0] ?? null,
    last: finite.at(-1) ?? null,
    min: finite.length === 0 ? null : finite.reduce((a, b) => Math.min(a, b)),
    max: finite.length === 0 ? null : finite.reduce((a, b) => Math.max(a, b)),
    values: [...values].map((value, index) => [(timestamps[index] ?? 0) / 1000, Number.isFinite(value) ? value : String(value)] as const),
  };
}

/** What the engine would make of the same question: exactly one number, or a reason. */
async function policyView({ namespace, expression, prometheus, range }: QueryRequest): Promise<QueryReport['asPolicy']> {
  if (namespace === undefined || range !== undefined) return null;
  const query = { kind: 'prometheus', namespace, source: prometheus.client.name, query: expression, emptyMeans: 'unknown' } as const;
  const answer = await prometheus.source.ask?.(query, new AbortController().signal);
  if (answer === undefined) return null;
  if (!answer.ok) return { value: null, problem: foreign(answer.detail, 400) };
  const [only] = answer.series;
  if (only !== undefined) return { value: decimal(only.milli), problem: null };
  const problem =
    answer.invalid > 0
      ? 'the value is NaN or infinite, which is unknown to a policy'
      : 'there is no series, which is unknown to a policy, or 0 to one with emptyMeans: Zero';
  return { value: null, problem };
}

/** Thousandths as a decimal number. */
function decimal(milli: bigint): string {
  const sign = milli < 0n ? '-' : '';
  const size = milli < 0n ? -milli : milli;
  const fraction = String(size % 1000n)
    .padStart(3, '0')
    .replace(/0+$/, '');
  return `${sign}${size / 1000n}${fraction === '' ? '' : `.${fraction}`}`;
}
