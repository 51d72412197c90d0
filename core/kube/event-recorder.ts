import { isConcertinaError } from '../errors.ts';
import { sleep, type Clock, type Random } from '../model/clock.ts';
import { resourceTypes, type KubeObject, type ObjectReference } from '../model/object.ts';
import type { KubeClient } from './api.ts';
import { fullJitter } from './backoff.ts';
import { createEventCorrelator, type EventCorrelator } from './event-correlator.ts';
import { ApiStatusError, isForbidden, isNotFound } from './status-error.ts';

/** What is to be told about an object. */
export interface EventInput {
  readonly object: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  /** UpperCamelCase, a closed set: what alerts match on. */
  readonly reason: string;
  /** One sentence; cut at 1 024 bytes as the API server demands. */
  readonly message: string;
}

/** Options of {@link createEventRecorder}. */
export interface EventRecorderOptions {
  /** Fenced: only the leader writes events. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  /** `source.component`, shown in the From column of `kubectl describe`. */
  readonly component: string;
  /** Host or pod name. */
  readonly instance: string;
  /** Events waiting to be written; more are dropped and counted. Default 1 000. */
  readonly queueSize?: number | undefined;
}

/** Where events went. */
export interface EventRecorderStats {
  readonly written: number;
  /** Over the rate of their object (25 at once, then one in five minutes). */
  readonly spam: number;
  readonly overflow: number;
  /** Not the leader, or a dry run. */
  readonly fenced: number;
  /** Refused by the server, or given up after retries. */
  readonly failed: number;
}

/** Writes Kubernetes Events without ever delaying or failing its caller. */
export interface EventRecorder {
  record(event: EventInput): void;
  /** Resolves when everything recorded so far is written or dropped, at the latest after `timeoutMs` of the clock (default 5 000). */
  flush(timeoutMs?: number): Promise<void>;
  /** Flushes, then drops what comes later. */
  close(timeoutMs?: number): Promise<void>;
  stats(): EventRecorderStats;
}

/** One event on its way: the same event recorded again meanwhile only raises its count. */
interface Pending {
  readonly key: string;
  readonly input: EventInput;
  times: number;
  lastAt: number;
}

const maxAttempts = 3;
const maxMessageBytes = 1024;
const backoff = { baseMs: 1_000, capMs: 10_000 };

/**
 * Events of core/v1, which both `kubectl describe` and `kubectl get events` show with count and age. The same event within ten minutes becomes
 * a higher count on the same Event object; more than ten different messages of one reason become one "(combined from similar events)".
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueueingRecorder(options);
}

class QueueingRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator: EventCorrelator;
  readonly #queue = new Map<string, Pending>();
  readonly #abort = new AbortController();
  readonly #stats = { written: 0, spam: 0, overflow: 0, fenced: 0, failed: 0 };
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#correlator = createEventCorrelator(options.clock);
  }

  record(event: EventInput): void {
    if (this.#closed) {
      this.#stats.overflow += 1;
      return;
    }
    const verdict = this.#correlator.correlate({ ...event, message: cut(event.message) });
    if (verdict === undefined) {
      this.#stats.spam += 1;
      return;
    }
    const now = this.#options.clock.now();
    const waiting = this.#queue.get(verdict.key);
    if (waiting !== undefined) {
      waiting.times += 1;
      waiting.lastAt = now;
      return;
    }
    if (this.#queue.size >= (this.#options.queueSize ?? 1_000)) {
      this.#stats.overflow += 1;
      return;
    }
    this.#queue.set(verdict.key, { key: verdict.key, input: verdict.event, times: 1, lastAt: now });
    this.#draining ??= this.#drain();
  }

  async flush(timeoutMs = 5_000): Promise<void> {
    if (this.#draining === undefined) return;
    const late = new AbortController();
    await Promise.race([this.#draining, sleep(this.#options.clock, timeoutMs, late.signal)]);
    late.abort();
  }

  async close(timeoutMs?: number): Promise<void> {
    this.#closed = true;
    await this.flush(timeoutMs);
    this.#abort.abort();
    this.#stats.overflow += this.#queue.size;
    this.#queue.clear();
  }

  stats(): EventRecorderStats {
    return { ...this.#stats };
  }

  async #drain(): Promise<void> {
    // Lets the caller go on first.
    await Promise.resolve();
    for (let next = this.#first(); next !== undefined && !this.#abort.signal.aborted; next = this.#first()) {
      this.#queue.delete(next.key);
      await this.#writeWithRetries(next);
    }
    this.#draining = undefined;
  }

  #first(): Pending | undefined {
    return this.#queue.values().next().value;
  }

  async #writeWithRetries(pending: Pending): Promise<void> {
    const { clock, random } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#write(pending);
        this.#stats.written += 1;
        return;
      } catch (thrown) {
        if (this.#abort.signal.aborted) return;
        if (isConcertinaError(thrown, 'FENCED')) {
          this.#stats.fenced += 1;
          return;
        }
        if (isFinal(thrown) || attempt + 1 >= maxAttempts) {
          this.#stats.failed += 1;
          return;
        }
      }
      await sleep(clock, fullJitter({ ...backoff, random }, attempt), this.#abort.signal);
    }
  }

  async #write(pending: Pending): Promise<void> {
    const { client } = this.#options;
    const known = this.#correlator.written(pending.key);
    const lastTimestamp = seconds(pending.lastAt);
    const limits = { signal: this.#abort.signal, timeoutMs: 10_000 };
    if (known !== undefined) {
      const count = known.count + pending.times;
      const body = { count, lastTimestamp, message: pending.input.message };
      try {
        await client.patch(resourceTypes.coreEvents, known, { type: 'merge', body }, limits);
        this.#correlator.noteWritten(pending.key, { ...known, count });
        return;
      } catch (thrown) {
        // Events live for an hour: a new one begins.
        if (!isNotFound(thrown)) throw thrown;
      }
    }
    const object = this.#newEvent(pending, lastTimestamp);
    await client.create(resourceTypes.coreEvents, object, limits);
    const { namespace = 'default', name } = object.metadata;
    this.#correlator.noteWritten(pending.key, { namespace, name, count: pending.times });
  }

  #newEvent({ input, times }: Pending, timestamp: string): KubeObject {
    const { component, instance, clock, random } = this.#options;
    const { object, type, reason, message } = input;
    const unique = `${clock.now().toString(16)}${Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')}`;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${object.name.slice(0, 200)}.${unique}`, namespace: object.namespace ?? 'default' },
      involvedObject: { ...object },
      type,
      reason,
      message,
      count: times,
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    };
  }
}

/** What trying again cannot change: no right, a namespace that is gone or going, an object that is refused. */
function isFinal(thrown: unknown): boolean {
  if (isForbidden(thrown) || isNotFound(thrown)) return true;
  return thrown instanceof ApiStatusError && thrown.status.code >= 400 && thrown.status.code < 500 && thrown.status.code !== 429;
}

/** metav1.Time has whole seconds. */
function seconds(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= maxMessageBytes) return message;
  // Cut bytes may end in half a character: the replacement character it decodes to goes too.
  return `${bytes
    .subarray(0, maxMessageBytes - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`;
}
