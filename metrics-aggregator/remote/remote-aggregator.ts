import { randomUUID } from 'node:crypto';
import { messageOf } from '../../core/errors.ts';
import { createBackoff } from '../../core/kube/backoff.ts';
import { sleep, type Random } from '../../core/model/clock.ts';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import { resourceMetricsSource } from '../../core/model/metric-query.ts';
import type { MetricsView, QueryResult, ViewChange } from '../../core/model/metrics-view.ts';
import { createMetricsView } from '../engine/metrics-view.ts';
import { aged, totalOf } from '../engine/query-result.ts';
import type { MetricsAggregator } from '../serving/ports.ts';
import { createSeriesStore } from '../store/series-store.ts';
import { createAbsenceWatch } from './absence-watch.ts';
import { createDemandSender } from './demand-sender.ts';
import { differs, heldResult, heldThrough, untold, type Absence, type HeldView } from './held-view.ts';
import { createRemoteClient, type RemoteClient, type RemoteClientOptions, type SeenMark } from './remote-client.ts';
import { createRemoteUsage } from './remote-usage.ts';
import type { ReceivedView } from './view-decoder.ts';

export interface RemoteAggregatorOptions extends Omit<RemoteClientOptions, 'client'> {
  readonly random: Random;
  /** How often the aggregator makes a view at least, milliseconds: when nothing has come for so long although it was asked, it is away. */
  readonly pollIntervalMs: number;
  /** A sample that is older does not exist, milliseconds. */
  readonly maxAgeMs: number;
  /** Told of each failed request, and of listeners that threw. Never holds a token or what a server wrote. */
  readonly onProblem: (problem: string) => void;
  /** Name of this client, unique among those of one aggregator; default a random one. */
  readonly client?: string | undefined;
}

/** Views that come without a pause (queries answered one after the other) are fetched so far apart, milliseconds. */
const gapMs = 250;
/** How long `refresh` waits for answers to what is wanted, milliseconds. */
const refreshLimitMs = 15_000;

/**
 * The aggregator of another process, as if it were in this one: its views, its answers to what is wanted here. While it is away the last view is held, with a
 * doubt on everything in it, until its samples are too old; the sequence always rises. Throws `CONFIG_INVALID` for a URL that cannot be used.
 */
export function createRemoteAggregator(options: RemoteAggregatorOptions): MetricsAggregator {
  return new RemoteAggregator(options);
}

class RemoteAggregator implements MetricsAggregator {
  readonly #options: RemoteAggregatorOptions;
  readonly #client: RemoteClient;
  readonly #demands;
  readonly #watch;
  readonly #usage = createRemoteUsage();
  readonly #series = createSeriesStore();
  readonly #listeners = new Set<(view: MetricsView, change: ViewChange) => void>();
  #view: MetricsView;
  #held: HeldView;
  /** The answers in the view that is published. */
  #shown: ReadonlyMap<string, QueryResult> = new Map();
  #seen: SeenMark | undefined;
  /** Views are taken in one after the other. */
  #taking: Promise<unknown> = Promise.resolve();
  #stopping = new AbortController();
  #running = false;

  constructor(options: RemoteAggregatorOptions) {
    const { clock, random, pollIntervalMs, onProblem } = options;
    this.#options = options;
    this.#client = createRemoteClient({ ...options, client: options.client ?? randomUUID() });
    this.#demands = createDemandSender({ client: this.#client, clock, random, onProblem });
    this.#watch = createAbsenceWatch({
      url: this.#client.url,
      clock,
      pollIntervalMs,
      onAbsent: (absence) => this.#showAbsence(absence),
      // What is held is the newest that there is.
      onPresent: () => this.#publish(this.#held, clock.now(), { usage: true, atLeast: 0, untold: this.#demands.problem() }),
    });
    this.#held = nothingYet(this.#client.url, clock.now());
    this.#view = this.#makeView(this.#held, clock.now(), 0);
  }

  view(): MetricsView {
    return this.#view;
  }

  onView(listener: (view: MetricsView, change: ViewChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  demand(subject: string, queries: readonly MetricQuery[]): void {
    this.#demands.demand(subject, queries);
  }

  async refresh(): Promise<MetricsView> {
    const { clock } = this.#options;
    const signal = this.#running ? this.#stopping.signal : new AbortController().signal;
    const end = clock.monotonic() + refreshLimitMs;
    const isTold = await this.#demands.flush();
    for (let waitMs = 0; ; waitMs = end - clock.monotonic()) {
      const answer = await this.#client.view(this.#seen, Math.max(0, waitMs), signal);
      if (signal.aborted) return this.#view;
      const failure = answer.ok ? await this.#reached(answer.view) : answer.problem;
      if (failure !== undefined) {
        this.#failed(failure);
        // Nobody watches: whoever asks once must be told at once.
        if (!this.#running) this.#showAbsence({ since: clock.now(), problem: failure });
        return this.#view;
      }
      const answered = !isTold || [...this.#demands.keys()].every((key) => this.#held.queries.has(key));
      if ((answered && this.#view.sequence > 0) || clock.monotonic() >= end) return this.#view;
    }
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#stopping = new AbortController();
    this.#demands.start();
    this.#watch.start();
    // Every failure is a value, so this never rejects.
    void this.#poll(this.#stopping.signal);
  }

  stop(): void {
    this.#running = false;
    this.#stopping.abort();
    this.#watch.stop();
    this.#demands.stop();
  }

  async #poll(stopping: AbortSignal): Promise<void> {
    const { clock, random, pollIntervalMs } = this.#options;
    const backoff = createBackoff({ baseMs: 500, capMs: Math.min(10_000, pollIntervalMs), random });
    while (!stopping.aborted) {
      const answer = await this.#client.view(this.#seen, pollIntervalMs, stopping);
      if (stopping.aborted) return;
      const failure = answer.ok ? await this.#reached(answer.view) : answer.problem;
      if (failure === undefined) {
        backoff.reset();
        await sleep(clock, gapMs, stopping);
      } else {
        this.#failed(failure);
        await sleep(clock, (answer.ok ? undefined : answer.retryAfterMs) ?? backoff.next(), stopping);
      }
    }
  }

  #failed(problem: string): void {
    this.#watch.failed(problem);
    this.#options.onProblem(problem);
  }

  /** The aggregator has answered; `undefined`: with nothing new. Answers what was wrong with it. */
  #reached(received: ReceivedView | undefined): Promise<string | undefined> {
    const taken = this.#taking.then(async () => {
      this.#watch.reached();
      if (received !== undefined) await this.#take(received);
      return undefined;
    });
    const result = taken.catch(
      (error: unknown) => `the view of the metrics aggregator at ${this.#client.url} cannot be used: ${messageOf(error)}`,
    );
    this.#taking = result;
    return result;
  }

  async #take(received: ReceivedView): Promise<void> {
    const { header, usage } = received;
    const { instance, sequence, demands = 0 } = header;
    const seen = this.#seen;
    // Of two requests at the same time the slower one may bring the older view; and what is left out of it is known only from the one before.
    if (seen?.instance === instance ? sequence < seen.sequence : usage === undefined) return;
    this.#demands.compare(instance, demands);
    const isBlank = !header.resourceSource.healthy && header.resourceSource.reason === 'not-observed';
    if (isBlank && this.#held.resourceSource.lastSuccess !== undefined) {
      // It has just begun, and knows nothing yet: what it said before its restart is better, until that is too old.
      this.#seen = { instance, sequence, demands };
      this.#watch.blank();
      return;
    }
    if (usage !== undefined) await this.#usage.take(usage, header.at);
    this.#seen = { instance, sequence, demands };
    this.#hold(received);
  }

  /** Makes what came the view. */
  #hold({ header, usage, sources, queries }: ReceivedView): void {
    const before = this.#held;
    const { usageSource, resourceSource, usageDoubt, startGraceMs, unscrapedNodes } = header;
    const { maxAgeMs, pollIntervalMs } = this.#options;
    // One that stood for long has aged meanwhile.
    const ageMs = Math.max(0, header.now - header.at);
    const at = ageMs > pollIntervalMs ? header.now : header.at;
    this.#held = {
      usageSource,
      resourceSource,
      usageDoubt,
      startGraceMs,
      unscrapedNodes: new Map(unscrapedNodes.map(({ name, since, pods }) => [name, { since, pods }])),
      sources,
      queries: this.#withHeld(ageMs > pollIntervalMs ? agedAll(queries, at, maxAgeMs) : queries, before.queries, at),
    };
    for (const [key, result] of this.#held.queries) {
      if (differs(before.queries.get(key), result)) this.#series.record(key, result.known ? result.at : at, totalOf(result));
    }
    // Otherwise it was published with its doubts.
    if (!this.#watch.news(ageMs)) return;
    const isNew = usage !== undefined || JSON.stringify(before.resourceSource) !== JSON.stringify(resourceSource);
    this.#publish(this.#held, at, { usage: isNew, atLeast: header.sequence, untold: this.#demands.problem() });
  }

  /** Answers that the aggregator does not have, since it was told only now what is wanted (it has restarted, say): those of before stand in. */
  #withHeld(
    received: ReadonlyMap<string, QueryResult>,
    before: ReadonlyMap<string, QueryResult>,
    at: number,
  ): ReadonlyMap<string, QueryResult> {
    const problem = `the metrics aggregator at ${this.#client.url} has not asked again yet`;
    const doubt = { reason: 'source-unavailable', detail: `${problem}; its last answer is still used for growth`, since: at } as const;
    const queries = new Map(received);
    for (const [key, result] of before) {
      if (queries.has(key) || !this.#demands.wants(key) || !result.known) continue;
      queries.set(key, heldResult(result, { doubt, absence: { since: at, problem }, now: at, maxAgeMs: this.#options.maxAgeMs }));
    }
    return queries;
  }

  #withUntold(known: ReadonlyMap<string, QueryResult>, absence: Absence): ReadonlyMap<string, QueryResult> {
    const queries = new Map(known);
    for (const [key, source] of this.#demands.sources()) if (!queries.has(key)) queries.set(key, untold(source, absence));
    return queries;
  }

  #showAbsence(absence: Absence): void {
    const { clock, maxAgeMs } = this.#options;
    const at = clock.now();
    this.#publish(heldThrough(this.#held, absence, at, maxAgeMs), at, { usage: true, atLeast: 0, untold: absence });
  }

  /** `news.untold`: why there is no answer to what is wanted and not in the view. */
  #publish(
    view: HeldView,
    at: number,
    news: { readonly usage: boolean; readonly atLeast: number; readonly untold: Absence | undefined },
  ): void {
    const held = news.untold === undefined ? view : { ...view, queries: this.#withUntold(view.queries, news.untold) };
    const queries = new Set<string>();
    for (const key of new Set([...held.queries.keys(), ...this.#shown.keys()])) {
      if (differs(held.queries.get(key), this.#shown.get(key))) queries.add(key);
      if (!held.queries.has(key) && !this.#demands.wants(key)) this.#series.forget(key);
    }
    this.#shown = held.queries;
    this.#view = this.#makeView(held, at, Math.max(this.#view.sequence + 1, news.atLeast));
    for (const listener of this.#listeners) {
      try {
        listener(this.#view, { usage: news.usage, queries });
      } catch (error) {
        this.#options.onProblem(`a listener for metrics threw: ${messageOf(error)}`);
      }
    }
  }

  #makeView(held: HeldView, at: number, sequence: number): MetricsView {
    return createMetricsView({
      ...held,
      at,
      sequence,
      usage: this.#usage.snapshot(at, this.#options.maxAgeMs),
      queryHistory: (key, upTo) => this.#series.history(key, upTo),
    });
  }
}

function agedAll(queries: ReadonlyMap<string, QueryResult>, now: number, maxAgeMs: number): ReadonlyMap<string, QueryResult> {
  return new Map([...queries].map(([key, result]) => [key, aged(result, now, maxAgeMs)]));
}

function nothingYet(url: string, at: number): HeldView {
  return {
    usageSource: resourceMetricsSource,
    resourceSource: {
      healthy: false,
      reason: 'not-observed',
      detail: `the metrics aggregator at ${url} was not asked yet`,
      since: at,
      lastSuccess: undefined,
    },
    usageDoubt: undefined,
    unscrapedNodes: new Map(),
    startGraceMs: 60_000,
    sources: [],
    queries: new Map(),
  };
}
