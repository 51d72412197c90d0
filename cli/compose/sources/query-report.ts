import type { SelectorCount } from './count-series.ts';

/** One series of an answer. */
export interface SeriesRow {
  readonly labels: Readonly<Record<string, string>>;
  /** As the server wrote it; `histogram` for a native one. */
  readonly value: string;
  /** RFC 3339: the moment of evaluation, not that of the sample. */
  readonly at: string;
}

export interface RangeRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Unix seconds and value; NaN and infinities as text. */
  readonly values: readonly (readonly [number, number | string])[];
}

/** What `concertina sources query -o json` prints. Fields are only ever added within one version. */
export interface QueryReport {
  readonly kind: 'ConcertinaSourceQuery';
  readonly version: 1;
  /** Name of the MetricSource; null with --url. */
  readonly source: string | null;
  readonly namespace: string | null;
  readonly expression: string;
  /** What was sent; null when nothing was. */
  readonly query: string | null;
  /** RFC 3339. */
  readonly at: string;
  readonly range: { readonly start: string; readonly end: string; readonly stepSeconds: number } | null;
  readonly ok: boolean;
  /** Why there is no answer; null when there is one. */
  readonly problem: string | null;
  readonly reason: string | null;
  readonly result: {
    readonly type: 'vector' | 'scalar' | 'string' | 'matrix';
    /** Of the answer; those below may be fewer. */
    readonly series: number;
    readonly values: readonly SeriesRow[];
    readonly ranges: readonly RangeRow[];
  } | null;
  /** For each selector of the query what it matches now. */
  readonly selectors: readonly SelectorReport[];
  /** Selectors beyond those. */
  readonly notCounted: number;
  /** With --namespace: what a policy gets. */
  readonly asPolicy: { readonly value: string | null; readonly problem: string | null } | null;
  readonly warnings: readonly string[];
  readonly latencyMs: number | null;
}

export interface SelectorReport {
  readonly selector: string;
  readonly series: number | null;
  readonly newestAgeSeconds: number | null;
  readonly oldestAgeSeconds: number | null;
  readonly problem: string | null;
  readonly withoutMatcher: readonly { readonly without: string; readonly series: number }[];
  readonly similarMetric: string | null;
}

export function selectorReport(count: SelectorCount): SelectorReport {
  const { selector, series, newestAgeMs, oldestAgeMs, problem, loosened, similar } = count;
  const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms / 100) / 10);
  return {
    selector,
    series: series ?? null,
    newestAgeSeconds: seconds(newestAgeMs),
    oldestAgeSeconds: seconds(oldestAgeMs),
    problem: problem ?? null,
    withoutMatcher: loosened,
    similarMetric: similar ?? null,
  };
}
