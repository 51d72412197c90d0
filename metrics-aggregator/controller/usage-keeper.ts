import type { Clock } from '../../core/model/clock.ts';
import type { SourceState, UsageSnapshot } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { Doubt, UnknownReason } from '../../core/model/sample.ts';
import type { AggregatorConfig } from '../config.ts';
import { judgeAnswer } from '../engine/judge-answer.ts';
import { notAskedYet, type MetricsViewInput, type UnscrapedNode } from '../engine/metrics-view.ts';
import { countNodeGaps } from '../engine/node-gaps.ts';
import { judgeOutage, noOutage, usageOutage } from '../engine/outage.ts';
import { createWorkloadTotals } from '../engine/workload-totals.ts';
import type { UsageAnswer, UsageResult } from '../sources/source.ts';
import { createUsageStore, type IngestReport } from '../store/usage-store.ts';
import type { UsageTable } from '../store/usage-table.ts';
import type { OwnerWatch } from './owner-watch.ts';
import type { SourceRunner } from './source-runner.ts';

/** What one poll of usage came to, for logs and metrics. */
export interface PollReport {
  readonly at: number;
  readonly durationMs: number;
  readonly state: SourceState;
  /** Why what is known is good for growth only. */
  readonly doubt: Doubt | undefined;
  readonly pods: number;
  readonly nodes: number;
  /** Pods with a sample that is newer than the one before. */
  readonly fresh: number;
  /** Pods that run long enough to have a sample, and those that have one. */
  readonly expected: number;
  readonly measured: number;
  readonly unscrapedNodes: readonly string[];
  readonly rejected: readonly string[];
}

export interface UsageKeeperOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly config: AggregatorConfig;
  readonly cluster: { readonly runningPods: () => number; readonly pods?: (() => Iterable<PodRecord>) | undefined };
  readonly owners: OwnerWatch;
}

type Runner =
  { readonly ok: true; readonly runner: SourceRunner } | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string };

/** Asks for usage, judges the answer and keeps it. */
export interface UsageKeeper {
  /** `undefined` when one is under way already, or the aggregator stops. */
  poll(runner: () => Runner): Promise<PollReport | undefined>;
  state(): SourceState;
  doubt(): Doubt | undefined;
  facts(at: number): Pick<MetricsViewInput, 'usage' | 'usageSource' | 'resourceSource' | 'usageDoubt' | 'unscrapedNodes' | 'startGraceMs'>;
}

/** Time until a pod's first sample is due, besides two windows: --horizontal-pod-autoscaler-initial-readiness-delay. */
const readinessMs = 30_000;

export function createUsageKeeper(options: UsageKeeperOptions): UsageKeeper {
  return new Keeper(options);
}

class Keeper implements UsageKeeper {
  readonly #options: UsageKeeperOptions;
  readonly #store = createUsageStore();
  #state: SourceState;
  #outage = noOutage;
  #outageDoubt: Doubt | undefined;
  #partial: Doubt | undefined;
  /** When the source last had something new; a source that answers the same for ever is as good as down. */
  #renewedAt: number | undefined;
  #resolutionMs: number;
  #unscraped: ReadonlyMap<string, UnscrapedNode> = new Map();
  #polling = false;

  constructor(options: UsageKeeperOptions) {
    this.#options = options;
    this.#state = notAskedYet(options.name, options.clock.now());
    this.#resolutionMs = options.config.pollIntervalMs;
  }

  state(): SourceState {
    return this.#state;
  }

  doubt(): Doubt | undefined {
    const state = this.#state;
    if (!state.healthy && state.lastSuccess !== undefined) {
      return {
        reason: state.reason,
        detail: `${this.#options.name}: ${state.detail}; its last answer is still used for growth`,
        since: state.since,
      };
    }
    return this.#options.owners.doubt(this.#options.name) ?? this.#outageDoubt ?? this.#standstill() ?? this.#partial;
  }

  #standstill(): Doubt | undefined {
    const since = this.#renewedAt;
    if (since === undefined) return undefined;
    const still = this.#options.clock.now() - since;
    if (still <= 2 * this.#resolutionMs + this.#options.config.pollIntervalMs) return undefined;
    return {
      reason: 'stale',
      detail: `${this.#options.name} has given no newer sample of any pod for ${Math.round(still / 1000)} s`,
      since,
    };
  }

  #startGraceMs(): number {
    return 2 * this.#resolutionMs + readinessMs;
  }

  facts(at: number): ReturnType<UsageKeeper['facts']> {
    const { name } = this.#options;
    return {
      usage: this.#snapshot(at, true),
      usageSource: name,
      resourceSource: this.#state,
      usageDoubt: this.doubt(),
      unscrapedNodes: this.#unscraped,
      startGraceMs: this.#startGraceMs(),
    };
  }

  async poll(runner: () => Runner): Promise<PollReport | undefined> {
    if (this.#polling) return undefined;
    this.#polling = true;
    try {
      return await this.#pollOnce(runner());
    } finally {
      this.#polling = false;
    }
  }

  async #pollOnce(found: Runner): Promise<PollReport> {
    const { name, clock, cluster, owners } = this.#options;
    const begun = clock.monotonic();
    const [answer] = await Promise.all([found.ok ? found.runner.usage() : ({ ...found, ok: false } as UsageAnswer), owners.look([name])]);
    const now = clock.now();
    this.#state = judgeAnswer(answer, { previous: this.#state, name, runningPods: cluster.runningPods(), now });
    const taken = answer.ok && this.#state.healthy ? await this.#take(answer, now) : undefined;
    const usage = this.#snapshot(now, false);
    const gaps = await this.#findGaps(usage, now);
    return {
      at: now,
      durationMs: clock.monotonic() - begun,
      state: this.#state,
      doubt: this.doubt(),
      pods: usage.podCount,
      nodes: answer.ok ? answer.nodes.length : 0,
      fresh: taken?.fresh ?? 0,
      ...gaps,
      unscrapedNodes: [...this.#unscraped.keys()],
      rejected: answer.ok ? [...answer.rejected, ...(taken?.implausible ?? [])] : [],
    };
  }

  async #take(answer: UsageResult, now: number): Promise<IngestReport> {
    const taken = await this.#store.ingest(answer, now);
    this.#resolutionMs = Math.max(this.#options.config.pollIntervalMs, longestWindow(answer.pods));
    // Nothing to renew is no standstill.
    if (taken.fresh > 0 || taken.pods === 0) this.#renewedAt = now;
    const verdict = judgeOutage(this.#outage, await totalsOf(answer.pods), now, usageOutage);
    this.#outage = verdict.state;
    this.#outageDoubt = verdict.doubt;
    this.#partial =
      answer.partial === undefined ? undefined : { reason: 'partial', detail: answer.partial, since: this.#partial?.since ?? now };
    return taken;
  }

  /** `publish`: what is fresh in it is not fresh in the next one. */
  #snapshot(at: number, publish: boolean): UsageSnapshot {
    return this.#store.snapshot({ at, maxAgeMs: this.#options.config.maxAgeMs, publish });
  }

  async #findGaps(usage: UsageSnapshot, now: number): Promise<{ readonly expected: number; readonly measured: number }> {
    const { cluster } = this.#options;
    const pods = cluster.pods?.();
    // While the source is down the held samples say nothing about nodes.
    if (pods === undefined || !this.#state.healthy) return { expected: 0, measured: 0 };
    const count = countNodeGaps({ usage, previous: this.#unscraped, now, startGraceMs: this.#startGraceMs() });
    let taken = 0;
    for (const pod of pods) {
      count.add(pod);
      if (++taken % rowsPerTurn === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const { unscraped, expected, measured } = count.finish();
    this.#unscraped = unscraped;
    return { expected, measured };
  }
}

/** Rows between two turns of the event loop. */
const rowsPerTurn = 20_000;

async function totalsOf(table: UsageTable): Promise<ReturnType<ReturnType<typeof createWorkloadTotals>['totals']>> {
  const totals = createWorkloadTotals();
  for (let from = 0; from < table.podCount; from += rowsPerTurn) {
    totals.add(table, from, Math.min(table.podCount, from + rowsPerTurn));
    if (from + rowsPerTurn < table.podCount) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return totals.totals();
}

/** The resolution of the source shows in its windows; a look at a few is enough. */
function longestWindow(table: UsageTable): number {
  let longest = 0;
  const step = Math.max(1, Math.floor(table.podCount / 64));
  for (let row = 0; row < table.podCount; row += step) longest = Math.max(longest, table.windowsMs[row] ?? 0);
  return longest;
}
