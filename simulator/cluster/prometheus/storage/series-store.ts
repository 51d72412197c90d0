import type { Labels } from './labels.ts';
import { fixedName, matchesAll } from './matcher.ts';
import type { Matchers } from './matcher.ts';
import { Series } from './series.kernel.ts';

/** Type and help of a metric as its exposition has them. */
export interface Metadata {
  readonly type: string;
  readonly help: string;
}

/** All series, by labels and by metric name. */
export class SeriesStore {
  readonly #byKey = new Map<string, Series>();
  readonly #byName = new Map<string, Set<Series>>();

  get size(): number {
    return this.#byKey.size;
  }

  find(labels: Labels): Series | undefined {
    return this.#byKey.get(labels.key);
  }

  obtain(labels: Labels): Series {
    const found = this.#byKey.get(labels.key);
    if (found !== undefined) return found;
    const series = new Series(labels);
    this.#byKey.set(labels.key, series);
    const name = labels.name;
    const siblings = this.#byName.get(name);
    if (siblings === undefined) this.#byName.set(name, new Set([series]));
    else siblings.add(series);
    return series;
  }

  /** Series that match, oldest first. */
  select(matchers: Matchers): Series[] {
    const name = fixedName(matchers);
    const candidates: Iterable<Series> = name === undefined ? this.#byKey.values() : (this.#byName.get(name) ?? []);
    const found: Series[] = [];
    for (const series of candidates) if (matchesAll(matchers, series.labels)) found.push(series);
    return found;
  }

  /** Those of {@link select} with a sample in `[from, to]`. */
  selectBetween(matchers: Matchers, from: number, to: number): Series[] {
    return this.select(matchers).filter((series) => {
      const index = series.indexAt(to);
      return index >= 0 && series.timeOf(index) >= from;
    });
  }

  /** Forgets samples older than `time`, and series that have no others. */
  forgetBefore(time: number): void {
    for (const [key, series] of this.#byKey) {
      if (series.firstTime < time) series.forgetBefore(time);
      if (series.length > 0) continue;
      this.#byKey.delete(key);
      this.#byName.get(series.labels.name)?.delete(series);
    }
  }
}
