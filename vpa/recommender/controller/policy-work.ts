import { messageOf } from '../../../core/errors.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { KnownPolicy } from '../../ports.ts';
import { createMissingTracker } from '../engine/conditions-tracking.ts';
import type { RecommenderMetrics } from './metrics.ts';
import type { PolicyMemory } from './policy-memory.ts';
import type { PolicyTable } from './policy-table.ts';
import { trackPolicy, updatePolicy, type UpdateContext, type UpdateResult } from './policy-update.ts';
import type { RecommenderOptions } from './ports.ts';
import type { StatusWriter } from './status-writer.ts';

export interface PolicyWorkOptions {
  readonly options: RecommenderOptions;
  readonly context: UpdateContext;
  readonly table: PolicyTable;
  readonly writer: StatusWriter;
  readonly metrics: RecommenderMetrics;
}

/** What is done for one policy; nothing here throws, so that one policy's failure is no other's, but for {@link PolicyWork.load}. */
export interface PolicyWork {
  /** Tells the engine of the policy; answers whether what is stored of it is still to be loaded. */
  track(known: KnownPolicy): boolean;
  /** Brings stored histograms and history into the engine; answers the containers that had a checkpoint. Throws when it is not known what is stored. */
  load(key: string, signal: AbortSignal): Promise<number>;
  /** Recommends anew and has the status written where it changes. */
  update(memory: PolicyMemory): void;
  /** Says in the status that the object cannot be read. */
  reject(key: string, raw: KubeObject): void;
  /** Has the status written where something that it says has changed. */
  write(known: KnownPolicy, memory: PolicyMemory): void;
  forget(key: string): void;
}

export function createPolicyWork({ options, context, table, writer, metrics }: PolicyWorkOptions): PolicyWork {
  const { book, clock, logger, events, checkpoints, history } = options;
  const dryRun = options.dryRun === true;
  const missing = createMissingTracker();

  const guarded = (key: string, message: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      logger.error(message, { policy: key, error: messageOf(error) });
    }
  };

  /** Compares only when something that the status says may be another. */
  const write = ({ key, raw }: Pick<KnownPolicy, 'key' | 'raw'>, memory: PolicyMemory): void => {
    if (dryRun) return;
    const text = JSON.stringify([memory.outcome, memory.report, memory.history]);
    if (memory.checked?.raw === raw && memory.checked.text === text) return;
    if (writer.differs(memory, raw)) writer.add(key);
    else memory.checked = { raw, text };
  };

  const warnOnce = ({ policy }: KnownPolicy, memory: PolicyMemory, message: string): void => {
    if (memory.warned === message || dryRun) return;
    memory.warned = message;
    events.emit(policy.reference, { type: 'Warning', reason: 'ConfigUnsupported', message });
  };

  const observe = ({ policy }: KnownPolicy, result: Extract<UpdateResult, { state: 'recommended' }>, now: number): void => {
    const { before, after, pods } = result;
    if (before !== undefined && before.containers.length > 0) metrics.observeChange(policy, { before, after, pods });
    else if (after.containers.length > 0 && policy.created !== undefined) metrics.observeLatency((now - policy.created) / 1000);
  };

  const note = (known: KnownPolicy, memory: PolicyMemory, result: UpdateResult): void => {
    const { key } = known;
    const now = clock.now();
    if (result.state === 'unsupported') warnOnce(known, memory, result.message);
    else memory.warned = undefined;
    const has = result.state === 'recommended' ? result.after.containers.length > 0 : known.recommendation !== undefined;
    if (missing.record(key, has, now))
      logger.warn('a policy has had no recommendation for 30 minutes: see its conditions', { policy: key });
    if (result.state !== 'recommended') return;
    const { vanished } = result;
    if (vanished.length > 0) logger.info('containers that no pod has any more are left out', { policy: key, containers: vanished });
    observe(known, result, now);
  };

  return {
    track: (known) => {
      const memory = table.memoryOf(known);
      let tracked = false;
      guarded(known.key, 'the target of a policy could not be looked up; the next try is in one interval', () => {
        tracked = trackPolicy(context, known, memory);
      });
      return tracked && !memory.prepared;
    },
    load: async (key, signal) => {
      const known = book.get(key);
      const memory = table.get(key);
      if (known === undefined || memory === undefined || memory.prepared) return 0;
      const loaded = (await checkpoints?.loadFor(known, signal)) ?? 0;
      try {
        await history?.loadFor(known, signal);
      } catch (error) {
        if (!signal.aborted)
          logger.warn('the history of a policy could not be read; it goes on without', { policy: key, error: messageOf(error) });
      }
      if (!signal.aborted && table.get(key) === memory) memory.prepared = true;
      return loaded;
    },
    update: (memory) => {
      const { key } = memory;
      const known = book.get(key);
      // It went, or became another's, while others were looked at.
      if (known === undefined || table.get(key) !== memory) return;
      guarded(key, 'nothing could be recommended for a policy; the next try is in one interval', () => {
        const result = updatePolicy(context, known, memory, clock.now());
        note(known, memory, result);
        if (result.state !== 'waiting') write(known, memory);
      });
    },
    reject: (key, raw) =>
      guarded(key, 'the status of a policy that cannot be read could not be made', () => {
        write({ key, raw }, table.memoryOf({ key, raw }));
      }),
    write,
    forget: (key) => missing.forget(key),
  };
}
