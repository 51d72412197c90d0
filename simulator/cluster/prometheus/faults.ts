/** What queries get instead of an answer. */
export type AnswerFault =
  /** This status in Prometheus' envelope; 429 and 503 with Retry-After when `retryAfterSeconds` is given. */
  | {
      readonly kind: 'status';
      readonly code: number;
      readonly errorType?: string;
      readonly error?: string;
      readonly retryAfterSeconds?: number;
    }
  /** 422 `query processing would load too many samples into memory in query execution`. */
  | { readonly kind: 'too-many-samples' }
  /** A page of some proxy: content type text/html; default status 200. */
  | { readonly kind: 'html'; readonly code?: number }
  /** 302 to there. */
  | { readonly kind: 'redirect'; readonly location: string }
  /** 200 with a JSON body of at least so many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number }
  /** The true answer, broken off after so many bytes (default half of it). */
  | { readonly kind: 'cut-off'; readonly afterBytes?: number }
  /** No answer, ever. */
  | { readonly kind: 'hang' };

/** Faults that hold as long as they are set. */
export interface PrometheusFaults {
  /** What queries (instant and range) get instead of an answer; undefined: nothing. */
  answer: AnswerFault | undefined;
  /** Queries take so many milliseconds of the clock; more than the query's timeout gives 503 `timeout`. */
  slowMs: number;
  /** Sentences in the envelope beside a success: how Thanos announces a partial answer. */
  warnings: readonly string[];
  /** Every value of every answer is NaN or zero, or there are no series at all. */
  values: 'true' | 'nan' | 'zero' | 'empty';
  /** Scrapes do not happen: what is there gets old. */
  scrapesStopped: boolean;
  /** Jobs whose targets do not answer: up is 0 and their series are stale. */
  readonly failingJobs: Set<string>;
  /** The server's clock is so far ahead: timestamps of samples, the time of queries that name none, the Date header. */
  clockSkewMs: number;
  /** Points of one series that a range query may have. */
  pointLimit: number;
  /** When set, `answer`, `slowMs`, `warnings` and `values` strike only queries that it accepts. */
  only: ((query: string) => boolean) | undefined;
}

/** Prometheus' own bound. */
export const defaultPointLimit = 11_000;

export function noFaults(): PrometheusFaults {
  return {
    answer: undefined,
    slowMs: 0,
    warnings: [],
    values: 'true',
    scrapesStopped: false,
    failingJobs: new Set(),
    clockSkewMs: 0,
    pointLimit: defaultPointLimit,
    only: undefined,
  };
}

/** Takes every fault back. */
export function clearFaults(faults: PrometheusFaults): void {
  faults.failingJobs.clear();
  const { failingJobs: _, ...fresh } = noFaults();
  Object.assign(faults, fresh);
}
