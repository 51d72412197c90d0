import type { Clock } from '../../../core/model/clock.ts';
import type { ActivityView, ApiHandler, InProcessDispatcher } from '../api-server/index.ts';
import type { PrometheusFaults } from './faults.ts';

/** Something to scrape, in this process. Names are those of Prometheus' scrape_config. */
export interface ScrapeTarget {
  /** Label `job` of every series of the target. */
  readonly job: string;
  /** More labels of every series; `instance` should be among them, default `<job>`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The text exposition; a throw or a rejection is a target that does not answer. */
  readonly scrape: () => string | Promise<string>;
  /** Default 15 000. */
  readonly intervalMs?: number;
  /** How long it may take to answer, default 10 000 and at most the interval. */
  readonly timeoutMs?: number;
  /** Whether timestamps of the exposition count (default true, as Prometheus); such series get no staleness marker when they disappear. */
  readonly honorTimestamps?: boolean;
  /** Whether labels of the exposition win over the target's (default false: they become `exported_<name>`). */
  readonly honorLabels?: boolean;
  /** First scrape so long after the target was added; default 0: at once. */
  readonly offsetMs?: number;
}

export interface ScrapeHandle {
  /** Scrapes now, besides the regular scrapes; resolves when the samples are there. */
  scrapeNow(): Promise<void>;
  /** Ends the target: its series go stale. */
  remove(): void;
}

export interface PrometheusServerOptions {
  readonly clock: Clock;
  /** How long samples are kept; default one hour. */
  readonly retentionMs?: number;
  /** `--query.lookback-delta`; default five minutes. */
  readonly lookbackMs?: number;
  /** `evaluation_interval`: the step of subqueries that name none; default one minute. */
  readonly evaluationIntervalMs?: number;
  /** `--query.max-samples`; default 50 million. */
  readonly maxSamples?: number;
  /** `--query.timeout`; default two minutes of the clock. */
  readonly timeoutMs?: number;
}

export interface PrometheusListener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A Prometheus in process: scrapes, keeps and answers its HTTP API, as version 2.42 does. */
export interface PrometheusServer {
  addTarget(target: ScrapeTarget): ScrapeHandle;
  /**
   * Scrapes all targets now. For tests and for a picture at a certain instant.
   */
  scrapeAll(): Promise<void>;
  /** Takes the exposition in as if a target had been scraped at `at` (default: now), with no more labels than it has; no staleness. */
  ingest(text: string, at?: number): void;
  readonly faults: PrometheusFaults;
  readonly handle: ApiHandler;
  /** A new undici dispatcher that reaches the server without sockets; any origin will do. */
  dispatcher(): InProcessDispatcher;
  activity(): ActivityView;
  /** Resolves when nothing is due any more until time passes: for a VirtualClock. */
  settle(): Promise<void>;
  /** Serves the same over HTTP; port 0 (default) picks a free one, host is 127.0.0.1. */
  listen(options?: { readonly port?: number; readonly host?: string }): Promise<PrometheusListener>;
  /** Series in memory, live and stale. */
  readonly seriesCount: number;
  /** Ends scrapes, dispatchers and listeners. */
  stop(): Promise<void>;
}
