import type { Clock, Random, Timer } from '../../core/model/clock.ts';
import { createBackoff } from '../../core/kube/backoff.ts';
import { queryKey, sourceOfQuery, type MetricQuery } from '../../core/model/metric-query.ts';
import type { Absence } from './held-view.ts';
import type { RemoteClient } from './remote-client.ts';

/** Demands that do not change are repeated so often, milliseconds: two may be lost within a lease. */
const repeatMs = 20_000;
/** Changes within so long go out together: a controller declares its policies one after the other. */
const gatherMs = 20;
/** Between two sendings because the aggregator does not know the demands. */
const reminderMs = 2_000;

export interface DemandSenderOptions {
  readonly client: Pick<RemoteClient, 'putDemands'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onProblem: (problem: string) => void;
}

/** Tells the aggregator what is wanted: at once when it changes, then again and again. */
export interface DemandSender {
  demand(subject: string, queries: readonly MetricQuery[]): void;
  /** Whether somebody wants the query. */
  wants(key: string): boolean;
  keys(): IterableIterator<string>;
  /** Queries that somebody wants, each with the name of its source. */
  sources(): Iterable<readonly [key: string, source: string]>;
  /** Why the aggregator does not know what is wanted; `undefined` when it was told, or not asked yet. */
  problem(): Absence | undefined;
  /** Sends what has changed, or is not known to have arrived, now; answers whether the aggregator knows what is wanted. */
  flush(): Promise<boolean>;
  /** What a view says of the demands that it knows; sends them anew when they are not ours. */
  compare(instance: string, revision: number): void;
  start(): void;
  stop(): void;
}

export function createDemandSender(options: DemandSenderOptions): DemandSender {
  return new Sender(options);
}

interface Subject {
  readonly keys: readonly string[];
  /** Its part of the body. */
  readonly json: string;
}

class Sender implements DemandSender {
  readonly #options: DemandSenderOptions;
  readonly #subjects = new Map<string, Subject>();
  /** How many subjects want each query, and whom it is asked of. */
  readonly #keys = new Map<string, { readonly count: number; readonly source: string }>();
  readonly #backoff;
  #stopping = new AbortController();
  #timer: Timer | undefined;
  #running = false;
  /** What was changed since the last body that was made. */
  #changed = false;
  #sending: Promise<void> | undefined;
  #acknowledged: { readonly instance: string; readonly revision: number } | undefined;
  /** Demands have been sent: with none left, that has to be said once. */
  #said = false;
  #problem: Absence | undefined;
  #remindedAt = Number.NEGATIVE_INFINITY;
  #strangers = 0;

  constructor(options: DemandSenderOptions) {
    this.#options = options;
    this.#backoff = createBackoff({ baseMs: 500, capMs: 10_000, random: options.random });
  }

  demand(subject: string, queries: readonly MetricQuery[]): void {
    const before = this.#subjects.get(subject);
    const sources = new Map(queries.map((query) => [queryKey(query), sourceOfQuery(query)]));
    const keys = [...sources.keys()];
    // Most calls repeat what is known.
    if (keys.length === (before?.keys.length ?? 0) && keys.every((key, index) => key === before?.keys[index])) return;
    for (const [key, source] of sources) this.#keys.set(key, { count: (this.#keys.get(key)?.count ?? 0) + 1, source });
    for (const key of before?.keys ?? []) this.#release(key);
    if (keys.length === 0) this.#subjects.delete(subject);
    else this.#subjects.set(subject, { keys, json: JSON.stringify({ subject, queries }) });
    this.#changed = true;
    // A body under way is followed by the next one.
    if (this.#running && this.#sending === undefined) this.#schedule(gatherMs);
  }

  #release(key: string): void {
    const wanted = this.#keys.get(key);
    if (wanted === undefined) return;
    if (wanted.count === 1) this.#keys.delete(key);
    else this.#keys.set(key, { ...wanted, count: wanted.count - 1 });
  }

  wants(key: string): boolean {
    return this.#keys.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#keys.keys();
  }

  *sources(): Iterable<readonly [key: string, source: string]> {
    for (const [key, { source }] of this.#keys) yield [key, source];
  }

  problem(): Absence | undefined {
    return this.#problem;
  }

  async flush(): Promise<boolean> {
    if (this.#sending !== undefined) await this.#sending;
    if (this.#changed || this.#acknowledged === undefined) await this.#send();
    return !this.#changed;
  }

  compare(instance: string, revision: number): void {
    const { clock } = this.#options;
    const acknowledged = this.#acknowledged;
    // A change is on its way already, or nobody wants anything.
    if (!this.#running || this.#changed || this.#subjects.size === 0 || acknowledged === undefined) return;
    // Of the same process a later view will know them: this one was made before.
    if (acknowledged.instance === instance && revision !== 0) return;
    const now = clock.monotonic();
    if (now - this.#remindedAt < reminderMs) return;
    this.#remindedAt = now;
    if (this.#sending === undefined) this.#schedule(0);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#stopping = new AbortController();
    this.#schedule(0);
  }

  stop(): void {
    this.#running = false;
    this.#stopping.abort();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    // `#send` turns every failure into a report, so this never rejects.
    this.#timer = this.#options.clock.setTimeout(() => void this.#send(), delayMs);
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendOnce().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendOnce(): Promise<void> {
    const { client, clock, onProblem } = this.#options;
    const stopping = this.#stopping.signal;
    if (this.#subjects.size === 0 && !this.#said) {
      this.#changed = false;
      if (this.#running) this.#schedule(repeatMs);
      return;
    }
    this.#changed = false;
    const said = this.#subjects.size > 0;
    const body = `[${[...this.#subjects.values()].map(({ json }) => json).join(',')}]`;
    const answer = await client.putDemands(body, stopping);
    if (stopping.aborted) return;
    if (answer.ok) {
      this.#backoff.reset();
      this.#problem = undefined;
      this.#said = said;
      this.#meet(answer.instance);
      this.#acknowledged = { instance: answer.instance, revision: answer.revision };
    } else {
      this.#changed = true;
      const problem = `what is wanted could not be told: ${answer.problem}`;
      this.#problem = { since: this.#problem?.since ?? clock.now(), problem };
      onProblem(problem);
    }
    if (!this.#running) return;
    if (answer.ok) this.#schedule(this.#changed ? gatherMs : repeatMs);
    else this.#schedule(answer.retryAfterMs ?? this.#backoff.next());
  }

  /** Two processes that answer in turn each know only what they were told themselves. */
  #meet(instance: string): void {
    this.#strangers = this.#acknowledged === undefined || this.#acknowledged.instance === instance ? 0 : this.#strangers + 1;
    if (this.#strangers !== 3) return;
    this.#options.onProblem('more than one metrics aggregator answers at its URL, in turn: run one, or let each client stay with one');
  }
}
