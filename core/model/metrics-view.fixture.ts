import { queryKey, sourceOfQuery } from './metric-query.ts';
import type { MetricsView, PodUsage, QueryResult, SourceState, UsageColumns, UsageSnapshot } from './metrics-view.ts';
import type { PodRecord } from './pod.ts';
import { unknown, type Doubt, type UnknownReason } from './sample.ts';

/** The facts of a view that a test cares about; the rest is empty and healthy. */
export interface PlainViewFacts {
  readonly at: number;
  readonly sequence?: number;
  readonly source?: SourceState;
  readonly usageDoubt?: Doubt;
  readonly pods?: Iterable<PodUsage>;
  readonly gaps?: ReadonlyMap<string, { readonly reason: UnknownReason; readonly detail: string }>;
  /** By `queryKey`. */
  readonly queries?: ReadonlyMap<string, QueryResult>;
}

/** A view for tests of rooms that may not import the aggregator. */
export function plainView(facts: PlainViewFacts): MetricsView {
  const { at, sequence = 1, source = { healthy: true, lastSuccess: at }, gaps, queries } = facts;
  const pods = new Map([...(facts.pods ?? [])].map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  const keyOf = (pod: PodRecord): string => `${pod.namespace}/${pod.name}`;
  return {
    at,
    sequence,
    resourceSource: source,
    usageDoubt: facts.usageDoubt,
    podUsage: (namespace, name) => pods.get(`${namespace}/${name}`),
    hasPod: (namespace, name) => pods.has(`${namespace}/${name}`),
    nodeUsage: () => undefined,
    podCount: pods.size,
    pods: () => pods.values(),
    nodes: () => [].values(),
    containerHistory: () => undefined,
    eachFresh: () => undefined,
    containerSample: (pod) => unknown('missing', keyOf(pod), at),
    podGap: (pod) => (pods.has(keyOf(pod)) ? undefined : (gaps?.get(keyOf(pod)) ?? { reason: 'missing', detail: 'not listed' })),
    query: (query) =>
      queries?.get(queryKey(query)) ?? {
        known: false,
        reason: 'not-observed',
        detail: 'not asked',
        since: at,
        source: sourceOfQuery(query),
      },
    queryHistory: () => undefined,
    sources: () => [],
  };
}

/** Usage that is read by its columns only. */
export function usageOfColumns(columns: UsageColumns, hasPod: UsageSnapshot['hasPod'] = () => true): UsageSnapshot {
  return {
    podUsage: () => undefined,
    hasPod,
    nodeUsage: () => undefined,
    podCount: columns.podCount,
    pods: () => [].values(),
    nodes: () => [].values(),
    containerHistory: () => undefined,
    eachFresh: () => undefined,
    columns: () => columns,
  };
}
