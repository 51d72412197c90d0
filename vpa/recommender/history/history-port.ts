import type { KnownPolicy } from '../../ports.ts';
import type { HistoryPort } from '../controller/ports.ts';
import { importHistory, type HistoryImport, type HistoryImportOptions } from './history-import.ts';
import type { HistoryTarget } from './history-targets.ts';

export interface HistoryPortOptions extends Omit<HistoryImportOptions, 'targets' | 'onProgress'> {
  /** The policy's target; `undefined` while it is not resolved, or when no history is wanted of it (a checkpoint was loaded). */
  readonly targetOf: (policy: KnownPolicy) => HistoryTarget | undefined;
  /** Ends the import. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The import as the recommender's loop uses it: who asks while it runs is read with the next batch. After a failure nobody waits any longer: `loadFor` throws,
 * recommendations go on, and the import gives the past to the engine whenever it has it.
 */
export function createHistoryPort({ targetOf, signal, ...options }: HistoryPortOptions): HistoryPort & { readonly import: HistoryImport } {
  const wanted = new Map<string, HistoryTarget>();
  const waiting = new Set<() => void>();
  const checkAll = (): void => {
    for (const check of waiting) check();
  };
  /** All loaders share a signal: it gets one listener, however many policies wait. */
  const heard = new WeakSet<AbortSignal>();
  const hear = (abort: AbortSignal): void => {
    if (heard.has(abort)) return;
    heard.add(abort);
    abort.addEventListener('abort', checkAll, { once: true });
  };
  const history = importHistory({
    ...options,
    targets: () => [...wanted.values()],
    onProgress: checkAll,
  });
  const start = (): void => {
    history.run(signal).catch((thrown: unknown) => {
      options.logger.error('the import of history ended with a fault', { cause: thrown });
      checkAll();
    });
  };
  return {
    import: history,
    loadFor: (policy, abort) => {
      const target = targetOf(policy);
      if (target === undefined) return Promise.resolve();
      wanted.set(target.key, target);
      if (history.isSettled(target)) return Promise.resolve();
      const before = history.report().queries.failed;
      start();
      return new Promise<void>((resolve, reject) => {
        const check = (): void => {
          const { queries, lastFailure, state } = history.report();
          const settled = history.isSettled(target);
          // Who comes while the server is given a rest does not wait for the next try: that may be minutes away.
          const underWay = queries.failed === before && state !== 'waiting' && state !== 'stopped';
          if (!settled && underWay && !abort.aborted) return;
          waiting.delete(check);
          if (settled) resolve();
          else reject(new Error(`the history of ${policy.key} is not read yet: ${lastFailure?.message ?? 'the import was stopped'}`));
        };
        waiting.add(check);
        hear(abort);
        check();
      });
    },
  };
}
