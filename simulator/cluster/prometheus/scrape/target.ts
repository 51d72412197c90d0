import { sleep } from '../../../../core/model/clock.ts';
import type { Clock, Timer } from '../../../../core/model/clock.ts';
import { parseExposition, withTargetLabels } from '../exposition/parse.ts';
import type { ExposedSample } from '../exposition/parse.ts';
import { Labels } from '../storage/labels.ts';
import type { Metadata, SeriesStore } from '../storage/series-store.ts';
import type { PrometheusFaults } from '../faults.ts';
import type { ScrapeTarget } from '../types.ts';

const defaultIntervalMs = 15_000;
const defaultTimeoutMs = 10_000;
/** The TSDB refuses samples that are further ahead of its clock. */
const maximumAheadMs = 600_000;

export interface TargetDependencies {
  readonly clock: Clock;
  readonly store: SeriesStore;
  readonly metadata: Map<string, Metadata>;
  readonly faults: PrometheusFaults;
  /** Told after each scrape. */
  readonly onScrape: () => void;
}

/** One target under regular scrapes. */
export class Target {
  readonly #target: ScrapeTarget;
  readonly #dependencies: TargetDependencies;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #intervalMs: number;
  /** Series of the last scrape without timestamps of their own: they get a staleness marker when they do not come again. */
  #tracked = new Map<string, Labels>();
  /** Labels by the text of the series, of the last scrape: reading them is most of the work. */
  #read = new Map<string, Labels>();
  #scrapedAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #removed = false;

  constructor(target: ScrapeTarget, dependencies: TargetDependencies) {
    this.#target = target;
    this.#dependencies = dependencies;
    this.#intervalMs = target.intervalMs ?? defaultIntervalMs;
    this.#labels = { instance: target.job, ...target.labels, job: target.job };
  }

  start(): void {
    const { clock } = this.#dependencies;
    const { offsetMs = 0 } = this.#target;
    this.#next(clock.now() + offsetMs, offsetMs === 0);
  }

  #next(due: number, atOnce: boolean): void {
    if (this.#removed) return;
    const { clock, faults } = this.#dependencies;
    const run = (): void => {
      if (!faults.scrapesStopped) void this.scrape(due);
      this.#next(due + this.#intervalMs, false);
    };
    if (atOnce) run();
    else this.#timer = clock.setTimeout(run, due - clock.now());
  }

  /** One scrape; its samples get the time at which it was due. */
  async scrape(due: number): Promise<void> {
    const { faults, onScrape } = this.#dependencies;
    const at = due + faults.clockSkewMs;
    try {
      const answer = this.#ask();
      this.#take(typeof answer === 'string' ? answer : await this.#bounded(answer), at);
    } catch {
      this.#failed(at);
    }
    onScrape();
  }

  /** Ends the target, as when it disappears from discovery. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#timer?.cancel();
    const { clock, faults } = this.#dependencies;
    // After the last scrape in any case: of two samples of one instant the first stays.
    const at = Math.max(clock.now() + faults.clockSkewMs, this.#scrapedAt + 1);
    this.#markStale(this.#tracked, at);
    for (const name of reportNames) this.#append(this.#report(name), at, 0, true);
    this.#tracked.clear();
  }

  #ask(): string | Promise<string> {
    if (this.#dependencies.faults.failingJobs.has(this.#target.job)) throw new Error(`job ${this.#target.job} does not answer`);
    return this.#target.scrape();
  }

  async #bounded(answer: Promise<string>): Promise<string> {
    const { clock } = this.#dependencies;
    const done = new AbortController();
    const limit = Math.min(this.#target.timeoutMs ?? defaultTimeoutMs, this.#intervalMs);
    const timeout = sleep(clock, limit, done.signal).then(() => {
      throw new Error(`job ${this.#target.job} did not answer within ${limit} ms`);
    });
    timeout.catch(() => undefined);
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      done.abort();
    }
  }

  #take(text: string, at: number): void {
    if (this.#removed) return;
    const { honorTimestamps = true, honorLabels = false } = this.#target;
    const { samples, metadata } = parseExposition(text);
    for (const [name, entry] of metadata) this.#dependencies.metadata.set(name, entry);
    const read = new Map<string, Labels>();
    let added = 0;
    // All of it is read before anything is kept: a text that is broken at its end brings nothing.
    const labels = samples.map((sample) => {
      const known = this.#read.get(sample.series) ?? read.get(sample.series);
      if (known === undefined) added += 1;
      const found = known ?? withTargetLabels(sample, this.#labels, honorLabels);
      read.set(known === undefined ? ownText(sample) : sample.series, found);
      return found;
    });
    this.#read = read;
    const tracked = new Map<string, Labels>();
    for (const [index, sample] of samples.entries()) {
      const own = honorTimestamps ? sample.timestamp : undefined;
      const of = labels[index] ?? Labels.empty;
      this.#append(of, own ?? at, sample.value);
      if (own === undefined) tracked.set(of.key, of);
    }
    for (const key of tracked.keys()) this.#tracked.delete(key);
    this.#markStale(this.#tracked, at);
    this.#tracked = tracked;
    this.#reports(at, { up: 1, samples: samples.length, added });
  }

  #failed(at: number): void {
    if (this.#removed) return;
    this.#markStale(this.#tracked, at);
    this.#tracked = new Map();
    this.#read = new Map();
    this.#reports(at, { up: 0, samples: 0, added: 0 });
  }

  #reports(at: number, { up, samples, added }: { readonly up: number; readonly samples: number; readonly added: number }): void {
    this.#scrapedAt = at;
    const values = [up, 0, samples, samples, added];
    for (const [index, name] of reportNames.entries()) this.#append(this.#report(name), at, values[index] ?? 0);
  }

  #report(name: string): Labels {
    return Labels.from({ ...this.#labels, __name__: name });
  }

  #markStale(series: ReadonlyMap<string, Labels>, at: number): void {
    for (const labels of series.values()) this.#append(labels, at, 0, true);
  }

  #append(labels: Labels, at: number, value: number, stale = false): void {
    const { store, clock, faults } = this.#dependencies;
    if (at > clock.now() + faults.clockSkewMs + maximumAheadMs) return;
    if (stale) store.find(labels)?.append(at, value, true);
    else store.obtain(labels).append(at, value);
  }
}

/** A copy: a part of the text would keep the whole of it in memory. */
function ownText({ series }: ExposedSample): string {
  return Buffer.from(series).toString();
}

const reportNames = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
];
