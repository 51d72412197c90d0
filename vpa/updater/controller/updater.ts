import { messageOf } from '../../../core/errors.ts';
import { nextTurn } from '../../../core/kube/turn.ts';
import type { Clock, Timer } from '../../../core/model/clock.ts';
import type { KnownPolicy } from '../../ports.ts';
import { noteResizes } from '../engine/index.ts';
import { podAdaptation } from './adaptation.ts';
import { createEarlyPasses, hasLeapt } from './early.ts';
import { createTurns } from './limits.ts';
import { createUpdaterMetrics, type UpdaterStep } from './metrics.ts';
import { createObserver } from './observe.ts';
import { passOverPolicy, type PassContext, type UpdaterMemory } from './policy-pass.ts';
import type { Updater, UpdaterOptions, UpdaterView } from './ports.ts';

/** Policies that are worked on at the same time; each does one thing after the other. */
const workers = 8;
/** After so long the event loop has its turn, milliseconds. */
const longestTurnMs = 10;

/** Evicts and resizes pods so that they have what is recommended for them (spec §5). */
export function createUpdater(options: UpdaterOptions): Updater {
  const { book, clock, config, logger } = options;
  const memory: UpdaterMemory = { resizing: new Map(), infeasible: new Map(), evicted: new Map(), loops: new Map(), plans: new Map() };
  const shared = {
    options,
    adaptation: options.adaptation ?? podAdaptation,
    turns: createTurns(config, clock),
    metrics: createUpdaterMetrics(options.registry),
    warned: new Map<string, string>(),
    memory,
  };
  let running: Promise<void> | undefined;
  let ticker: Timer | undefined;
  let stopping: AbortController | undefined;
  let unsubscribe: (() => void) | undefined;
  let lastPass: number | undefined;

  const timed = async <T>(step: UpdaterStep, work: () => T | Promise<T>): Promise<T> => {
    const begun = clock.monotonic();
    try {
      return await work();
    } finally {
      shared.metrics.observeStep(step, (clock.monotonic() - begun) / 1000);
    }
  };

  const pass = async (keys: ReadonlySet<string> | undefined): Promise<void> => {
    const policies = await timed('ListVPAs', () => policiesOf(options, keys));
    early.taken(policies.map(({ key }) => key));
    const view = await timed('ListPods', () => options.pods());
    if (view === undefined) {
      logger.debug('no pass of the updater: the pods are not known yet');
      return;
    }
    const health = await timed('AdmissionInit', () => options.admissionHealthy());
    const observer = await timed('FilterPods', () => createObserver(view, options.targets, book));
    noteResizes(memory.resizing, view.pods, clock.now());
    if (keys === undefined) {
      shared.metrics.beginPass();
      forget(memory, view, new Set(policies.map(({ key }) => key)));
    }
    const end = new AbortController();
    const deadline = clock.setTimeout(() => end.abort(), config.intervalMs);
    const signal = stopping === undefined ? end.signal : AbortSignal.any([end.signal, stopping.signal]);
    try {
      await timed('EvictPods', () =>
        inTurn(policies, { signal, clock }, (known) => one({ ...shared, view, observer, health, signal }, known)),
      );
    } finally {
      deadline.cancel();
    }
    if (keys === undefined) lastPass = clock.monotonic();
  };

  const one = async (context: PassContext, known: KnownPolicy): Promise<void> => {
    try {
      await passOverPolicy(context, known);
      const again = memory.plans.get(known.key)?.again;
      // Upstream's timing is its own: native objects wait for the next pass.
      if (again !== undefined && !known.policy.native) askEarly(known.key, again);
    } catch (error) {
      logger.error('a pass over a policy failed', { policy: known.key, error });
    }
  };

  const runOnce = (keys?: ReadonlySet<string>): Promise<void> => {
    running ??= timed('total', () => pass(keys))
      .catch((error: unknown) => logger.error('a pass of the updater failed', { error: messageOf(error) }))
      .finally(() => {
        running = undefined;
      });
    return running;
  };

  const early = createEarlyPasses(clock, (keys) => {
    // One that is under way may be past these policies already.
    if (running === undefined) void runOnce(keys);
    else for (const key of keys) early.ask(key, clock.now());
  });

  const askEarly = (key: string, at: number): void => {
    // Sooner than that the next pass sees to it.
    if (ticker !== undefined && at < clock.now() + config.intervalMs) early.ask(key, at);
  };

  const tick = (): void => {
    ticker = clock.setTimeout(tick, config.intervalMs);
    if (running === undefined) void runOnce();
    else logger.warn('a pass of the updater was left out: the last one still runs', { intervalSeconds: config.intervalMs / 1000 });
  };

  const hurry = (key: string): void => {
    if (book.get(key)?.policy.native === false) askEarly(key, clock.now());
  };

  return {
    start: () => {
      if (ticker !== undefined) return;
      stopping = new AbortController();
      ticker = clock.setTimeout(tick, config.intervalMs);
      unsubscribe = book.onChange(({ key, old, new: now }) => {
        if (hasLeapt(old, now)) hurry(key);
      });
    },
    stop: async () => {
      ticker?.cancel();
      ticker = undefined;
      early.stop();
      unsubscribe?.();
      stopping?.abort();
      await running;
    },
    runOnce,
    hurry,
    decisions: () => [...memory.plans.values()].flatMap(({ decisions }) => decisions),
    planOf: (key) => memory.plans.get(key),
    lastPass: () => lastPass,
  };
}

/** In a fixed order (fixed quirk Q21). */
function policiesOf({ book }: UpdaterOptions, keys: ReadonlySet<string> | undefined): readonly KnownPolicy[] {
  const policies = book.all().filter(({ key }) => keys === undefined || keys.has(key));
  return policies.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** What is not there any more is remembered no longer. */
function forget({ infeasible, evicted, loops, plans }: UpdaterMemory, view: UpdaterView, keys: ReadonlySet<string>): void {
  if (infeasible.size + evicted.size > 0) {
    const uids = new Set(view.pods.map(({ uid }) => uid));
    for (const map of [infeasible, evicted]) for (const uid of map.keys()) if (!uids.has(uid)) map.delete(uid);
  }
  for (const map of [loops, plans]) for (const key of map.keys()) if (!keys.has(key)) map.delete(key);
}

/** Begins one after the other, a few at the same time; the signal ends the beginning of more. */
async function inTurn(
  policies: readonly KnownPolicy[],
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
  work: (known: KnownPolicy) => Promise<void>,
): Promise<void> {
  const queue = policies.values();
  let begun = clock.monotonic();
  const worker = async (): Promise<void> => {
    for (const known of queue) {
      if (signal.aborted) return;
      // Deciding waits for nothing: without a break a pass over many policies would keep everything else waiting.
      if (clock.monotonic() - begun > longestTurnMs) {
        await nextTurn();
        begun = clock.monotonic();
      }
      await work(known);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, policies.length) }, worker));
}
