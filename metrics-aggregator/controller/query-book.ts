import { queryKey, sourceOfQuery, type MetricQuery } from '../../core/model/metric-query.ts';
import type { QueryResult } from '../../core/model/metrics-view.ts';

interface Entry {
  readonly query: MetricQuery;
  readonly subjects: Set<string>;
  result: QueryResult | undefined;
}

/** What is asked for whom, and what came. Equal queries of different subjects are one entry, asked once a tick. */
export interface QueryBook {
  /** Replaces what the subject wants; answers the queries that nobody wanted before. */
  demand(subject: string, queries: readonly MetricQuery[]): readonly MetricQuery[];
  /** Keys that nobody wants any more, since the last call. */
  takeForgotten(): readonly string[];
  bySource(source: string): readonly MetricQuery[];
  sources(): readonly string[];
  count(source: string): number;
  result(key: string): QueryResult | undefined;
  /** Stores a result; false when nobody wants it any more. */
  setResult(key: string, result: QueryResult): boolean;
  entries(): IterableIterator<readonly [string, { readonly query: MetricQuery; readonly result: QueryResult | undefined }]>;
}

export function createQueryBook(): QueryBook {
  const entries = new Map<string, Entry>();
  const wanted = new Map<string, readonly string[]>();
  const sources = new Map<string, Map<string, MetricQuery>>();
  let forgotten: string[] = [];

  const release = (subject: string, key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entry.subjects.delete(subject);
    if (entry.subjects.size > 0) return;
    entries.delete(key);
    const source = sourceOfQuery(entry.query);
    const queries = sources.get(source);
    queries?.delete(key);
    if (queries?.size === 0) sources.delete(source);
    forgotten.push(key);
  };

  const add = (subject: string, key: string, query: MetricQuery): boolean => {
    const known = entries.get(key);
    if (known !== undefined) {
      known.subjects.add(subject);
      return false;
    }
    entries.set(key, { query, subjects: new Set([subject]), result: undefined });
    const source = sourceOfQuery(query);
    const queries = sources.get(source);
    if (queries === undefined) sources.set(source, new Map([[key, query]]));
    else queries.set(key, query);
    return true;
  };

  return {
    demand: (subject, queries) => {
      const before = wanted.get(subject) ?? [];
      const byKey = new Map(queries.map((query) => [queryKey(query), query]));
      // Most calls repeat what is known already.
      if (before.length === byKey.size && before.every((key) => byKey.has(key))) return [];
      if (byKey.size === 0) wanted.delete(subject);
      else wanted.set(subject, [...byKey.keys()]);
      for (const key of before) if (!byKey.has(key)) release(subject, key);
      return [...byKey].filter(([key, query]) => add(subject, key, query)).map(([, query]) => query);
    },
    takeForgotten: () => {
      const taken = forgotten.filter((key) => !entries.has(key));
      forgotten = [];
      return taken;
    },
    bySource: (source) => [...(sources.get(source)?.values() ?? [])],
    sources: () => [...sources.keys()],
    count: (source) => sources.get(source)?.size ?? 0,
    result: (key) => entries.get(key)?.result,
    setResult: (key, result) => {
      const entry = entries.get(key);
      if (entry === undefined) return false;
      entry.result = result;
      return true;
    },
    entries: () => entries.entries(),
  };
}
