import type { QueryHistory } from '../../core/model/metrics-view.ts';

/** Bounds of the memory of query values. */
export interface SeriesStoreConfig {
  /** Points that one key keeps, the newest. Default 240: one hour at 15 s; 16 bytes each. */
  readonly points: number;
  /** Keys that are kept. Default 10 000. For a new one beyond, the key that was recorded least recently is given up. */
  readonly maxKeys: number;
}

export const defaultSeriesStoreConfig: SeriesStoreConfig = { points: 240, maxKeys: 10_000 };

/** Recent values of queries by their key (`queryKey`). */
export interface SeriesStore {
  /** Number of keys. */
  readonly size: number;
  /** Notes what a query came to at an instant of our clock; NaN when it is unknown. The same instant again replaces; an earlier one drops what is later. */
  record(key: string, at: number, value: number): void;
  /** Copies of the points up to and with `upTo`; `undefined` when there are none. */
  history(key: string, upTo: number): QueryHistory | undefined;
  forget(key: string): void;
}

export function createSeriesStore(config: SeriesStoreConfig = defaultSeriesStoreConfig): SeriesStore {
  throw new Error(`not there yet ${config.points}`);
}
