import { messageOf } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/api.ts';
import type { Clock, Timer } from '../../core/model/clock.ts';
import { findCondition, setCondition, type Condition } from '../../core/model/condition.ts';
import type { SourceReport } from '../../core/model/metrics-view.ts';
import { prometheusSourceName } from '../../core/model/metric-query.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { readyCondition, type SourceHealth } from '../engine/source-condition.ts';
import { parseMetricSource } from '../metric-source.ts';
import type { MetricSourceSpec, MetricSourceStatus } from '../metric-source-schema.ts';
import type { RangeAnswer, RangeOptions, RangeRequest } from '../sources/prometheus/index.ts';
import type { MetricsSource, SourceFailure } from '../sources/source.ts';
import { createNamespaceGuard } from './namespace-guard.ts';
import type { DirectoryEntry, Heartbeat, SourceDirectory } from './source-directory.ts';
import type { SourceLimits } from './source-runner.ts';
import { resolveSecrets, type SecretReader, type SourceSecrets } from './source-secrets.ts';

/** A source made out of a MetricSource. */
export interface BuiltSource {
  readonly source: MetricsSource;
  readonly limits: SourceLimits & { readonly queriesPerMinute: number; readonly queriesPerMinutePerNamespace: number };
  /** Asks for the version of the server, which costs it nothing. */
  probe(signal: AbortSignal): Promise<{ readonly ok: true; readonly version: string } | SourceFailure>;
  heartbeat: Heartbeat;
  /** Asks for values of the past; absent: the source has none. */
  readonly range?: ((request: RangeRequest, options?: RangeOptions) => Promise<RangeAnswer>) | undefined;
}

export type SourceBuilder = (
  name: string,
  spec: MetricSourceSpec,
  secrets: SourceSecrets,
) => { readonly ok: true; readonly built: BuiltSource } | { readonly ok: false; readonly problem: string };

/** A live list of MetricSource objects; a `Reflector<KubeObject>` is one. */
export interface MetricSourceMirror {
  get(key: string): KubeObject | undefined;
  hasSynced(): boolean;
  onDelta(handler: (change: { readonly key: string; readonly new: KubeObject | undefined }) => void): () => void;
}

export interface MetricSourcesOptions {
  readonly mirror: MetricSourceMirror;
  readonly secrets: SecretReader;
  readonly build: SourceBuilder;
  readonly clock: Clock;
  /** Writes status; fenced. Absent: status is not written. */
  readonly client?: KubeClient | undefined;
  readonly onProblem: (name: string, problem: string) => void;
}

/** The sources that MetricSource objects declare, kept up to date with the objects and their Secrets. */
export interface MetricSources extends SourceDirectory {
  start(): void;
  stop(): void;
  /** Writes into status how the sources do, where that has changed. Only the leader does. */
  report(reports: readonly SourceReport[]): Promise<void>;
  /** The specs that are in order, by name of the MetricSource. */
  specs(): IterableIterator<readonly [name: string, spec: MetricSourceSpec]>;
  /** What asks a MetricSource for values of the past; `undefined` while it is not in order. */
  rangeOf(name: string): BuiltSource['range'];
  /** Resolves when nothing is being built. */
  settled(): Promise<void>;
}

/** Secrets are read again after so long, so that a rotated credential is used soon. */
const refreshMs = 60_000;
const probeTimeoutMs = 5_000;

interface Held {
  generation: number | undefined;
  uid: string | undefined;
  spec: MetricSourceSpec | undefined;
  secrets: string;
  built: BuiltSource | undefined;
  entry: DirectoryEntry;
  health: SourceHealth;
  version: string | undefined;
  written: string;
}

export function createMetricSources(options: MetricSourcesOptions): MetricSources {
  return new Sources(options);
}

class Sources implements MetricSources {
  readonly #options: MetricSourcesOptions;
  readonly #held = new Map<string, Held>();
  readonly #listeners = new Set<(name: string) => void>();
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;
  /** One after the other: two builds of one source must not overtake each other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: MetricSourcesOptions) {
    this.#options = options;
  }

  get(name: string): DirectoryEntry {
    const held = this.#held.get(objectName(name));
    if (held !== undefined) return held.entry;
    if (!this.#options.mirror.hasSynced()) return { ok: false, reason: 'not-observed', detail: 'MetricSources are not listed yet' };
    const detail = `there is no MetricSource ${objectName(name)}; an administrator can create it, \`kubectl get metricsources\` lists those that there are`;
    return { ok: false, reason: 'source-absent', detail };
  }

  names(): readonly string[] {
    return [...this.#held.keys()].map(prometheusSourceName);
  }

  onChange(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#unsubscribe !== undefined) return;
    this.#unsubscribe = this.#options.mirror.onDelta(({ key, new: raw }) => this.#changed(key, raw));
    this.#refreshLater();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#timer?.cancel();
    for (const held of this.#held.values()) void held.built?.source.close?.();
    this.#held.clear();
  }

  *specs(): Generator<readonly [string, MetricSourceSpec], undefined> {
    for (const [name, { spec }] of this.#held) if (spec !== undefined) yield [name, spec];
    return undefined;
  }

  rangeOf(name: string): BuiltSource['range'] {
    return this.#held.get(objectName(name))?.built?.range;
  }

  settled(): Promise<void> {
    return this.#work;
  }

  #refreshLater(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      for (const name of this.#held.keys()) this.#enqueue(() => this.#build(name));
      this.#refreshLater();
    }, refreshMs);
  }

  #changed(name: string, raw: KubeObject | undefined): void {
    const held = this.#held.get(name);
    if (raw === undefined) {
      this.#held.delete(name);
      if (held !== undefined) this.#replaced(name, held.built);
      return;
    }
    if (held !== undefined && held.uid === raw.metadata.uid && held.generation === raw.metadata.generation) return;
    const parsed = parseMetricSource(raw);
    const reading: DirectoryEntry = { ok: false, reason: 'not-observed', detail: `MetricSource ${name} is being set up` };
    const next: Held = {
      generation: raw.metadata.generation,
      uid: raw.metadata.uid,
      spec: parsed.ok ? parsed.spec : undefined,
      secrets: '',
      built: undefined,
      entry: parsed.ok ? reading : refused(name, parsed.problem),
      health: parsed.ok ? { kind: 'setting-up' } : { kind: 'invalid', problem: parsed.problem },
      version: undefined,
      written: '',
    };
    this.#held.set(name, next);
    if (!parsed.ok) this.#options.onProblem(name, parsed.problem);
    this.#replaced(name, held?.built);
    this.#enqueue(() => this.#build(name));
  }

  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => this.#options.onProblem('(all)', messageOf(error)));
  }

  async #build(name: string): Promise<void> {
    const held = this.#held.get(name);
    if (held?.spec === undefined) return;
    const { secrets: reader, build, clock, onProblem } = this.#options;
    const resolved = await resolveSecrets(held.spec, reader);
    // The object may have changed while its Secrets were read; that change has queued a build of its own.
    if (this.#held.get(name) !== held) return;
    if (!resolved.ok) {
      // A Secret that is gone for a moment (rotation) does not take a source away that works.
      if (held.built !== undefined) onProblem(name, `${resolved.problem}; the credentials from before are still used`);
      else this.#fail(name, held, { kind: 'secret', problem: resolved.problem });
      return;
    }
    const fingerprint = JSON.stringify(resolved.secrets);
    if (held.built !== undefined && fingerprint === held.secrets) return this.#probe(held);
    const result = build(name, held.spec, resolved.secrets);
    if (!result.ok) {
      this.#fail(name, held, { kind: 'invalid', problem: result.problem });
      return;
    }
    const { built } = result;
    const before = held.built;
    const { queriesPerMinute, queriesPerMinutePerNamespace, concurrency, timeoutMs } = built.limits;
    const { allowedNamespaces } = held.spec;
    held.secrets = fingerprint;
    held.built = built;
    held.entry = {
      ok: true,
      source: built.source,
      limits: { concurrency, timeoutMs },
      heartbeat: built.heartbeat,
      admit: createNamespaceGuard({ name, clock, allowedNamespaces, queriesPerMinute, queriesPerMinutePerNamespace }),
    };
    this.#replaced(name, before);
    await this.#probe(held);
  }

  #fail(name: string, held: Held, health: SourceHealth & { readonly problem: string }): void {
    held.health = health;
    held.entry = refused(name, health.problem);
    this.#options.onProblem(name, health.problem);
    this.#replaced(name, undefined);
  }

  async #probe(held: Held): Promise<void> {
    const { clock } = this.#options;
    const limit = new AbortController();
    const timer = clock.setTimeout(() => limit.abort(), probeTimeoutMs);
    const answer = await held.built
      ?.probe(limit.signal)
      .catch((error: unknown) => ({ ok: false as const, detail: messageOf(error), reason: 'source-unavailable' as const }));
    timer.cancel();
    if (answer === undefined) return;
    if (answer.ok) held.version = answer.version;
    held.health = answer.ok
      ? { kind: 'reachable', version: answer.version }
      : { kind: 'unreachable', reason: answer.reason, problem: answer.detail };
  }

  #replaced(name: string, before: BuiltSource | undefined): void {
    void before?.source.close?.();
    for (const listener of this.#listeners) listener(prometheusSourceName(name));
  }

  async report(reports: readonly SourceReport[]): Promise<void> {
    const { client } = this.#options;
    if (client === undefined) return;
    const byName = new Map(reports.map((report) => [report.name, report]));
    for (const [name, held] of this.#held) {
      const report = byName.get(prometheusSourceName(name));
      await this.#write(client, name, { held, report });
    }
  }

  async #write(
    client: KubeClient,
    name: string,
    { held, report }: { readonly held: Held; readonly report: SourceReport | undefined },
  ): Promise<void> {
    const { mirror, clock, onProblem } = this.#options;
    const raw = mirror.get(name);
    if (raw === undefined) return;
    const update = readyCondition(held.health, report, held.generation);
    const queries = report?.queries ?? 0;
    // Numbers in the sentence alone are no reason to write.
    const outcome = JSON.stringify([held.generation, update.status, update.reason, held.version, queries]);
    if (outcome === held.written) return;
    const before = ((raw.status ?? {}) as MetricSourceStatus).conditions ?? [];
    const conditions = setCondition(before as readonly Condition[], update, clock.now());
    const status = {
      ...(held.generation === undefined ? {} : { observedGeneration: held.generation }),
      conditions,
      queries,
      ...(held.version === undefined ? {} : { version: held.version }),
    };
    try {
      await client.patch(resourceTypes.metricSources, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
      held.written = outcome;
    } catch (error) {
      onProblem(name, `its status could not be written: ${messageOf(error)}`);
    }
    if (findCondition(before as readonly Condition[], 'Ready')?.status !== update.status && update.status === 'False')
      onProblem(name, update.message);
  }
}

function refused(name: string, problem: string): DirectoryEntry {
  return { ok: false, reason: 'refused', detail: `MetricSource ${name} cannot be used: ${problem}` };
}

function objectName(source: string): string {
  return source.startsWith(prometheusSourceName('')) ? source.slice(prometheusSourceName('').length) : source;
}
