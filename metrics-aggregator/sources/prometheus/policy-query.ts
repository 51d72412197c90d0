import type { PrometheusQuery, SeriesSample } from '../../../core/model/metric-query.ts';
import { confineQuery, quoted, resultKind, type ConfineResult, type ResultKind } from '../../promql/index.ts';
import type { QueryAnswer, SourceFailure } from '../source.ts';
import { tenantFields } from './flavour.ts';
import type { InstantAnswer } from './instant-query.ts';
import type { PrometheusClient } from './prometheus-client.ts';
import { parseMilliText } from './sample-value.ts';

export interface PolicyQueryOptions {
  readonly client: PrometheusClient;
  /** Label that holds the namespace of a series; default `namespace`. */
  readonly namespaceLabel?: string | undefined;
  /** Epoch milliseconds, for queries with `@`. */
  readonly now: () => number;
}

type Confined =
  { readonly ok: true; readonly query: string; readonly kind: ResultKind | undefined } | { readonly ok: false; readonly problem: string };

function withKind(result: ConfineResult): Confined {
  return result.ok ? { ok: true, query: result.query, kind: resultKind(result.query) } : result;
}

/** Confined queries that are kept: reading a query takes ten times as long as looking it up. */
const MAX_CONFINED = 10_000;
/** Longer ones are refused at once, and must not fill the memory. */
const MAX_KEPT_LENGTH = 4096;

export type PolicyAsker = (query: PrometheusQuery, signal: AbortSignal | undefined) => Promise<QueryAnswer>;

/**
 * Asks the query of a policy, confined to its namespace, and makes one number of the answer. The timestamp is the moment of evaluation, by the server's clock:
 * an instant query does not tell how old a sample is (at most the lookback, 5 min unless the MetricSource sets another).
 */
export function createPolicyAsker({ client, namespaceLabel = 'namespace', now }: PolicyQueryOptions): PolicyAsker {
  const confined = new Map<string, Confined>();

  const confine = ({ query, namespace }: PrometheusQuery): Confined => {
    const key = `${namespace}\n${query}`;
    const known = confined.get(key);
    if (known !== undefined) return known;
    const options = { namespaceLabel, namespace, maxRangeSeconds: client.limits.maxRangeSeconds };
    // A time after @ is judged by the clock, so what is right now may be wrong later.
    if (query.includes('@')) return withKind(confineQuery(query, { ...options, now: now() }));
    const result = withKind(confineQuery(query, options));
    if (query.length > MAX_KEPT_LENGTH) return result;
    const oldest = confined.size < MAX_CONFINED ? undefined : confined.keys().next().value;
    if (oldest !== undefined) confined.delete(oldest);
    confined.set(key, result);
    return result;
  };

  return async (query, signal) => {
    const what = `the query ${quoted(query.query)} of namespace ${query.namespace}`;
    const result = confine(query);
    if (!result.ok) return { ok: false, reason: 'refused', detail: `${what} is refused: ${result.problem}` };
    if (result.kind === 'matrix' || result.kind === 'string') return notOneNumber(what, result.kind);
    const answer = await client.instant(result.query, { signal, fields: tenantFields(client.type, namespaceLabel, query.namespace) });
    return answer.ok ? oneNumber(what, answer) : answer;
  };
}

function notOneNumber(what: string, kind: 'matrix' | 'string'): SourceFailure {
  const detail =
    kind === 'matrix'
      ? `${what} gives a range of samples, but a policy needs one number: put a function such as rate() or max_over_time() around it`
      : `${what} gives a text, but a policy needs one number`;
  return { ok: false, reason: 'invalid', detail };
}

function oneNumber(what: string, answer: Extract<InstantAnswer, { ok: true }>): QueryAnswer {
  const { resultType, series, warnings } = answer;
  if (resultType === 'matrix' || resultType === 'string') return notOneNumber(what, resultType);
  if (series.length > 1) {
    const detail = `${what} gives ${series.length} series, but a policy needs one number: aggregate with sum(), avg() or max()`;
    return { ok: false, reason: 'invalid', detail };
  }
  const [only] = series;
  if (only === undefined) return { ok: true, series: [], warnings, invalid: 0 };
  if (only.histogram) {
    const detail = `${what} gives a native histogram, but a policy needs one number: use histogram_quantile(), histogram_avg() or histogram_count()`;
    return { ok: false, reason: 'invalid', detail };
  }
  const milli = parseMilliText(only.value);
  if (milli === undefined) return { ok: true, series: [], warnings, invalid: 1 };
  const sample: SeriesSample = { object: '', labels: only.labels, milli, timestamp: only.timestamp, windowMs: undefined };
  return { ok: true, series: [sample], warnings, invalid: 0 };
}
