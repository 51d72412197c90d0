import { createHash } from 'node:crypto';
import { createBackoff } from '../../../core/kube/backoff.ts';
import { nextTurn } from '../../../core/kube/turn.ts';
import { sleep, type Clock, type Random } from '../../../core/model/clock.ts';
import type { Labels } from '../../../core/model/selector.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { SampleSeries } from '../engine/types.ts';
import { withSmallerPieces } from './adaptive-query.ts';
import { createLayeredBlockCache, createMemoryBlockCache, type BlockCache } from './block-cache.ts';
import type { HistoryClient, HistoryFailure } from './history-client.ts';
import { defaultHistoryConfig, type HistoryConfig } from './history-config.ts';
import { historyGrid, type HistoryGrid } from './history-grid.ts';
import { createProgress, type HistoryReport } from './history-report.ts';
import type { HistoryTarget } from './history-targets.ts';
import { deliverNamespace, type NamespaceMemory } from './namespace-delivery.ts';
import { readNamespaces } from './namespace-reader.ts';

/** For so long after the start a source that is not set up is waited for. */
const settleMs = 30_000;
const settlePollMs = 1_000;

export interface HistoryImportOptions {
  readonly client: HistoryClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What is wanted now: asked at the start of each round, so that policies may come and go. */
  readonly targets: () => readonly HistoryTarget[];
  /** Labels of the live pods of a namespace, by name. */
  readonly livePods: (namespace: string) => ReadonlyMap<string, Labels>;
  /** Takes a series over and answers how many of its samples; `RecommenderEngine.observeHistory`. */
  readonly each: (series: SampleSeries) => number;
  readonly config?: Partial<HistoryConfig> | undefined;
  /** Default: memory alone. In any case up to 64 MiB are kept in memory, which policies that ask one after the other are served from. */
  readonly cache?: BlockCache | undefined;
  /** Called when a batch is through or has failed. */
  readonly onProgress?: (() => void) | undefined;
}

export interface HistoryImport {
  /**
   * Reads the past of all targets that have not had theirs. Resolves when nothing is left to do, or the signal aborts; called again it goes on where it was. A
   * namespace whose past could not be read is tried again, later and later; what fails takes nothing away.
   */
  run(signal?: AbortSignal): Promise<HistoryReport>;
  report(): HistoryReport;
  /** The target has its past, or it is known already, or it was given up. */
  isSettled(target: HistoryTarget): boolean;
}

/**
 * History at start (spec §3.11), made to spare the server and this process: namespaces in batches, a day at a time, one query at any time; days that are over come
 * from the cache; a question that is too large is asked in smaller pieces. Of a batch no more than its own points are in memory. The past ends when it is asked
 * for first: what follows is observed live.
 */
export function importHistory(options: HistoryImportOptions): HistoryImport {
  const { client, clock, random, logger, targets, livePods, each } = options;
  const config: HistoryConfig = { ...defaultHistoryConfig, ...options.config };
  const recent = createMemoryBlockCache();
  const cache = options.cache === undefined ? recent : createLayeredBlockCache(recent, options.cache);
  let begun: { readonly grid: HistoryGrid; readonly at: number } | undefined;
  // A copy that waits for the lease begins long after it was made.
  const gridNow = (): HistoryGrid =>
    begun?.grid ?? historyGrid({ now: clock.now(), lengthMs: config.lengthMs, stepMs: config.resolutionMs });
  const progress = createProgress();
  const namespaces = new Map<string, NamespaceMemory>();
  const size = { points: Infinity, namespaces: config.namespacesPerQuery };
  /** Batches that were read. */
  let served = 0;
  let told = false;
  let failuresTold = 0;
  const backoff = createBackoff({ baseMs: config.backoffMs.base, capMs: config.backoffMs.cap, random });
  const reader = {
    client,
    config,
    cache,
    recent,
    scope: scopeOf(config),
    onQuery: () => void (progress.asked += 1),
    onSplit: () => void (progress.split += 1),
    onCached: () => void (progress.cachedBlocks += 1),
  };

  const memoryOf = (namespace: string): NamespaceMemory => {
    let memory = namespaces.get(namespace);
    if (memory === undefined)
      namespaces.set(
        namespace,
        (memory = { attempts: 0, servedBefore: 0, delivered: new Set(), dropped: { unknownOwner: 0, noTarget: 0 } }),
      );
    return memory;
  };
  const isSettled = ({ key, namespace, before = Infinity }: HistoryTarget): boolean => {
    if (progress.failed.has(namespace) || namespaces.get(namespace)?.delivered.has(key) === true) return true;
    const { from, stepMs } = gridNow();
    return before <= from + stepMs;
  };
  const pending = (): ReadonlySet<string> => {
    const open = targets().filter((target) => !isSettled(target));
    return new Set(open.map(({ namespace }) => namespace));
  };

  /** The first time, and when it is over with failures: policies that come one by one would each have a line. */
  const logDone = ({ namespaces: { done, failed }, queries, samples, accepted, droppedPods }: HistoryReport): void => {
    const facts = { namespaces: done, failed: failed.length, queries: queries.asked, samples, accepted, ...droppedPods };
    const news = !told || progress.failures > failuresTold;
    told = true;
    failuresTold = progress.failures;
    if (news) logger.info('history was read', facts);
    else logger.debug('more history was read', facts);
  };

  const noteFailure = (failure: HistoryFailure, batch: readonly string[]): void => {
    const { reason, message, tooMuch } = failure;
    progress.failures += 1;
    progress.lastFailure = { at: clock.now(), reason, message };
    logger.warn(`the history of ${named(batch)} could not be read; it is tried again, recommendations go on without`, {
      cause: message,
    });
    for (const namespace of batch) {
      const memory = memoryOf(namespace);
      if (memory.attempts === 0) memory.servedBefore = served;
      memory.attempts += 1;
      // One namespace, in the smallest pieces: asking again would be no smaller.
      const hopeless = tooMuch && batch.length === 1;
      // While nobody is served it is the server that fails, however long: no namespace loses its past for that.
      const itsOwn = served > memory.servedBefore || !isUnavailable(reason);
      if (!hopeless && !(itsOwn && memory.attempts >= config.maxAttempts)) continue;
      progress.failed.set(namespace, { reason, message });
      logger.warn(`the history of namespace ${namespace} is given up: its policies learn from now on`, { cause: message });
    }
  };

  const runBatch = async (
    batch: readonly string[],
    { grid, at }: NonNullable<typeof begun>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> => {
    const failures = Math.min(...batch.map((namespace) => memoryOf(namespace).attempts));
    const reading = await withSmallerPieces(size, { failures, points: pointsOf(grid) }, (some) =>
      readNamespaces({ ...reader, grid, size: some, signal }, batch),
    );
    if (signal?.aborted === true) return false;
    if (!reading.ok && reading.notYet === true && clock.now() - at < settleMs) {
      await sleep(clock, settlePollMs, signal);
      return true;
    }
    if (!reading.ok) {
      noteFailure(reading, batch);
      options.onProgress?.();
      return false;
    }
    for (const [namespace, blocks] of reading.blocks) {
      const memory = memoryOf(namespace);
      const all = targets().filter((target) => target.namespace === namespace);
      await deliverNamespace({ grid, progress, each, memory, namespace }, { blocks, targets: all, live: livePods(namespace) });
      for (const { key } of all) memory.delivered.add(key);
      memory.attempts = 0;
    }
    served += 1;
    backoff.reset();
    options.onProgress?.();
    return true;
  };

  const run = async (signal?: AbortSignal): Promise<HistoryReport> => {
    progress.state = 'running';
    begun ??= { grid: gridNow(), at: clock.now() };
    // Who asks at the same time is served together.
    await nextTurn();
    for (let open = pending(); open.size > 0; open = pending()) {
      const batch = nextBatch([...open], (namespace) => memoryOf(namespace).attempts, config.namespacesPerQuery);
      if (!(await runBatch(batch, begun, signal)) && signal?.aborted !== true && pending().size > 0) {
        progress.state = 'waiting';
        await sleep(clock, backoff.next(), signal);
        progress.state = 'running';
      }
      if (signal?.aborted === true) {
        progress.state = 'stopped';
        return report();
      }
    }
    progress.state = 'done';
    const done = report();
    logDone(done);
    return done;
  };

  const report = (): HistoryReport => {
    const { state, failed, asked, failures, split, cachedBlocks, series, samples, accepted, lastFailure } = progress;
    const waiting = pending().size;
    const memories = [...namespaces.values()];
    const { from, to } = gridNow();
    const dropped = (why: 'unknownOwner' | 'noTarget'): number => memories.reduce((sum, memory) => sum + memory.dropped[why], 0);
    return {
      state,
      from,
      to,
      namespaces: {
        done: memories.filter(({ delivered }) => delivered.size > 0).length,
        pending: waiting,
        failed: [...failed].map(([namespace, why]) => ({ namespace, ...why })),
      },
      queries: { asked, failed: failures, split },
      cachedBlocks,
      series,
      samples,
      accepted,
      droppedPods: { unknownOwner: dropped('unknownOwner'), noTarget: dropped('noTarget') },
      lastFailure,
    };
  };

  let running: Promise<HistoryReport> | undefined;
  return {
    run: (signal) =>
      (running ??= run(signal).finally(() => {
        running = undefined;
      })),
    report,
    isSettled,
  };
}

/** Those that never failed first; those that did in smaller and smaller company, so that a bad one is found. */
function nextBatch(open: readonly string[], attempts: (namespace: string) => number, most: number): readonly string[] {
  const sorted = open.toSorted((a, b) => attempts(a) - attempts(b) || (a < b ? -1 : 1));
  const least = attempts(sorted[0] ?? '');
  const count = Math.max(1, Math.floor(most / 2 ** least));
  return sorted.filter((namespace) => attempts(namespace) === least).slice(0, count);
}

function named([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? `namespace ${first}` : `${others.length + 1} namespaces (${first}, …)`;
}

/** Nothing is said of the question. */
function isUnavailable(reason: string): boolean {
  return reason === 'source-unavailable' || reason === 'source-absent';
}

function pointsOf({ blocks }: HistoryGrid): number {
  return Math.max(1, ...blocks.map(({ points }) => points));
}

/** Blocks of another server, metric or resolution are other blocks. */
function scopeOf(config: HistoryConfig): string {
  const { source, resolutionMs, cpuMetric, memoryMetric, job, namespaceLabel, podLabel, containerLabel, owners, podLabels } = config;
  const facts = [source, resolutionMs, cpuMetric, memoryMetric, job, namespaceLabel, podLabel, containerLabel, owners, podLabels ?? null];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}
