import { formatDuration, formatSeconds } from '../../promql/index.ts';
import type { FormFields, GuardedHttp } from '../http/index.ts';
import type { ClientFailure } from './answer-failure.ts';
import { askApi, type ApiAnswer } from './client-request.ts';
import { flavourFields } from './flavour.ts';
import { parseTimestamp } from './sample-value.ts';
import { parseInstantItem, type InstantItem } from './series-item.ts';
import type { PrometheusLimits } from './source-limits.ts';
import type { SourceOptions, SourceType } from './source-type.ts';

/** What every question of a client needs. */
export interface ClientContext {
  readonly http: GuardedHttp;
  /** Of the MetricSource. */
  readonly name: string;
  readonly type: SourceType;
  readonly options: SourceOptions;
  readonly limits: PrometheusLimits;
}

export interface InstantOptions {
  /** Epoch milliseconds to evaluate for; absent: the server's now. */
  readonly at?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** More form fields, such as those of `tenantFields`. */
  readonly fields?: FormFields | undefined;
  /** In place of the limits of the MetricSource, which are for queries of policies. */
  readonly maxSeries?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

export type InstantAnswer =
  | {
      readonly ok: true;
      /** A matrix (a range vector was asked for) and a string have no series here. */
      readonly resultType: 'vector' | 'scalar' | 'matrix' | 'string';
      /** A scalar is one series without labels. */
      readonly series: readonly InstantItem[];
      /** Shortened and cleaned; any one means that a part may be missing. */
      readonly warnings: readonly string[];
    }
  | ClientFailure;

export type InstantStreamAnswer = { readonly ok: true; readonly series: number; readonly warnings: readonly string[] } | ClientFailure;

export async function askInstant(context: ClientContext, query: string, options: InstantOptions): Promise<InstantAnswer> {
  const series: InstantItem[] = [];
  /** The items of a scalar: a timestamp and a value. */
  const raw: string[] = [];
  let strange = 0;
  const answer = await post(context, query, {
    ...options,
    visit: (text, index) => {
      if (index < 2) raw.push(text);
      const item = parseInstantItem(text);
      if (item === undefined) strange++;
      else series.push(item);
      return true;
    },
  });
  if (!answer.ok) return answer;
  const { resultType, warnings } = answer.envelope;
  if (resultType === 'vector') return strange === 0 ? { ok: true, resultType, series, warnings } : strangeAnswer(context);
  if (resultType === 'matrix' || resultType === 'string') return { ok: true, resultType, series: [], warnings };
  const scalar = resultType === 'scalar' ? scalarOf(raw, answer.items) : undefined;
  return scalar === undefined ? strangeAnswer(context) : { ok: true, resultType: 'scalar', series: [scalar], warnings };
}

/** The same for answers too long to be kept: each series is given away as it arrives. Only vectors. */
export async function streamInstant(
  context: ClientContext,
  query: string,
  options: InstantOptions & { readonly visit: (item: InstantItem) => void },
): Promise<InstantStreamAnswer> {
  const answer = await post(context, query, {
    ...options,
    visit: (text) => {
      const item = parseInstantItem(text);
      if (item !== undefined) options.visit(item);
      return item !== undefined;
    },
  });
  if (!answer.ok) return answer;
  if (answer.envelope.resultType !== 'vector') return strangeAnswer(context);
  return { ok: true, series: answer.items, warnings: answer.envelope.warnings };
}

function post(
  context: ClientContext,
  query: string,
  options: InstantOptions & { readonly visit: (item: string, index: number) => boolean },
): Promise<ApiAnswer> {
  const { type, limits } = context;
  const maxSeries = options.maxSeries ?? limits.maxSeries;
  const form: FormFields = [
    ['query', query],
    ['timeout', serverTimeout(options.timeoutMs ?? limits.timeoutMs)],
    ...(options.at === undefined ? [] : [['time', formatSeconds(options.at)] as const]),
    ...flavourFields({ type, options: context.options, use: 'instant', maxSeries }),
    ...(options.fields ?? []),
  ];
  return askApi(context.http, context.name, {
    path: '/api/v1/query',
    form,
    itemsAt: 'data.result',
    visit: options.visit,
    // A scalar has two items, whatever the limit.
    maxItems: Math.max(2, maxSeries),
    itemName: 'series',
    maxBytes: options.maxBytes,
    timeoutMs: options.timeoutMs,
    signal: options.signal,
  });
}

/** A little less than we wait, so that the server says that it gave up, and the connection can be used again. */
export function serverTimeout(timeoutMs: number): string {
  return formatDuration(timeoutMs > 1000 ? timeoutMs - 200 : timeoutMs);
}

function scalarOf(raw: readonly string[], items: number): InstantItem | undefined {
  if (items !== 2) return undefined;
  try {
    const timestamp = parseTimestamp(JSON.parse(raw[0] ?? ''));
    const value: unknown = JSON.parse(raw[1] ?? '');
    return timestamp === undefined || typeof value !== 'string' ? undefined : { labels: {}, timestamp, value, histogram: false };
  } catch {
    return undefined;
  }
}

export function strangeAnswer({ name }: ClientContext): ClientFailure {
  const detail = `the answer of MetricSource ${name} is not one of the Prometheus API: check url of the MetricSource`;
  return { ok: false, reason: 'invalid', detail, status: 200 };
}
