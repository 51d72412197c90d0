import type { GuardedHttp } from '../http/index.ts';
import { createGate } from './gate.ts';
import {
  askInstant,
  streamInstant,
  type ClientContext,
  type InstantAnswer,
  type InstantOptions,
  type InstantStreamAnswer,
} from './instant-query.ts';
import {
  askBuildInfo,
  askLabelNames,
  askLabelValues,
  askMetadata,
  askSeries,
  type BuildInfoAnswer,
  type ListAnswer,
  type MetricMetadata,
  type NamesOptions,
} from './names-query.ts';
import { askRange, type RangeAnswer, type RangeOptions, type RangeRequest } from './range-query.ts';
import type { InstantItem, SeriesLabels } from './series-item.ts';
import { defaultLimits, type PrometheusLimits } from './source-limits.ts';
import type { SourceOptions, SourceType } from './source-type.ts';

export interface PrometheusClientOptions {
  readonly http: GuardedHttp;
  /** Of the MetricSource. */
  readonly name: string;
  /** Default Prometheus. */
  readonly type?: SourceType | undefined;
  readonly options?: SourceOptions | undefined;
  readonly limits?: PrometheusLimits | undefined;
  /** Range queries at the same time; default 1: each may cost a server as much as all else together. */
  readonly maxConcurrentRanges?: number | undefined;
}

/**
 * The HTTP API of Prometheus and of what speaks like it (metrics specification §A.7). Queries are sent as they are: confining them is the caller's. No
 * method throws for what a server or a network does; a failure is a value with a reason and a sentence, and `transient` where asking again may help.
 */
export interface PrometheusClient {
  /** Of the MetricSource. */
  readonly name: string;
  readonly type: SourceType;
  readonly limits: PrometheusLimits;
  instant(query: string, options?: InstantOptions): Promise<InstantAnswer>;
  /** An instant vector too long to be kept: each series is given away as it arrives. */
  stream(query: string, options: InstantOptions & { readonly visit: (item: InstantItem) => void }): Promise<InstantStreamAnswer>;
  range(request: RangeRequest, options?: RangeOptions): Promise<RangeAnswer>;
  /** Labels of the series that the selectors match. */
  series(match: readonly string[], options?: Omit<NamesOptions, 'match'>): Promise<ListAnswer<SeriesLabels>>;
  labelNames(options?: NamesOptions): Promise<ListAnswer<string>>;
  labelValues(label: string, options?: NamesOptions): Promise<ListAnswer<string>>;
  metadata(options?: { readonly metric?: string; readonly signal?: AbortSignal }): Promise<ListAnswer<MetricMetadata>>;
  buildInfo(options?: { readonly signal?: AbortSignal }): Promise<BuildInfoAnswer>;
  close(): Promise<void>;
}

export function createPrometheusClient(options: PrometheusClientOptions): PrometheusClient {
  const context: ClientContext = {
    http: options.http,
    name: options.name,
    type: options.type ?? 'Prometheus',
    options: options.options ?? {},
    limits: options.limits ?? defaultLimits,
  };
  const ranges = createGate(options.maxConcurrentRanges ?? 1);
  return {
    name: context.name,
    type: context.type,
    limits: context.limits,
    instant: (query, more = {}) => askInstant(context, query, more),
    stream: (query, more) => streamInstant(context, query, more),
    range: (request, more = {}) => ranges.run(() => askRange(context, request, more)),
    series: (match, more = {}) => askSeries(context, { ...more, match }),
    labelNames: (more = {}) => askLabelNames(context, more),
    labelValues: (label, more = {}) => askLabelValues(context, label, more),
    metadata: (more = {}) => askMetadata(context, more),
    buildInfo: (more = {}) => askBuildInfo(context, more.signal),
    close: () => context.http.close(),
  };
}
