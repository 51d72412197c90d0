import type { KubeClient } from '../../../core/kube/api.ts';
import { createRateLimiter, type RateLimiter } from '../../../core/kube/rate-limit.ts';
import { isNotFound } from '../../../core/kube/status-error.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { RecommenderConfig } from '../../config.ts';
import type { CheckpointTexts, RecommenderEngine } from '../engine/types.ts';
import { collectCheckpoints, type GarbageReport } from './checkpoint-garbage.ts';
import { createCheckpointIndex } from './checkpoint-index.ts';
import { loadCheckpoints, type LoadReport } from './checkpoint-loader.ts';
import { createCheckpointMemory, type CheckpointPolicy } from './checkpoint-memory.ts';
import { checkpointName, distinctCheckpointName } from './checkpoint-name.ts';
import { checkpointKinds, checkpointOwner, type CheckpointKind } from './checkpoint-object.ts';
import { writePass, type PassContext, type PassOptions, type PassReport } from './checkpoint-pass.ts';

export interface CheckpointStoreOptions {
  /** Its writes must be fenced. */
  readonly client: Pick<KubeClient, 'listPage' | 'get' | 'create' | 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly engine: Pick<RecommenderEngine, 'containerNames' | 'saveCheckpoint' | 'loadCheckpoint'> & CheckpointTexts;
  /** All policies that the engine knows now, in a fixed order. */
  readonly policies: () => readonly CheckpointPolicy[];
  /**
   * `namespace/name` of every object of the kind in the cluster, also of those that are not this recommender's or cannot be read; `undefined` while the list
   * is not whole and for kinds that are not watched.
   */
  readonly existing: (kind: CheckpointKind) => ReadonlySet<string> | undefined;
  readonly config: Pick<RecommenderConfig, 'checkpointsPerMinute' | 'checkpointsGcMs'>;
  /** Nothing is deleted there. */
  readonly ignoredNamespaces?: readonly string[] | undefined;
  /** Writes at the same time; default 10, --update-worker-count. */
  readonly workers?: number | undefined;
}

/**
 * State of the recommender that outlives the process, in upstream's format (spec §2.4, §3.9). What is stored of a policy is read before anything is written
 * over it. Only loading throws for what the API server says; a pass or a collection that is called for while it runs is that one.
 */
export interface CheckpointStore {
  /**
   * Takes over what is stored of a policy that is new to the store. Throws when it is not known what is stored: nothing of the policy is written before that is
   * known. Policies may be loaded one by one or all at once: the lists behind it are shared.
   */
  load(policy: CheckpointPolicy, signal?: AbortSignal): Promise<LoadReport>;
  /** One pass of writing over the policies that are loaded. */
  write(options: PassOptions): Promise<PassReport>;
  /** Deletes orphans when checkpointsGcMs have passed since the last time, or since the store was made; `undefined`: not due. */
  collectGarbage(signal?: AbortSignal): Promise<GarbageReport | undefined>;
  /** A last pass before the end, cut off after so many milliseconds. */
  flush(deadlineMs: number): Promise<PassReport>;
  /** Whether what is stored of the policy has been taken over. */
  isLoaded(key: string): boolean;
  /** Containers of a policy that something is stored of, as far as this process has read or written it. */
  containers(key: string): readonly string[];
  /** The container has vanished from the workload: its checkpoint goes. `false`: there was none, or it could not be deleted. */
  removeContainer(policy: CheckpointPolicy, container: string): Promise<boolean>;
  totals(): CheckpointTotals;
}

/** Since the store was made. */
export interface CheckpointTotals {
  readonly loaded: number;
  readonly skipped: number;
  readonly written: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly deleted: number;
}

export function createCheckpointStore(options: CheckpointStoreOptions): CheckpointStore {
  const { client, clock, logger, engine, config } = options;
  const memory = createCheckpointMemory();
  const limiter = createWriteLimiter(config.checkpointsPerMinute, clock);
  const context: PassContext = { client, clock, logger, engine, memory, limiter, workers: options.workers ?? 10 };
  const garbage = { client, logger, limiter, existing: options.existing, ignoredNamespaces: new Set(options.ignoredNamespaces) };
  const totals = { loaded: 0, skipped: 0, written: 0, unchanged: 0, failed: 0, deleted: 0 };
  let collectedAt = clock.monotonic();

  const index = createCheckpointIndex(client, clock);
  const kinds = createKindPresence(options);
  const load = async (policy: CheckpointPolicy, signal?: AbortSignal): Promise<LoadReport> => {
    const report = await loadCheckpoints({ index, logger, engine, memory }, policy, signal);
    if (report.absent) kinds.miss(policy.kind);
    totals.loaded += report.loaded;
    totals.skipped += report.skipped;
    return report;
  };
  const write = async (pass: PassOptions): Promise<PassReport> => {
    const present = await kinds.present(pass.signal);
    const policies = options.policies();
    await memory.sync(policies);
    const report = await writePass(context, policies, { ...pass, present });
    totals.written += report.written;
    totals.unchanged += report.unchanged;
    totals.failed += report.failed;
    return report;
  };
  const collect = async (signal?: AbortSignal): Promise<GarbageReport> => {
    const report = await collectCheckpoints(garbage, kindNames, signal);
    totals.deleted += report.deleted;
    // Policies that are gone are remembered until their checkpoints are.
    const collected = kindNames.filter((kind) => !report.leftOut.includes(kind));
    memory.prune(collected);
    return report;
  };
  const writing = shared(write);
  const collecting = shared(collect);

  return {
    load,
    write: writing,
    collectGarbage: (signal) => {
      const now = clock.monotonic();
      if (now - collectedAt < config.checkpointsGcMs) return Promise.resolve(undefined);
      collectedAt = now;
      return collecting(signal);
    },
    flush: async (deadlineMs) => {
      const end = new AbortController();
      const timer = clock.setTimeout(() => end.abort(), deadlineMs);
      try {
        return await write({ deadlineMs, signal: end.signal });
      } finally {
        timer.cancel();
      }
    },
    isLoaded: (key) => memory.get(key)?.loaded === true,
    containers: (key) => [...(memory.get(key)?.containers.keys() ?? [])],
    removeContainer: async (policy, container) => {
      const known = memory.get(policy.key)?.containers.get(container);
      memory.get(policy.key)?.containers.delete(container);
      const deleted = await deleteStored(context, { client, policy, container, name: known?.name });
      if (deleted) totals.deleted += 1;
      return deleted;
    },
    totals: () => ({ ...totals }),
  };
}

/** Which kinds the cluster has; one that it does not have is asked for again with each pass, at most once a minute. */
function createKindPresence({ client, clock, logger }: CheckpointStoreOptions): {
  miss: (kind: CheckpointKind) => void;
  present: (signal: AbortSignal | undefined) => Promise<(kind: CheckpointKind) => boolean>;
} {
  const askedAt = new Map<CheckpointKind, number>();
  return {
    miss: (kind) => {
      if (askedAt.has(kind)) return;
      logger.warn(
        `the cluster does not have ${checkpointKinds[kind].checkpoints.kind}: what is learnt of ${kind} is not stored; install its definition`,
      );
      askedAt.set(kind, clock.monotonic());
    },
    present: async (signal) => {
      for (const [kind, at] of askedAt) {
        if (clock.monotonic() - at < askAgainMs) continue;
        askedAt.set(kind, clock.monotonic());
        try {
          await client.listPage(checkpointKinds[kind].checkpoints, { limit: 1, signal });
          askedAt.delete(kind);
        } catch {
          // Not there, or not known: with the next pass.
        }
      }
      return (kind) => !askedAt.has(kind);
    },
  };
}

const askAgainMs = 60_000;

const kindNames = Object.keys(checkpointKinds) as readonly CheckpointKind[];

/** A tenth at once, the rest spread out, so that no minute has more than the bound. */
function createWriteLimiter(perMinute: number, clock: Clock): RateLimiter {
  const burst = Math.max(1, Math.floor(perMinute / 10));
  return createRateLimiter({ qps: Math.max(1, perMinute - burst) / 60, burst }, clock);
}

/** Calls while one runs share it. */
function shared<A, R>(run: (argument: A) => Promise<R>): (argument: A) => Promise<R> {
  let running: Promise<R> | undefined;
  return (argument) => {
    running ??= run(argument).finally(() => {
      running = undefined;
    });
    return running;
  };
}

interface StoredContainer {
  readonly client: CheckpointStoreOptions['client'];
  readonly policy: CheckpointPolicy;
  readonly container: string;
  readonly name: string | undefined;
}

async function deleteStored({ limiter, logger }: PassContext, { client, policy, container, name }: StoredContainer): Promise<boolean> {
  const { namespace, kind } = policy;
  const type = checkpointKinds[kind].checkpoints;
  for (const candidate of new Set([name ?? checkpointName(policy.name, container), distinctCheckpointName(policy.name, container)])) {
    try {
      await limiter.take();
      const raw = await client.get(type, { namespace, name: candidate });
      const owner = checkpointOwner(raw);
      if (owner?.policy !== policy.name || owner.container !== container) continue;
      const { uid } = raw.metadata;
      await client.delete(type, { namespace, name: candidate }, { preconditions: uid === undefined ? {} : { uid } });
      return true;
    } catch (thrown) {
      if (isNotFound(thrown)) continue;
      logger.warn(`checkpoint ${namespace}/${candidate} of container ${container}, which is gone, could not be deleted`, {
        cause: thrown instanceof Error ? thrown.message : 'unknown',
      });
      return false;
    }
  }
  return false;
}
