import type { EvaluationOptions } from '../promql/evaluate.ts';
import type { Metadata, SeriesStore } from '../storage/series-store.ts';
import type { PrometheusFaults } from '../faults.ts';

/** What the endpoints share. */
export interface ServerState {
  readonly store: SeriesStore;
  readonly metadata: ReadonlyMap<string, Metadata>;
  readonly faults: PrometheusFaults;
  readonly evaluation: Omit<EvaluationOptions, 'start' | 'end'>;
  /** The server's own idea of the time. */
  readonly now: () => number;
  readonly timeoutMs: number;
}

/** One request to an endpoint under `/api/v1`. */
export interface Exchange {
  readonly server: ServerState;
  readonly parameters: URLSearchParams;
  /** The segment of the path that names something, percent-decoded: the label of `/label/<name>/values`. */
  readonly name: string;
  /** How values are falsified. */
  readonly values: PrometheusFaults['values'];
}
