import { messageOf } from '../../core/errors.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { Claim, ScaleIntent } from '../../core/model/intent.ts';
import type { ViewChange } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { ScalingPolicy } from '../policy.ts';
import { WorkQueue } from '../../core/runtime/work-queue.ts';
import { keyOf, nameOfKey, withAdopted } from './adopted.ts';
import { conflictText, TargetIndex } from './conflicts.ts';
import { InputNews } from './input-news.ts';
import { createHpaMetrics } from './metrics.ts';
import type { HpaControllerOptions, PolicyChange } from './ports.ts';
import { emptyMemory, type PolicyMemory } from './policy-memory.ts';
import { reconcile } from './reconcile.ts';
import type { ReconcileContext } from './reconcile-task.ts';
import { revisionOf } from './revision.ts';
import { isTransferred, transferText } from './transfer.ts';
import { createScaleAccess } from './scale-access.ts';
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
  /** What is steered by which resource, for whoever moves requests. */
  claims(): readonly Claim[];
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
  /** To be evaluated whatever their period. */
  readonly #urgent = new Set<string>();
  readonly #news = new InputNews();
  /** Policies a part of whose inputs is new, until the rest has come or the time for it is over. */
  readonly #gathering = new Set<string>();
  readonly #policyTargets = new TargetIndex();
  readonly #hpaTargets = new TargetIndex();
  readonly #selectors = new SelectorRegistry();
  readonly #listeners = new Set<(decision: Decision) => void>();
  readonly #context: Omit<ReconcileContext, 'signal'>;
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
    this.#unsubscribe = [reads.policies.onDelta((change) => this.#policyChanged(change))];
    if (reads.nativeHpas !== undefined) {
      this.#unsubscribe.push(
        reads.nativeHpas.onDelta(({ key, new: raw }) => {
          if (raw === undefined) this.#hpaTargets.delete(key);
          else this.#hpaTargets.set(key, raw, 'HorizontalPodAutoscaler');
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
    // Not aborted: a write that is under way is let to its end, so that its outcome is known and stored.
    await this.#queue.shutdown();
  }

  metricsChanged(change: ViewChange): void {
    const { complete, partial } = this.#news.note(change);
    for (const key of complete) this.#wake(key);
    for (const key of partial) this.#wakeSoon(key);
  }

  #wakeSoon(key: string): void {
    if (this.#gathering.has(key)) return;
    this.#gathering.add(key);
    this.#options.clock.setTimeout(() => {
      if (this.#gathering.delete(key) && this.#news.hasNews(key)) this.#wake(key);
    }, gatherMs);
  }

  #wake(key: string): void {
    const at = this.#evaluatedAt.get(key);
    // A policy that waits for its first answers has no period yet.
    if (this.#memories.get(key)?.waitsUntil !== undefined) this.#urgent.add(key);
    else if (at === undefined || this.#options.clock.monotonic() - at < this.#periodOf(key) / 2) return;
    // The period begins anew with this evaluation.
    this.#queue.remove(key);
    this.#queue.add(key);
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
    return [...this.#memories.values()].flatMap(({ decision, proposed }) => {
      if (decision === undefined || proposed === undefined) return [];
      const { target, from, to, at } = decision;
      return [{ target, currentReplicas: from, wantedReplicas: Math.max(to, proposed), at }];
    });
  }

  claims(): readonly Claim[] {
    return [...this.#memories.values()].flatMap(({ parsed }) => {
      if (parsed === undefined || !parsed.result.ok) return [];
      const { reference, target, spec } = parsed.result.policy;
      return spec.metrics.flatMap((metric) =>
        // Only a share of the request moves with the request.
        (metric.type === 'Resource' || metric.type === 'ContainerResource') && metric.target.averageUtilization !== undefined
          ? [{ controller: 'hpa', policy: reference, target, dimension: 'replicas', measures: metric.resource }]
          : [],
      );
    });
  }

  onDecision(listener: (decision: Decision) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #policyChanged({ key, old, new: raw }: PolicyChange): void {
    if (raw === undefined) {
      this.#forget(key);
      return;
    }
    this.#policyTargets.set(key, raw, 'HorizontalPolicy');
    // Status writes, our own above all, are no reason to evaluate: a change of what is parsed, or another object, is.
    if (old !== undefined && revisionOf(old) === revisionOf(raw)) return;
    this.#urgent.add(key);
    this.#queue.add(key);
  }

  #forget(key: string): void {
    this.#policyTargets.delete(key);
    this.#selectors.delete(key);
    this.#memories.delete(key);
    this.#evaluatedAt.delete(key);
    this.#urgent.delete(key);
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
    if (!this.#urgent.delete(key) && elapsed < period / 2) return period + timerSlackMs(period) - elapsed;
    this.#evaluatedAt.set(key, clock.monotonic());
    this.#news.taken(key);
    this.#gathering.delete(key);
    try {
      const memory = this.#memoryOf(key, raw);
      const decision = await reconcile({ ...this.#context, signal }, { key, raw, memory, pods });
      // The policy went while it was evaluated: what is kept of it is forgotten already, and stays so.
      if (this.#memories.get(key) !== memory) {
        if (!reads.policies.get(key)) this.#options.demand?.(key, []);
        return undefined;
      }
      if (decision === 'waiting') {
        this.#urgent.add(key);
        return notReadyRetryMs;
      }
      if (decision !== 'superseded') this.#publish(key, raw, decision);
    } catch (error) {
      if (!signal.aborted)
        logger.error('a policy could not be evaluated; the next try is in one period', { policy: key, error: messageOf(error) });
    }
    return this.#nextTurn(key);
  }

  /** In one period; sooner when a cooldown ends or a schedule changes the bounds before, so that it is done when it was said to be. */
  #nextTurn(key: string): number {
    const period = this.#periodOf(key);
    const memory = this.#memories.get(key);
    if (memory?.again === true) {
      this.#urgent.add(key);
      return againMs;
    }
    const ends = memory?.decision?.holds.flatMap(({ by, until }) => (by === 'cooldown' && until !== undefined ? [until] : [])) ?? [];
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
