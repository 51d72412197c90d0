/** A range query: points are at start, start + step, … up to end. */
export interface HistoryQuery {
  readonly query: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly stepMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HistorySeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Epoch milliseconds, rising. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface HistoryFailure {
  readonly ok: false;
  readonly reason: string;
  /** One sentence: whom was asked, what it said, what to do. */
  readonly message: string;
  /** In smaller pieces it may be answered. */
  readonly tooMuch: boolean;
  /** Nobody was asked: what would be asked is not set up, which at the start of the program it soon will be. */
  readonly notYet?: boolean | undefined;
}

export type HistoryAnswer =
  /** `requests`: what it took where the client has asked in parts of its own accord. */
  { readonly ok: true; readonly requests?: number | undefined } | HistoryFailure;

/** What the import needs of a Prometheus. Series given away before a failure are not counted. Never throws for what the server says. */
export interface HistoryClient {
  queryRange(request: HistoryQuery, each: (series: HistorySeries) => void): Promise<HistoryAnswer>;
}
