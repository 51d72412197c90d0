import { messageOf } from '../../core/errors.ts';
import type { Timer } from '../../core/model/clock.ts';
import type { Decision, Hold } from '../../core/model/decision.ts';
import type { Claim, ScaleIntent } from '../../core/model/intent.ts';
import type { ViewChange } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { ScalingPolicy } from '../policy.ts';
import { WorkQueue } from '../../core/runtime/work-queue.ts';
import { keyOf, nameOfKey, withAdopted } from './adopted.ts';
import { claimsOf, foreignClaims } from './claims.ts';
import { conflictText, TargetIndex } from './conflicts.ts';
import { InputNews } from './input-news.ts';
import { createHpaMetrics } from './metrics.ts';
import type { HpaControllerOptions, PolicyChange } from './ports.ts';
import { emptyMemory, type PolicyMemory } from './policy-memory.ts';
import { PolicyTicks, type SortedPolicies } from './policy-ticks.ts';
import { reconcile } from './reconcile.ts';
import type { ReconcileContext, ReconcileTask } from './reconcile-task.ts';
import { revisionOf } from './revision.ts';
import { isTransferred, transferText } from './transfer.ts';
import { createScaleAccess } from './scale-access.ts';
import { scaleIntent } from './scale-intent.ts';
import { SelectorRegistry } from './selectors.ts';

/** The running replicas controller. */
export interface HpaController {
  /** Begins to evaluate. Only the leader does; what is remembered begins empty, as upstream. */
  start(): void;
  /** Takes no more work and waits for evaluations under way. */
  stop(): Promise<void>;
  /**
   * Says that there is a new MetricsView, and what is new in it: a policy is evaluated at once when all that it goes by has come, or a second after the
   * first of it has, so that a slow source delays nothing for long.
   */
  metricsChanged(change: ViewChange): void;
  /** Evaluates all policies now, whatever their period, and answers their decisions in the order of their names. */
  evaluateAll(): Promise<readonly Decision[]>;
  /** The last decision of every policy. */
  decisions(): readonly Decision[];
  /** What is about to be wanted, for whoever buys nodes. */
  intents(): readonly ScaleIntent[];
  /** What is steered by which resource, for whoever moves requests; native HPAs that are not adopted too, as foreign. */
  claims(): readonly Claim[];
  /** Something about the target has changed that its policies go by: they are evaluated soon. */
  touchTarget(target: ObjectReference): void;
  /** Calls for every decision from now on; answers the unsubscriber. */
  onDecision(listener: (decision: Decision) => void): () => void;
}

/** With a new view arriving about once a period, the timer lets it come first: by at most a second. */
function timerSlackMs(periodMs: number): number {
  return Math.min(1000, periodMs / 10);
}

/** How long the first evaluation waits for a first view of metrics, milliseconds. */
const firstViewGraceMs = 30_000;
const notReadyRetryMs = 1000;
/** By then the mirror shows what was just deleted. */
const againMs = 500;
/** Holds that end at an instant which is known, whatever is measured until then. */
const endsByItself: ReadonlySet<Hold['by']> = new Set(['cooldown', 'rate-limit']);
/** How long a policy that has a part of its inputs waits for the rest. */
const gatherMs = 1000;

export function createHpaController(options: HpaControllerOptions): HpaController {
  return new RunningController(options);
}

class RunningController implements HpaController {
  readonly #options: HpaControllerOptions;
  readonly #queue: WorkQueue;
  readonly #memories = new Map<string, PolicyMemory>();
  readonly #evaluatedAt = new Map<string, number>();
  /** When a policy was last decided because of what a view had new. */
  readonly #followedAt = new Map<string, number>();
  /** To be evaluated whatever their period. */
  readonly #urgent = new Set<string>();
  readonly #news = new InputNews();
  /** Policies a part of whose inputs is new, until the rest has come or the time for it is over. */
  readonly #gathering = new Set<string>();
  #gathered: Timer | undefined;
  readonly #overdue = new Set<string>();
  #overdueTimer: Timer | undefined;
  readonly #policyTargets = new TargetIndex();
  readonly #hpaTargets = new TargetIndex();
  readonly #selectors = new SelectorRegistry();
  /** To be looked at though they are decided: that begins no period. */
  readonly #refreshing = new Set<string>();
  /** Being evaluated. */
  readonly #running = new Set<string>();
  #ticks: PolicyTicks | undefined;
  readonly #listeners = new Set<(decision: Decision) => void>();
  readonly #context: Omit<ReconcileContext, 'signal' | 'ticks'>;
  #unsubscribe: (() => void)[] = [];
  #startedAt = 0;

  constructor(given: HpaControllerOptions) {
    const { config, reads } = given;
    const adopts = config.adoptHpas && reads.nativeHpas !== undefined;
    // From here on an adopted HPA is a policy like any other.
    const options = adopts
      ? { ...given, reads: { ...reads, policies: withAdopted(reads.policies, reads.nativeHpas), nativeHpas: undefined } }
      : given;
    this.#options = options;
    const { clock, random, client } = options;
    this.#context = {
      options,
      scales: createScaleAccess({ client, clock }),
      selectors: this.#selectors,
      news: this.#news,
      hpaMetrics: createHpaMetrics(options.registry, {
        held: () => this.#heldCounts(),
        policies: () => options.reads.policies.items().length,
      }),
      conflictOf: (policy, key) => this.#conflictOf(policy, key),
      othersOn: (policy, key) => this.#othersOn(policy.target, key),
    };
    if (options.onDecision !== undefined) this.#listeners.add(options.onDecision);
    this.#queue = new WorkQueue({
      name: 'horizontalpodautoscaler',
      clock,
      random,
      workers: config.workers,
      handle: async (key, signal) => ({ requeueAfterMs: await this.#handle(key, signal) }),
    });
  }

  start(): void {
    const { reads, clock } = this.#options;
    this.#startedAt = clock.monotonic();
    // Before the policies come: the first of them is evaluated at once.
    if (reads.podChanges !== undefined) this.#ticks = new PolicyTicks({ config: this.#options.config, pods: reads.podChanges, clock });
    this.#unsubscribe = [() => this.#ticks?.close(), reads.policies.onDelta((change) => this.#policyChanged(change))];
    if (reads.nativeHpas !== undefined) {
      this.#unsubscribe.push(
        reads.nativeHpas.onDelta(({ key, new: raw }) => {
          const before = this.#hpaTargets.targetOf(key);
          if (raw === undefined) this.#hpaTargets.delete(key);
          else this.#hpaTargets.set(key, raw, 'HorizontalPodAutoscaler');
          const after = this.#hpaTargets.targetOf(key);
          if (after !== before) this.#touchRivals(before, after);
          // Whoever was held by it need not wait for its next turn.
          if (raw === undefined) this.#wakeHeldByConflict();
        }),
      );
    }
    this.#queue.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
    this.#gathered?.cancel();
    this.#gathered = undefined;
    this.#overdueTimer?.cancel();
    this.#overdueTimer = undefined;
    // Not aborted: a write that is under way is let to its end, so that its outcome is known and stored.
    await this.#queue.shutdown();
  }

  metricsChanged(change: ViewChange): void {
    const { complete, partial } = this.#news.note(change);
    this.#follow(complete);
    for (const key of partial) this.#wakeSoon(key);
  }

  #wakeSoon(key: string): void {
    if (this.#gathering.has(key)) return;
    this.#gathering.add(key);
    this.#gathered ??= this.#options.clock.setTimeout(() => this.#endGathering(), gatherMs);
  }

  /** One timer for all: those that began to wait while it ran are late by as much as they were early. */
  #endGathering(): void {
    this.#gathered = undefined;
    const late = [...this.#gathering].filter((key) => this.#news.hasNews(key));
    this.#gathering.clear();
    this.#follow(late);
  }

  /** Decides policies that have new inputs. */
  #follow(keys: readonly string[]): void {
    const due = keys.filter((key) => this.#isDue(key));
    const now = this.#options.clock.monotonic();
    for (const key of due) this.#followedAt.set(key, now);
    this.#decide(due);
  }

  /** Decides policies, and has those evaluated of which something changes. */
  #decide(due: readonly string[]): void {
    // The period begins anew with this evaluation.
    for (const key of due) {
      this.#queue.remove(key);
      this.#refreshing.delete(key);
    }
    const isFree = (key: string): boolean => !this.#running.has(key) && !this.#urgent.has(key);
    const sorted = this.#sort(due.filter(isFree));
    for (const key of due) if (!isFree(key)) this.#queue.add(key);
    for (const key of sorted.evaluate) {
      this.#urgent.add(key);
      this.#queue.add(key);
    }
    for (const key of sorted.quiet) this.#settle(key);
    // Not all at once: whoever is to scale next should not find the limit of requests used up.
    for (const [index, key] of sorted.refresh.entries()) {
      this.#settle(key);
      this.#refreshing.add(key);
      this.#queue.addAfter(key, (index * 1000) / this.#options.config.refreshes.perSecond);
    }
  }

  /** Nothing new came in a period: policies whose timers end at the same time are decided together. */
  #decideWithOthers(key: string): undefined {
    this.#overdue.add(key);
    this.#overdueTimer ??= this.#options.clock.setTimeout(() => {
      this.#overdueTimer = undefined;
      const keys = [...this.#overdue];
      this.#overdue.clear();
      this.#decide(keys);
    }, 0);
    return undefined;
  }

  /** A policy follows views of its inputs that come more often than twice a period not each time. Whether it was evaluated in between because of something else does not count. */
  #isDue(key: string): boolean {
    // A policy that waits for its first answers has no period yet.
    if (this.#memories.get(key)?.waitsUntil !== undefined) {
      this.#urgent.add(key);
      return true;
    }
    if (!this.#evaluatedAt.has(key)) return false;
    const at = this.#followedAt.get(key) ?? Number.NEGATIVE_INFINITY;
    return this.#options.clock.monotonic() - at >= this.#periodOf(key) / 2;
  }

  #sort(keys: readonly string[]): SortedPolicies {
    const { metrics, clock, reads } = this.#options;
    if (this.#ticks === undefined || keys.length === 0) return { evaluate: keys, refresh: [], quiet: [] };
    return this.#ticks.sort(keys, { view: metrics(), now: clock.now(), podsAgeMs: reads.podsAgeMs?.() });
  }

  /** A policy was decided without an evaluation of its own. */
  #settle(key: string): void {
    this.#evaluatedAt.set(key, this.#options.clock.monotonic());
    this.#news.taken(key);
    this.#gathering.delete(key);
    this.#queue.addAfter(key, this.#nextTurn(key));
  }

  async evaluateAll(): Promise<readonly Decision[]> {
    const items = this.#options.reads.policies.items().toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    for (const key of items.map(keyOf)) {
      this.#urgent.add(key);
      this.#queue.add(key);
    }
    await this.#queue.idle();
    return items.flatMap((raw) => this.#memories.get(keyOf(raw))?.decision ?? []);
  }

  decisions(): readonly Decision[] {
    return [...this.#memories.values()].flatMap(({ decision }) => decision ?? []);
  }

  intents(): readonly ScaleIntent[] {
    return [...this.#memories.values()].flatMap(({ decision, proposed, shape }) => {
      if (decision === undefined || proposed === undefined) return [];
      return [scaleIntent(decision, { proposed, shape: shape === 'unknown' ? undefined : shape })];
    });
  }

  claims(): readonly Claim[] {
    const own = [...this.#memories.values()].flatMap(({ parsed }) => (parsed?.result.ok === true ? claimsOf(parsed.result.policy) : []));
    return [...own, ...foreignClaims([], this.#options.reads.nativeHpas?.items() ?? [])];
  }

  touchTarget(target: ObjectReference): void {
    for (const key of this.#policyTargets.on(target)) {
      this.#ticks?.touch(key);
      this.#urgent.add(key);
      this.#queue.add(key);
    }
  }

  onDecision(listener: (decision: Decision) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #policyChanged({ key, old, new: raw }: PolicyChange): void {
    const before = this.#policyTargets.targetOf(key);
    if (raw === undefined) {
      this.#forget(key);
      this.#touchRivals(before);
      return;
    }
    this.#policyTargets.set(key, raw, 'HorizontalPolicy');
    const after = this.#policyTargets.targetOf(key);
    if (after !== before) this.#touchRivals(before, after);
    // Status writes, our own above all, are no reason to evaluate: a change of what is parsed, or another object, is.
    if (old !== undefined && revisionOf(old) === revisionOf(raw)) return;
    this.#urgent.add(key);
    this.#queue.add(key);
  }

  /** Whoever scales one of these targets has another set of rivals from now on. */
  #touchRivals(...targets: readonly (string | undefined)[]): void {
    for (const target of targets) {
      for (const key of target === undefined ? [] : this.#policyTargets.keysAt(target)) this.#ticks?.touch(key);
    }
  }

  #forget(key: string): void {
    this.#policyTargets.delete(key);
    this.#selectors.delete(key);
    this.#memories.delete(key);
    this.#ticks?.forget(key);
    this.#evaluatedAt.delete(key);
    this.#followedAt.delete(key);
    this.#urgent.delete(key);
    this.#refreshing.delete(key);
    this.#news.forget(key);
    this.#gathering.delete(key);
    this.#options.demand?.(key, []);
    this.#queue.remove(key);
    this.#context.hpaMetrics.forget(nameOfKey(key));
  }

  /** Never throws: one policy's failure is no other's. Answers when to come again. */
  async #handle(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { reads, clock, logger } = this.#options;
    const raw = reads.policies.get(key);
    if (raw === undefined) return undefined;
    const pods = reads.pods();
    if (pods === undefined || !this.#metricsReady()) return notReadyRetryMs;
    const period = this.#periodOf(key);
    const last = this.#evaluatedAt.get(key);
    const elapsed = last === undefined ? Infinity : clock.monotonic() - last;
    const refresh = this.#refreshing.delete(key) && last !== undefined;
    if (!this.#urgent.delete(key) && !refresh) {
      if (elapsed < period / 2) return period + timerSlackMs(period) - elapsed;
      if (this.#ticks !== undefined) return this.#decideWithOthers(key);
    }
    this.#evaluatedAt.set(key, refresh ? last : clock.monotonic());
    this.#news.taken(key);
    this.#gathering.delete(key);
    this.#running.add(key);
    try {
      return await this.#evaluate({ key, raw, pods, memory: this.#memoryOf(key, raw) }, signal);
    } catch (error) {
      if (!signal.aborted)
        logger.error('a policy could not be evaluated; the next try is in one period', { policy: key, error: messageOf(error) });
    } finally {
      this.#running.delete(key);
    }
    return this.#nextTurn(key);
  }

  async #evaluate(task: ReconcileTask, signal: AbortSignal): Promise<number | undefined> {
    const { key, raw, memory } = task;
    const decision = await reconcile({ ...this.#context, ticks: this.#ticks, signal }, task);
    // The policy went while it was evaluated: what is kept of it is forgotten already, and stays so.
    if (this.#memories.get(key) !== memory) {
      this.#ticks?.forget(key);
      if (!this.#options.reads.policies.get(key)) this.#options.demand?.(key, []);
      return undefined;
    }
    if (decision === 'waiting') {
      this.#urgent.add(key);
      return notReadyRetryMs;
    }
    if (decision !== 'superseded') this.#publish(key, raw, decision);
    return this.#nextTurn(key);
  }

  /** In one period; sooner when a cooldown or the period of a rate limit ends, or a schedule changes the bounds before, so that it is done when it was said to be. */
  #nextTurn(key: string): number {
    const period = this.#periodOf(key);
    const memory = this.#memories.get(key);
    if (memory?.again === true) {
      this.#urgent.add(key);
      return againMs;
    }
    const ends = memory?.decision?.holds.flatMap(({ by, until }) => (endsByItself.has(by) && until !== undefined ? [until] : [])) ?? [];
    const wait = Math.min(...ends, memory?.boundsChangeAt ?? Infinity) - this.#options.clock.now();
    // A hold of the past is left over from before a failed evaluation.
    if (!(wait > 0 && wait < period)) return period + timerSlackMs(period);
    this.#urgent.add(key);
    return wait;
  }

  #conflictOf(policy: ScalingPolicy, key: string): string | undefined {
    const others = this.#othersOn(policy.target, key);
    const rivals = others.filter((other) => !isTransferred(policy, other));
    return conflictText(policy.target, rivals) ?? (rivals.length < others.length ? transferText(policy) : undefined);
  }

  /** Other policies on a target, and native objects that the built-in controller, or KEDA through it, scales it by. */
  #othersOn(target: ObjectReference, key: string): ObjectReference[] {
    return [...this.#policyTargets.others(target, key), ...this.#hpaTargets.others(target)];
  }

  #wakeHeldByConflict(): void {
    for (const [key, { decision }] of this.#memories) {
      if (decision?.holds.some(({ by }) => by === 'conflict') !== true) continue;
      this.#urgent.add(key);
      this.#queue.add(key);
    }
  }

  #metricsReady(): boolean {
    const { metrics, clock } = this.#options;
    return metrics().sequence > 0 || clock.monotonic() - this.#startedAt >= firstViewGraceMs;
  }

  #memoryOf(key: string, raw: KubeObject): PolicyMemory {
    const held = this.#memories.get(key);
    if (held !== undefined && held.uid === raw.metadata.uid) return held;
    this.#ticks?.forget(key);
    const memory = emptyMemory(raw.metadata.uid, raw);
    this.#memories.set(key, memory);
    return memory;
  }

  #periodOf(key: string): number {
    const result = this.#memories.get(key)?.parsed?.result;
    const own = result?.ok === true ? result.policy.syncPeriodMs : undefined;
    return own ?? this.#options.config.syncPeriodMs;
  }

  #publish(key: string, raw: KubeObject, decision: Decision): void {
    const { logger } = this.#options;
    const { namespace = '', name } = raw.metadata;
    this.#context.hpaMetrics.setDesired({ namespace, name }, decision.to);
    const log = decision.to === decision.from ? 'debug' : 'info';
    logger[log](decision.message, { policy: key, target: `${decision.target.kind}/${decision.target.name}`, reason: decision.reason });
    for (const listener of this.#listeners) {
      try {
        listener(decision);
      } catch (error) {
        logger.warn('a listener for decisions threw', { policy: key, error: messageOf(error) });
      }
    }
  }

  #heldCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { decision } of this.#memories.values()) {
      for (const by of new Set(decision?.holds.map((hold) => hold.by))) counts.set(by, (counts.get(by) ?? 0) + 1);
    }
    return counts;
  }
}
