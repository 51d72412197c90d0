import type { Clock } from '../../core/model/clock.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { createBatch, type Batch, type BatchFacts, type NotedEvaluation, type PodSource } from '../batch/index.ts';
import type { HpaConfig } from '../config.ts';
import type { HpaState } from '../engine/index.ts';

/** Policies that are due, sorted by what a look at all of them at once has found. */
export interface SortedPolicies {
  /** To be evaluated, each with its scale read again; those that scale come first. */
  readonly evaluate: readonly string[];
  /** Decided: their targets stay. They are evaluated all the same, one after the other in the time until the next period. */
  readonly refresh: readonly string[];
  /** Decided: their targets stay, and what was last said of them still holds. */
  readonly quiet: readonly string[];
}

/** What is known besides the policies. */
export interface TickInputs {
  readonly view: MetricsView;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly podsAgeMs: number | undefined;
}

/**
 * Decides all policies that are due in one pass over shared columns (`batch/`), so that the few that scale do not wait behind the many that stay.
 * What it says is never acted upon: whoever is to scale is evaluated by the engine, on a scale that is read again.
 */
export class PolicyTicks {
  readonly #batch: Batch;
  readonly #clock: Clock;
  /** Policies whose state the batch has. */
  readonly #noted = new Set<string>();
  /** The selector of each policy, and whether the batch has its pods already: looking for those of a new selector is a pass over all pods, made once for all in a tick. */
  readonly #selectors = new Map<string, { readonly text: string; placed: boolean }>();
  /** When a policy was last evaluated in full, on the monotonic clock. */
  readonly #evaluatedAt = new Map<string, number>();
  /** Something new is to be said of them, and there was no time for it yet. */
  readonly #unsaid = new Set<string>();
  readonly #refreshes: HpaConfig['refreshes'];
  #tokens: number;
  #refilledAt: number;

  constructor({ config, pods, clock }: { readonly config: HpaConfig; readonly pods: PodSource; readonly clock: Clock }) {
    this.#batch = createBatch({ config, pods });
    this.#clock = clock;
    this.#refreshes = config.refreshes;
    this.#tokens = config.refreshes.burst;
    this.#refilledAt = clock.monotonic();
  }

  close(): void {
    this.#batch.close();
  }

  /** Says what an evaluation that begins goes by. */
  begin(key: string, facts: BatchFacts): void {
    const text = facts.scale.selector;
    if (this.#selectors.get(key)?.text !== text) this.#selectors.set(key, { text, placed: false });
    this.#batch.set(key, facts);
  }

  /** What the engine remembers of the policy; `undefined`: whoever asks knows it better. */
  stateOf(key: string): HpaState | undefined {
    return this.#noted.has(key) ? this.#batch.stateOf(key) : undefined;
  }

  /** Pods of the policy, where they are known without a search. */
  podsOf(key: string, selector: string): readonly PodRecord[] | undefined {
    return this.#selectors.get(key)?.placed === true ? this.#batch.podsOf(key, selector) : undefined;
  }

  /** Says what came of an evaluation that has begun: `facts` as they are now. */
  note(key: string, facts: BatchFacts, noted: NotedEvaluation): void {
    this.begin(key, facts);
    this.#batch.note(key, noted);
    this.#noted.add(key);
    this.#unsaid.delete(key);
    this.#evaluatedAt.set(key, this.#clock.monotonic());
  }

  /** The next decision of the policy is the engine's. */
  touch(key: string): void {
    this.#batch.touch(key);
  }

  forget(key: string): void {
    this.#batch.delete(key);
    this.#noted.delete(key);
    this.#selectors.delete(key);
    this.#evaluatedAt.delete(key);
    this.#unsaid.delete(key);
  }

  /** Sorts policies that are due; none of them may be under evaluation. */
  sort(due: readonly string[], inputs: TickInputs): SortedPolicies {
    const tokens = this.#refill();
    // There is time for all.
    if (due.length <= tokens) {
      this.#tokens -= due.length;
      return { evaluate: due, refresh: [], quiet: [] };
    }
    const known = due.filter((key) => this.#noted.has(key));
    const report = this.#batch.decideTick({ ...inputs, podsAgeMs: inputs.podsAgeMs ?? 0, due: known });
    for (const entry of this.#selectors.values()) entry.placed = true;
    const acting = report.full.filter(({ why }) => why === 'acts').map(({ key }) => key);
    const doubtful = report.full.filter(({ why }) => why !== 'acts').map(({ key }) => key);
    const first = [...acting, ...due.filter((key) => !this.#noted.has(key)), ...doubtful];
    const taken = new Set(first);
    for (const key of report.news) this.#unsaid.add(key);
    const rest = due.filter((key) => !taken.has(key)).toSorted((a, b) => this.#rank(a) - this.#rank(b));
    const refreshed = rest.slice(0, Math.floor(tokens));
    this.#tokens -= refreshed.length;
    return { evaluate: first, refresh: refreshed, quiet: rest.slice(refreshed.length) };
  }

  /** News come first, then whoever was evaluated longest ago. */
  #rank(key: string): number {
    const at = this.#evaluatedAt.get(key) ?? 0;
    return this.#unsaid.has(key) ? at - 2 ** 48 : at;
  }

  #refill(): number {
    const now = this.#clock.monotonic();
    const { perSecond, burst } = this.#refreshes;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#refilledAt) * perSecond) / 1000);
    this.#refilledAt = now;
    return this.#tokens;
  }
}
