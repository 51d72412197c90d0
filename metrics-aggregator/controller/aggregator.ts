import { messageOf } from '../../core/errors.ts';
import type { Clock, Random, Timer } from '../../core/model/clock.ts';
import { queryKey, sourceOfQuery, type MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView, SourceReport, SourceState, ViewChange } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import type { AggregatorConfig } from '../config.ts';
import { createMetricsView } from '../engine/metrics-view.ts';
import { judgeQuery, totalOf } from '../engine/query-result.ts';
import type { QueryAnswer } from '../sources/source.ts';
import { createSeriesStore } from '../store/series-store.ts';
import type { OwnerProbe } from './api-service-owners.ts';
import { createHeartbeatWatch, type HeartbeatWatch } from './heartbeat-watch.ts';
import { createOwnerWatch, type OwnerWatch } from './owner-watch.ts';
import { createQueryBook } from './query-book.ts';
import { createQueryOutages } from './query-outages.ts';
import type { SourceDirectory } from './source-directory.ts';
import { createSourceRunner, type SourceRunner } from './source-runner.ts';
import { createUsageKeeper, type PollReport, type UsageKeeper } from './usage-keeper.ts';

export interface AggregatorOptions {
  readonly sources: SourceDirectory;
  /** Which source gives the usage of pods and nodes. */
  readonly usageSource: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: AggregatorConfig;
  /** The cluster as the mirrors know it: an empty answer while pods run is a broken source, not an idle cluster. */
  readonly cluster: {
    /** Pods in phase Running. */
    readonly runningPods: () => number;
    /** All pods; without it nodes that are not scraped cannot be told from missing pods. */
    readonly pods?: (() => Iterable<PodRecord>) | undefined;
  };
  /** Reads who answers for an API group; absent: a takeover is not noticed. */
  readonly owners?: OwnerProbe | undefined;
  readonly onPoll?: ((report: PollReport) => void) | undefined;
  /** Told of every request that was sent to a source. */
  readonly onRequest?: ((source: string, outcome: 'ok' | UnknownReason, durationMs: number) => void) | undefined;
  /** A listener that throws is reported here and disturbs nothing. */
  readonly onListenerError?: ((error: unknown) => void) | undefined;
}

export interface MetricsAggregator {
  /** The newest view; never changes once handed out. */
  view(): MetricsView;
  /** Called when something new was measured, or could not be; answers the function that ends it. */
  onView(listener: (view: MetricsView, change: ViewChange) => void): () => void;
  /**
   * Declares what a subject (a policy's key, say) wants asked every tick; replaces what it wanted before, `[]` forgets it. Queries that are new are asked at
   * once. Equal queries of different subjects are asked once a tick.
   */
  demand(subject: string, queries: readonly MetricQuery[]): void;
  /** Asks everything once, now, and answers the view when all has been answered or failed. Calls while one is under way share it. */
  refresh(): Promise<MetricsView>;
  start(): void;
  stop(): void;
}

/**
 * Asks every source once a tick, each within its own limits and at its own pace, keeps what came, and publishes an immutable view whenever something new is
 * known: usage as soon as it is answered, queries gathered for some milliseconds.
 */
export function createMetricsAggregator(options: AggregatorOptions): MetricsAggregator {
  return new Aggregator(options);
}

class Aggregator implements MetricsAggregator {
  readonly #options: AggregatorOptions;
  readonly #listeners = new Set<(view: MetricsView, change: ViewChange) => void>();
  readonly #book = createQueryBook();
  readonly #outages = createQueryOutages();
  readonly #series = createSeriesStore();
  readonly #runners = new Map<string, SourceRunner>();
  readonly #states = new Map<string, SourceState>();
  readonly #owners: OwnerWatch;
  readonly #heartbeats: HeartbeatWatch;
  readonly #usage: UsageKeeper;
  #view: MetricsView;
  #news: { usage: boolean; readonly queries: Set<string> } = { usage: false, queries: new Set() };
  #gathering: Timer | undefined;
  #underWay: Promise<MetricsView> | undefined;
  #timer: Timer | undefined;
  #running = false;
  #unsubscribe: () => void;

  constructor(options: AggregatorOptions) {
    const { clock, config, sources, usageSource } = options;
    this.#options = options;
    this.#owners = createOwnerWatch(options.owners, clock);
    this.#heartbeats = createHeartbeatWatch(clock);
    this.#usage = createUsageKeeper({ name: usageSource, clock, config, cluster: options.cluster, owners: this.#owners });
    this.#view = this.#makeView(0);
    this.#unsubscribe = sources.onChange((name) => this.#sourceChanged(name));
  }

  view(): MetricsView {
    return this.#view;
  }

  onView(listener: (view: MetricsView, change: ViewChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  demand(subject: string, queries: readonly MetricQuery[]): void {
    const added = this.#book.demand(subject, queries);
    if (this.#running) this.#submit(added);
  }

  refresh(): Promise<MetricsView> {
    this.#underWay ??= this.#tick().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#unsubscribe();
    this.#unsubscribe = this.#options.sources.onChange((name) => this.#sourceChanged(name));
    this.#scheduleNext(0);
  }

  stop(): void {
    this.#running = false;
    this.#unsubscribe();
    this.#timer?.cancel();
    this.#gathering?.cancel();
    this.#timer = undefined;
    this.#gathering = undefined;
    for (const runner of this.#runners.values()) runner.stop();
    this.#runners.clear();
  }

  #scheduleNext(delayMs: number): void {
    const { clock, config } = this.#options;
    this.#timer = clock.setTimeout(() => {
      // Every failure is a value, so this never rejects. The next tick does not wait for this one: what is still under way is not asked twice.
      void this.refresh();
      this.#scheduleNext(config.pollIntervalMs);
    }, delayMs);
  }

  async #tick(): Promise<MetricsView> {
    for (const key of this.#book.takeForgotten()) this.#series.forget(key);
    await Promise.all([this.#askUsage(), this.#askQueries()]);
    this.#publish();
    return this.#view;
  }

  async #askUsage(): Promise<void> {
    const { usageSource, onPoll } = this.#options;
    const report = await this.#usage.poll(() => this.#runner(usageSource));
    if (report === undefined) return;
    this.#news.usage = true;
    onPoll?.(report);
    // Whoever goes by usage alone must not wait for slower sources.
    this.#publish();
  }

  async #askQueries(): Promise<void> {
    const asked = this.#book.sources();
    if (asked.length === 0) return;
    await this.#owners.look(asked);
    await Promise.all(asked.map((source) => this.#askSource(source)));
  }

  async #askSource(name: string): Promise<void> {
    const entry = this.#options.sources.get(name);
    if (entry.ok && entry.heartbeat !== undefined) await this.#heartbeats.listen(name, entry.heartbeat);
    this.#submit(this.#book.bySource(name));
    await this.#runners.get(name)?.idle();
  }

  #submit(queries: readonly MetricQuery[]): void {
    for (const [name, list] of groupBySource(queries)) {
      const entry = this.#runner(name);
      if (entry.ok) entry.runner.submit(list);
      else for (const query of list) this.#answered(query, { ok: false, reason: entry.reason, detail: entry.detail });
    }
  }

  #runner(
    name: string,
  ):
    { readonly ok: true; readonly runner: SourceRunner } | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string } {
    const known = this.#runners.get(name);
    if (known !== undefined) return { ok: true, runner: known };
    const { sources, clock, random, config, onRequest } = this.#options;
    const entry = sources.get(name);
    if (!entry.ok) return entry;
    const runner = createSourceRunner({
      source: entry.source,
      clock,
      random,
      limits: { concurrency: config.concurrency, timeoutMs: config.timeoutMs, ...entry.limits },
      admit: entry.admit,
      onAnswer: (query, answer) => this.#answered(query, answer),
      onRequest: (outcome, durationMs) => onRequest?.(name, outcome, durationMs),
    });
    this.#runners.set(name, runner);
    return { ok: true, runner };
  }

  #sourceChanged(name: string): void {
    this.#runners.get(name)?.stop();
    this.#runners.delete(name);
    this.#states.delete(name);
    this.#heartbeats.forget(name);
    if (this.#running) this.#submit(this.#book.bySource(name));
  }

  #answered(query: MetricQuery, answer: QueryAnswer): void {
    const { clock, config } = this.#options;
    const key = queryKey(query);
    const now = clock.now();
    const result = judgeQuery(answer, { query, previous: this.#book.result(key), now, maxAgeMs: config.maxAgeMs });
    if (!this.#book.setResult(key, result)) return;
    this.#states.set(sourceOfQuery(query), stateAfter(answer, this.#states.get(sourceOfQuery(query)), now));
    this.#series.record(key, now, totalOf(result));
    this.#news.queries.add(key);
    this.#gathering ??= clock.setTimeout(() => this.#publish(), config.gatherMs);
  }

  #publish(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    const { usage, queries } = this.#news;
    if (!usage && queries.size === 0) return;
    this.#news = { usage: false, queries: new Set() };
    this.#view = this.#makeView(this.#view.sequence + 1);
    const change: ViewChange = { usage, queries };
    for (const listener of this.#listeners) notify(listener, this.#view, { change, onError: this.#options.onListenerError });
  }

  #makeView(sequence: number): MetricsView {
    const { clock, config } = this.#options;
    const at = clock.now();
    const queries = this.#outages.judge(this.#book, {
      now: at,
      maxAgeMs: config.maxAgeMs,
      pending: (source) => (this.#runners.get(source)?.pending() ?? 0) > 0,
      doubt: (source) => this.#owners.doubt(source) ?? this.#heartbeats.doubt(source),
    });
    return createMetricsView({
      at,
      sequence,
      ...this.#usage.facts(at),
      queries,
      queryHistory: (key, upTo) => this.#series.history(key, upTo),
      sources: this.#reports(at),
    });
  }

  #reports(at: number): SourceReport[] {
    const { usageSource, sources } = this.#options;
    const names = new Set([usageSource, ...this.#book.sources(), ...sources.names()]);
    return [...names].toSorted().map((name) => {
      const used = name === usageSource;
      const notAsked: SourceState = {
        healthy: false,
        reason: 'not-observed',
        detail: `nothing was asked of ${name} yet`,
        since: at,
        lastSuccess: undefined,
      };
      return {
        name,
        state: used ? this.#usage.state() : (this.#states.get(name) ?? notAsked),
        doubt: used ? this.#usage.doubt() : (this.#owners.doubt(name) ?? this.#heartbeats.doubt(name) ?? this.#outages.doubt(name)),
        latencyMs: this.#runners.get(name)?.latencyMs(),
        queries: this.#book.count(name),
        circuit: circuitOf(this.#runners.get(name)),
      };
    });
  }
}

function circuitOf(runner: SourceRunner | undefined): SourceReport['circuit'] {
  if (runner === undefined || !runner.circuit().open) return 'closed';
  return runner.pending() > 0 ? 'half-open' : 'open';
}

/** A source is as healthy as its last answer; a question that is refused or has no answer says nothing against the source. */
function stateAfter(answer: QueryAnswer, previous: SourceState | undefined, now: number): SourceState {
  if (answer.ok) return { healthy: true, lastSuccess: now };
  if (answer.reason === 'refused' || answer.reason === 'missing')
    return previous?.healthy === true ? previous : { healthy: true, lastSuccess: now };
  const since = previous?.healthy === false ? previous.since : now;
  return { healthy: false, reason: answer.reason, detail: answer.detail, since, lastSuccess: previous?.lastSuccess };
}

function groupBySource(queries: readonly MetricQuery[]): Map<string, MetricQuery[]> {
  const groups = new Map<string, MetricQuery[]>();
  for (const query of queries) {
    const source = sourceOfQuery(query);
    const group = groups.get(source);
    if (group === undefined) groups.set(source, [query]);
    else group.push(query);
  }
  return groups;
}

function notify(
  listener: (view: MetricsView, change: ViewChange) => void,
  view: MetricsView,
  { change, onError }: { readonly change: ViewChange; readonly onError: ((error: unknown) => void) | undefined },
): void {
  try {
    listener(view, change);
  } catch (error) {
    onError?.(error instanceof Error ? error : new Error(messageOf(error)));
  }
}
