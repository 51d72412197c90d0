import { messageOf } from '../../../core/errors.ts';
import { nextTurn } from '../../../core/kube/turn.ts';
import { sleep, type Timer } from '../../../core/model/clock.ts';
import { recordScaling, type ScalingDirection, type ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Decision } from '../../../core/model/decision.ts';
import type { Claim } from '../../../core/model/intent.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { matchesSelector } from '../../../core/model/selector.ts';
import { WorkQueue } from '../../../core/runtime/work-queue.ts';
import { historyOf } from '../../policy-status.ts';
import type { KnownPolicy } from '../../ports.ts';
import { oomKills } from '../engine/observers.ts';
import type { OomRecord } from '../engine/types.ts';
import { claimsOf } from './claims.ts';
import { recommendationDecisions } from './decisions.ts';
import { createRecommenderMetrics, type PolicyCount, type RecommenderMetrics, type Step } from './metrics.ts';
import { createPodFeed, type PodFeed } from './pod-feed.ts';
import { mergedHistory, type PolicyMemory } from './policy-memory.ts';
import { createPolicyTable, type PolicyTable } from './policy-table.ts';
import { podsOf, type UpdateContext } from './policy-update.ts';
import { createPolicyWork, type PolicyWork } from './policy-work.ts';
import { defaultLimits, type RecommenderLimits, type RecommenderOptions, type UpdateReport } from './ports.ts';
import { reportOf, type RecommendationReport, type Recommender } from './report.ts';
import { inSlices, type Slicing } from './slices.ts';
import { createStatusWriter, type StatusWriter } from './status-writer.ts';
import { createUsageFeed } from './usage-feed.ts';

/** How often mirrors are asked whether they are complete, and pending targets looked at again, milliseconds. */
const syncPollMs = 100;
const pendingMs = 2_000;

export function createRecommender(options: RecommenderOptions): Recommender {
  return new RunningRecommender(options);
}

class RunningRecommender implements Recommender {
  readonly #options: RecommenderOptions;
  readonly #limits: RecommenderLimits;
  readonly #context: UpdateContext;
  readonly #table: PolicyTable;
  readonly #metrics: RecommenderMetrics;
  readonly #slicing: Slicing;
  readonly #abort = new AbortController();
  readonly #podFeed: PodFeed;
  readonly #feedUsage: ReturnType<typeof createUsageFeed>;
  readonly #writer: StatusWriter;
  readonly #policies: PolicyWork;
  /** Loads what is stored of policies. */
  readonly #loader: WorkQueue;
  readonly #early = new Set<string>();
  #earlyTimer: Timer | undefined;
  #pendingTimer: Timer | undefined;
  #intervalTimer: Timer | undefined;
  #unsubscribe: (() => void)[] = [];
  /** Passes and early recommendations, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #feeding: Promise<void> | undefined;
  #started = false;
  #synced = false;
  #passes = 0;
  /** Views that were fed, and containers that came from checkpoints: without either a first pass has nothing to say. */
  #known = 0;
  #collectedAt: number | undefined;

  constructor(options: RecommenderOptions) {
    const { engine, targets, pods, nodeRoom, config, clock, random, registry, client, book, logger } = options;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#context = { engine, targets, pods, nodeRoom, config, limits: this.#limits };
    const turn = options.turn ?? nextTurn;
    this.#slicing = { clock, turn, sliceMs: this.#limits.sliceMs, signal: this.#abort.signal };
    this.#metrics = createRecommenderMetrics(registry, { policies: () => this.#counts(), aggregates: () => engine.stats().aggregates });
    this.#podFeed = createPodFeed({
      engine,
      pods,
      oomKills: options.oomKills ?? oomKills,
      onOom: (oom, pod) => this.#onOom(oom, pod),
      slicing: this.#slicing,
    });
    this.#feedUsage = createUsageFeed(engine);
    this.#table = createPolicyTable({ book, name: config.name, onForget: (memory) => this.#forgotten(memory) });
    this.#writer = createStatusWriter({
      client,
      book,
      clock,
      random,
      logger,
      turn,
      memoryOf: (key) => this.#table.get(key),
      dryRun: options.dryRun === true,
      adoptedCooldown: options.adoptedCooldown === true,
      workers: this.#limits.writers,
    });
    this.#policies = createPolicyWork({
      options,
      context: this.#context,
      table: this.#table,
      writer: this.#writer,
      metrics: this.#metrics,
    });
    this.#loader = new WorkQueue({
      name: 'verticalpolicy-loading',
      clock,
      random,
      workers: this.#limits.loaders,
      maxDelayMs: 60_000,
      handle: (key, signal) => this.#load(key, signal),
      hooks: {
        failed: (key, error, delayMs) =>
          logger.warn('stored histograms of a policy could not be read; its recommendation stays until they are', {
            policy: key,
            error: messageOf(error),
            delayMs,
          }),
      },
    });
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#writer.start();
    this.#loader.start();
    void this.#begin().catch((error: unknown) => this.#logFailure('the recommender could not begin', error));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
    this.#podFeed.stop();
    for (const timer of [this.#earlyTimer, this.#pendingTimer, this.#intervalTimer]) timer?.cancel();
    await this.#work;
    await this.#loader.shutdown({ abort: true });
    // Not aborted: the outcome of a write under way is to be known and stored.
    await this.#writer.stop();
    for (const { waiters } of this.#table.memories()) for (const settle of waiters.splice(0)) settle(false);
    try {
      if (this.#options.dryRun !== true) await this.#options.checkpoints?.flush();
    } catch (error) {
      this.#logFailure('checkpoints could not be written at the end; what they lack is measured again', error);
    }
  }

  metricsChanged(): void {
    if (!this.#synced || this.#feeding !== undefined || this.#abort.signal.aborted) return;
    this.#feeding = this.#podFeed
      .drained()
      .then(() => this.#feed())
      .catch((error: unknown) => this.#logFailure('usage could not be fed', error))
      .finally(() => {
        this.#feeding = undefined;
        this.#beginPasses();
      });
  }

  async passNow(): Promise<void> {
    await this.#exclusive(() => this.#pass());
    await this.#writer.idle();
  }

  observeOom(oom: OomRecord): void {
    const pod = this.#options.pods.get(`${oom.namespace}/${oom.pod}`);
    if (pod !== undefined) this.#onOom(oom, pod);
    else this.#options.engine.observeOom(oom);
  }

  decisions(): readonly Decision[] {
    return this.#table.each((known, memory) => {
      if (memory.report !== undefined && memory.report.decisions.length > 0) return memory.report.decisions;
      const { resolution } = memory;
      const pods = resolution?.state === 'known' ? podsOf(this.#context, known.policy, resolution.selector) : undefined;
      return recommendationDecisions(known, memory, pods?.at(-1));
    });
  }

  claims(): readonly Claim[] {
    return this.#table.each((known, { outcome }) =>
      claimsOf(known.policy, outcome.state === 'recommended' ? outcome.recommendation : known.recommendation),
    );
  }

  explain(key: string): RecommendationReport | undefined {
    const policy = this.#options.book.get(key);
    const memory = this.#table.get(key);
    if (policy === undefined || memory === undefined) return undefined;
    return reportOf(policy, memory, this.historyOf(key));
  }

  historyOf(key: string): ScalingHistory {
    const raw = this.#options.book.get(key)?.raw;
    const own = this.#table.get(key)?.history ?? {};
    return raw === undefined ? own : mergedHistory(historyOf(raw), own);
  }

  recordScaling(key: string, direction: ScalingDirection, at: number): Promise<boolean> {
    const known = this.#options.book.get(key);
    if (known === undefined || this.#abort.signal.aborted) return Promise.resolve(false);
    const memory = this.#table.memoryOf(known);
    memory.history = mergedHistory(memory.history, recordScaling({}, direction, at));
    return new Promise((resolve) => {
      memory.waiters.push(resolve);
      this.#writer.add(key);
    });
  }

  report(key: string, report: UpdateReport): void {
    const known = this.#options.book.get(key);
    if (known === undefined) return;
    const memory = this.#table.memoryOf(known);
    memory.report = report;
    this.#policies.write(known, memory);
  }

  async #begin(): Promise<void> {
    const { book, pods, clock, config, targets } = this.#options;
    const { signal } = this.#abort;
    while (!(book.hasSynced() && pods.hasSynced())) {
      if (!(await sleep(clock, syncPollMs, signal))) return;
    }
    this.#unsubscribe = [
      book.onChange(({ key, old, new: known }) => this.#policyChanged(key, old, known)),
      // One look for all look-ups that end in a moment.
      targets.onResolved(() => this.#retryPending(this.#limits.earlyMs)),
    ];
    this.#synced = true;
    // Whatever is known by then: conditions have to be written also where nothing is measured.
    this.#intervalTimer = clock.setTimeout(() => this.#runPasses(), config.intervalMs);
    this.#openNamespaces();
    this.#podFeed.start();
    await this.#exclusive(() => this.#loadPolicies());
    this.metricsChanged();
    this.#beginPasses();
  }

  /** The first pass comes at once when it has something to say (upstream waits an interval), but not before everything stored is loaded. */
  #beginPasses(): void {
    if (this.#passes > 0 || !this.#synced || this.#known === 0 || this.#abort.signal.aborted) return;
    if (this.#loader.depth > 0 || this.#loader.processing > 0) return;
    this.#intervalTimer?.cancel();
    this.#runPasses();
  }

  /** A pass, and the next one an interval after this one began; a pass that takes longer delays the next, none is made up for. */
  #runPasses(): void {
    const { clock, config } = this.#options;
    this.#passes += 1;
    const began = clock.monotonic();
    void this.#exclusive(() => this.#pass()).finally(() => {
      if (this.#abort.signal.aborted) return;
      this.#intervalTimer = clock.setTimeout(() => this.#runPasses(), Math.max(0, began + config.intervalMs - clock.monotonic()));
    });
  }

  /** Never rejects. */
  #exclusive(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#abort.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        this.#logFailure('a pass ended early; the next one is in one interval', error);
      }
    });
    return this.#work;
  }

  async #pass(): Promise<void> {
    const { clock, config, checkpoints, dryRun } = this.#options;
    const began = clock.monotonic();
    await this.#timed('LoadVPAs', () => this.#loadPolicies());
    await this.#timed('LoadPods', async () => {
      this.#openNamespaces();
      await this.#podFeed.drained();
    });
    await this.#timed('LoadMetrics', async () => this.#feed());
    await this.#timed('UpdateVPAs', async () => {
      await inSlices(this.#table.memories(), (memory) => this.#policies.update(memory), this.#slicing);
      for (const { key, raw } of this.#options.book.rejected()) this.#policies.reject(key, raw);
      // Slow writes delay checkpoints and the next pass by an interval at most.
      const written = new AbortController();
      const limit = sleep(clock, config.intervalMs, AbortSignal.any([this.#abort.signal, written.signal]));
      await Promise.race([this.#writer.idle(), limit]);
      written.abort();
    });
    if (checkpoints !== undefined && dryRun !== true) await this.#timed('MaintainCheckpoints', () => this.#maintainCheckpoints());
    await this.#timed('GarbageCollect', async () => this.#collectGarbage());
    this.#metrics.observeStep('total', (clock.monotonic() - began) / 1000);
    this.#retryPending(pendingMs);
  }

  /** A step that fails ends neither the pass nor the others. */
  async #timed(step: Step, work: () => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    if (this.#abort.signal.aborted) return;
    const began = clock.monotonic();
    try {
      await work();
    } catch (error) {
      this.#logFailure(`step ${step} of a pass failed; it is done again in the next one`, error);
    }
    this.#metrics.observeStep(step, (clock.monotonic() - began) / 1000);
  }

  async #loadPolicies(): Promise<void> {
    this.#table.sweep();
    await inSlices(this.#table.own(), (known) => this.#track(known), this.#slicing);
  }

  /** Tells the engine of it, and has what is stored of it loaded when it is new. */
  #track(known: KnownPolicy): void {
    if (this.#policies.track(known)) this.#loader.add(known.key);
  }

  async #load(key: string, signal: AbortSignal): Promise<void> {
    this.#known += await this.#policies.load(key, signal);
    if (signal.aborted) return;
    if (this.#passes > 0) this.#soon(key);
    // After this one has left the queue.
    else void this.#loader.idle().then(() => this.#beginPasses());
  }

  #feed(): void {
    const { metrics, logger } = this.#options;
    const fed = this.#feedUsage(metrics());
    if (fed.fed) {
      this.#known += 1;
      logger.debug('usage was fed', { ...fed.usage });
    } else if (fed.why === 'doubt' || fed.why === 'unhealthy') {
      logger.debug('usage was not fed', { why: fed.why });
    }
  }

  async #maintainCheckpoints(): Promise<void> {
    const { checkpoints, book } = this.#options;
    const { signal } = this.#abort;
    const policies = book.all();
    // What was not loaded must not be overwritten.
    await checkpoints?.pass(
      policies.filter(({ key }) => this.#table.get(key)?.prepared === true),
      signal,
    );
    await checkpoints?.collectGarbage(
      { policies, container: (key, container) => this.#table.get(key)?.vanished.has(container) !== true },
      signal,
    );
  }

  #collectGarbage(): void {
    const { clock, engine, targets, pods, logger } = this.#options;
    const now = clock.monotonic();
    if (this.#collectedAt !== undefined && now - this.#collectedAt < this.#limits.collectMs) return;
    const first = this.#collectedAt === undefined;
    this.#collectedAt = now;
    // What a checkpoint brought back may not have its pods yet.
    if (first) return;
    const collected = engine.collectGarbage(clock.now(), (namespace, name) => {
      const owner = pods.get(`${namespace}/${name}`)?.owner;
      const { state } = targets.topmost(namespace, owner);
      return state === 'known' || state === 'pending';
    });
    logger.debug('aggregates were collected', { collected });
  }

  #onOom(oom: OomRecord, pod: PodRecord): void {
    const { engine, book } = this.#options;
    if (!engine.observeOom(oom)) return;
    for (const { key } of book.inNamespace(oom.namespace)) {
      const selector = this.#table.get(key)?.tracked?.selector;
      if (selector !== undefined && matchesSelector(selector, pod.labels)) this.#soon(key);
    }
  }

  /** Recommends for the policy before the next pass; together with others that come within a moment. */
  #soon(key: string): void {
    this.#early.add(key);
    this.#earlyTimer ??= this.#options.clock.setTimeout(() => {
      this.#earlyTimer = undefined;
      void this.#exclusive(() => this.#recommendEarly());
    }, this.#limits.earlyMs);
  }

  async #recommendEarly(): Promise<void> {
    const keys = [...this.#early];
    this.#early.clear();
    this.#openNamespaces();
    await this.#podFeed.drained();
    await inSlices(
      keys,
      (key) => {
        const known = this.#options.book.get(key);
        if (known === undefined || !this.#table.isOwn(known)) return;
        this.#track(known);
        // Before the first pass statuses are left alone.
        const memory = this.#table.get(key);
        if (memory !== undefined && this.#passes > 0) this.#policies.update(memory);
      },
      this.#slicing,
    );
    this.#retryPending(pendingMs);
  }

  /** A target that is being looked up is not left for a whole interval. */
  #retryPending(afterMs: number): void {
    if (afterMs === 0) {
      for (const { key, resolution } of this.#table.memories()) if (resolution?.state === 'pending') this.#soon(key);
      return;
    }
    if (this.#pendingTimer !== undefined || this.#abort.signal.aborted) return;
    this.#pendingTimer = this.#options.clock.setTimeout(() => {
      this.#pendingTimer = undefined;
      this.#retryPending(0);
    }, afterMs);
  }

  #policyChanged(key: string, old: KnownPolicy | undefined, known: KnownPolicy | undefined): void {
    if (known === undefined || !this.#table.isOwn(known)) {
      this.#table.forget(key);
      return;
    }
    // Status writes, our own above all, are no reason to recommend.
    const same = old !== undefined && old.raw.metadata.uid === known.raw.metadata.uid && old.policy.generation === known.policy.generation;
    if (same && old.policy.generation !== undefined) return;
    this.#table.memoryOf(known);
    this.#soon(key);
  }

  #openNamespaces(): void {
    this.#podFeed.setNamespaces(new Set(this.#table.own().map(({ policy }) => policy.reference.namespace ?? '')));
  }

  #forgotten({ key, tracked }: PolicyMemory): void {
    this.#early.delete(key);
    this.#loader.remove(key);
    this.#policies.forget(key);
    if (tracked !== undefined) this.#options.engine.removePolicy(key);
  }

  #counts(): readonly PolicyCount[] {
    return this.#table.each(({ policy, recommendation }, { outcome }) => [
      {
        updateMode: policy.updateMode,
        native: policy.native,
        hasRecommendation: ((outcome.state === 'recommended' ? outcome.recommendation : recommendation)?.containers.length ?? 0) > 0,
        matchesPods: outcome.state === 'recommended' && outcome.podCount > 0,
        unsupported: outcome.state === 'unsupported',
      },
    ]);
  }

  #logFailure(message: string, error: unknown, policy?: string): void {
    if (this.#abort.signal.aborted) return;
    this.#options.logger.error(message, { ...(policy === undefined ? {} : { policy }), error: messageOf(error) });
  }
}
