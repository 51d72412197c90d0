import { sourceOfQuery } from '../../core/model/metric-query.ts';
import type { QueryResult } from '../../core/model/metrics-view.ts';
import type { Doubt } from '../../core/model/sample.ts';
import { judgeOutage, noOutage, queryOutage, type GroupTotal, type OutageState } from '../engine/outage.ts';
import { aged, totalOf, withDoubt } from '../engine/query-result.ts';
import type { QueryBook } from './query-book.ts';

export interface QueryOutageContext {
  readonly now: number;
  readonly maxAgeMs: number;
  /** Whether answers of the source are still to come in this tick. */
  readonly pending: (source: string) => boolean;
  /** What else is known against the source. */
  readonly doubt: (source: string) => Doubt | undefined;
}

/** Puts on the results what concerns their source as a whole. */
export interface QueryOutages {
  judge(book: QueryBook, context: QueryOutageContext): ReadonlyMap<string, QueryResult>;
  doubt(source: string): Doubt | undefined;
}

export function createQueryOutages(): QueryOutages {
  const states = new Map<string, OutageState>();
  const doubts = new Map<string, Doubt | undefined>();

  return {
    doubt: (source) => doubts.get(source),
    judge: (book, context) => {
      const { now, maxAgeMs } = context;
      const results = new Map<string, { readonly source: string; readonly result: QueryResult }>();
      const totals = new Map<string, Map<string, GroupTotal>>();
      for (const [key, { query, result }] of book.entries()) {
        if (result === undefined) continue;
        const source = sourceOfQuery(query);
        const current = aged(result, now, maxAgeMs);
        results.set(key, { source, result: current });
        if (!current.known) continue;
        const group = totals.get(source) ?? new Map<string, GroupTotal>();
        totals.set(source, group.set(key, { total: totalOf(current), nothing: 0 }));
      }
      for (const [source, groups] of totals) {
        const { state, doubt } = judgeOutage(states.get(source) ?? noOutage, groups, now, queryOutage);
        states.set(source, state);
        doubts.set(source, doubt);
      }
      const judged = new Map<string, QueryResult>();
      for (const [key, { source, result }] of results) {
        const doubt =
          context.doubt(source) ?? doubts.get(source) ?? (context.pending(source) ? fallDoubt(states.get(source), key) : undefined);
        judged.set(key, withDoubt(result, doubt));
      }
      return judged;
    },
  };
}

/** A value that has just fallen to nothing is not acted on before the other answers of the tick are there: only together they tell an outage. */
function fallDoubt(state: OutageState | undefined, key: string): Doubt | undefined {
  const group = state?.groups.get(key);
  if (group?.fallenAt === undefined || group.believed < queryOutage.activeFrom) return undefined;
  return { reason: 'outage', detail: 'it fell to nothing; the other answers of this tick are waited for', since: group.fallenAt };
}
