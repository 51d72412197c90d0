import { setMaxListeners } from 'node:events';
import { messageOf } from '../../core/errors.ts';
import { sleep, type Clock, type Random } from '../../core/model/clock.ts';
import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import { afterQuestion, closedCircuit, fullBudget, nextCircuit, takeRetry, type Circuit, type CircuitConfig } from '../engine/circuit.ts';
import type { MetricsSource, QueryAnswer, SourceFailure, UsageAnswer } from '../sources/source.ts';

export interface SourceLimits {
  /** Queries at the same time. */
  readonly concurrency: number;
  /** A request that takes longer is given up, milliseconds. */
  readonly timeoutMs: number;
}

export interface RunnerOptions {
  readonly source: MetricsSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: SourceLimits;
  /** Asked before each query is sent: allowed namespaces, budgets. A failure is the query's answer. */
  readonly admit?: ((query: MetricQuery) => SourceFailure | undefined) | undefined;
  readonly onAnswer: (query: MetricQuery, answer: QueryAnswer) => void;
  /** Told of every request that was sent; `outcome` is `ok` or the reason. */
  readonly onRequest?: ((outcome: 'ok' | UnknownReason, durationMs: number) => void) | undefined;
}

/**
 * Asks one source within its limits: so many at a time, each with a deadline that holds even for a source that does not heed its signal, retries from a
 * budget, a circuit breaker, Retry-After heeded. Every source has a runner of its own, so that a slow one delays no other.
 */
export interface SourceRunner {
  /** Asks the queries that are not waiting or under way already; each answer goes to `onAnswer`. */
  submit(queries: readonly MetricQuery[]): void;
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
  /** Queries that wait or are under way. */
  pending(): number;
  usage(): Promise<UsageAnswer>;
  circuit(): Circuit;
  /** How long the last answer took, milliseconds. */
  latencyMs(): number | undefined;
  /** Gives up what is under way; nothing is answered any more. */
  stop(): void;
}

const circuitConfig: CircuitConfig = { openAfter: 5, maxRetryAfterMs: 60_000 };
/** A second try waits for so long, more or less, milliseconds. */
const retryDelayMs = 100;

export function createSourceRunner(options: RunnerOptions): SourceRunner {
  return new Runner(options);
}

class Runner implements SourceRunner {
  readonly #options: RunnerOptions;
  readonly #waiting = new Map<string, MetricQuery>();
  readonly #stopping = new AbortController();
  #underWay = new Set<string>();
  #circuit = closedCircuit;
  #budget = fullBudget;
  #latencyMs: number | undefined;
  #idle: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    // Every question that is under way listens: that many are no leak.
    setMaxListeners(0, this.#stopping.signal);
    this.#options = options;
  }

  submit(queries: readonly MetricQuery[]): void {
    for (const query of queries) {
      const key = queryKey(query);
      if (!this.#underWay.has(key)) this.#waiting.set(key, query);
    }
    // An open circuit is tried with one query; its answer decides about the others.
    this.#fill(this.#circuit.open ? 1 : this.#options.limits.concurrency);
  }

  idle(): Promise<void> {
    if (this.pending() === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  pending(): number {
    return this.#waiting.size + this.#underWay.size;
  }

  circuit(): Circuit {
    return this.#circuit;
  }

  latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  stop(): void {
    this.#stopping.abort();
    this.#waiting.clear();
    this.#settle();
  }

  async usage(): Promise<UsageAnswer> {
    const { source } = this.#options;
    const held = this.#heldBack();
    if (held !== undefined) return held;
    return this.#tried((signal) =>
      source.usage === undefined ? Promise.resolve(notServed(source.name, 'usage of pods and nodes')) : source.usage(signal),
    );
  }

  #fill(most: number): void {
    for (const [key, query] of this.#waiting) {
      if (this.#underWay.size >= most || this.#stopping.signal.aborted) return;
      this.#waiting.delete(key);
      this.#underWay.add(key);
      // `#one` turns every failure into an answer, so this never rejects.
      void this.#one(query).then((answer) => this.#answered(key, query, answer));
    }
  }

  #answered(key: string, query: MetricQuery, answer: QueryAnswer): void {
    this.#underWay.delete(key);
    if (this.#stopping.signal.aborted) return this.#settle();
    this.#options.onAnswer(query, answer);
    if (this.#circuit.open) {
      // What still waits would only wait longer: it gets its answer now, and is asked again at the next tick.
      const waiting = [...this.#waiting.values()];
      this.#waiting.clear();
      // Not with the last failure's words: they may name a query of somebody else.
      const { name } = this.#options.source;
      const detail = `${name} failed ${this.#circuit.failures} times in a row; this query is asked again at the next tick`;
      for (const each of waiting) this.#options.onAnswer(each, { ok: false, reason: 'source-unavailable', detail });
    } else this.#fill(this.#options.limits.concurrency);
    this.#settle();
  }

  #settle(): void {
    if (this.pending() > 0) return;
    const waiters = this.#idle;
    this.#idle = [];
    for (const resolve of waiters) resolve();
  }

  async #one(query: MetricQuery): Promise<QueryAnswer> {
    const { admit } = this.#options;
    const refusal = admit?.(query) ?? this.#heldBack();
    if (refusal !== undefined) return refusal;
    const { source } = this.#options;
    return this.#tried((signal) => source.ask?.(query, signal) ?? Promise.resolve(notServed(source.name, `queries of kind ${query.kind}`)));
  }

  #heldBack(): SourceFailure | undefined {
    if (this.#options.clock.now() >= this.#circuit.notBefore) return undefined;
    const until = new Date(this.#circuit.notBefore).toISOString().slice(11, 19);
    return {
      ok: false,
      reason: 'source-unavailable',
      detail: `${this.#options.source.name} is overloaded and asked for a pause; not asked before ${until}`,
    };
  }

  async #tried<A extends { readonly ok: true }>(ask: (signal: AbortSignal) => Promise<A | SourceFailure>): Promise<A | SourceFailure> {
    const { clock, random, limits } = this.#options;
    const begun = clock.monotonic();
    this.#budget = afterQuestion(this.#budget);
    let answer = await this.#once(ask, limits.timeoutMs);
    if (!answer.ok && answer.transient === true && answer.retryAfterMs === undefined) {
      const left = limits.timeoutMs - (clock.monotonic() - begun) - 2 * retryDelayMs;
      const budget = left > 0 ? takeRetry(this.#budget) : undefined;
      if (budget !== undefined && (await sleep(clock, retryDelayMs * (0.5 + random()), this.#stopping.signal))) {
        this.#budget = budget;
        answer = await this.#once(ask, left);
      }
    }
    return answer;
  }

  async #once<A extends { readonly ok: true }>(
    ask: (signal: AbortSignal) => Promise<A | SourceFailure>,
    timeoutMs: number,
  ): Promise<A | SourceFailure> {
    const { clock, source, onRequest } = this.#options;
    const begun = clock.monotonic();
    const answer = await bounded(ask, { clock, name: source.name, timeoutMs, stopped: this.#stopping.signal });
    if (this.#stopping.signal.aborted) return answer;
    const took = clock.monotonic() - begun;
    const unreached = !answer.ok && answer.reason === 'source-unavailable';
    if (!unreached) this.#latencyMs = took;
    this.#circuit = nextCircuit(
      this.#circuit,
      unreached ? { kind: 'failed', retryAfterMs: answer.retryAfterMs } : { kind: 'reached' },
      clock.now(),
      circuitConfig,
    );
    onRequest?.(answer.ok ? 'ok' : answer.reason, took);
    return answer;
  }
}

function notServed(name: string, what: string): SourceFailure {
  return { ok: false, reason: 'refused', detail: `${name} serves no ${what}` };
}

interface Bounds {
  readonly clock: Clock;
  readonly name: string;
  readonly timeoutMs: number;
  readonly stopped: AbortSignal;
}

/** Asks with a deadline; whatever goes wrong is a value. */
async function bounded<A>(ask: (signal: AbortSignal) => Promise<A | SourceFailure>, bounds: Bounds): Promise<A | SourceFailure> {
  const { clock, name, timeoutMs, stopped } = bounds;
  const limit = new AbortController();
  const onStop = (): void => limit.abort();
  if (stopped.aborted) limit.abort();
  stopped.addEventListener('abort', onStop, { once: true });
  const timer = clock.setTimeout(() => limit.abort(), timeoutMs);
  const late = new Promise<SourceFailure>((resolve) => {
    const failure: SourceFailure = {
      ok: false,
      reason: 'source-unavailable',
      detail: `${name} did not answer within ${seconds(timeoutMs)} s`,
    };
    limit.signal.addEventListener('abort', () => resolve(failure), { once: true });
  });
  try {
    // The race makes the deadline hold even for a source that does not heed its signal.
    return await Promise.race([ask(limit.signal), late]);
  } catch (error) {
    return { ok: false, reason: 'source-unavailable', detail: `${name}: ${messageOf(error)}` };
  } finally {
    timer.cancel();
    stopped.removeEventListener('abort', onStop);
  }
}

function seconds(ms: number): string {
  return String(Math.round(ms / 100) / 10);
}
