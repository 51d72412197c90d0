import type { Clock, Timer } from '../../core/model/clock.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { MetricsAggregator } from './ports.ts';

/** What a client has already. */
export interface SeenView {
  readonly client: string | undefined;
  /** `undefined`: nothing. */
  readonly after: number | undefined;
  readonly instance: string | undefined;
  /** Revision of its demands in the view that it has; 0 for none. */
  readonly demands: number;
}

export interface ViewPollOptions {
  readonly aggregator: Pick<MetricsAggregator, 'view' | 'onView'>;
  readonly clock: Clock;
  readonly instance: string;
  /** Revision of a client's demands now; 0 when it has none. */
  readonly demandsOf: (client: string) => number;
}

export type PollOutcome =
  | { readonly kind: 'view'; readonly view: MetricsView; readonly usage: 'whole' | 'unchanged' }
  | { readonly kind: 'none' }
  /** Too many wait. */
  | { readonly kind: 'busy' };

/** Hands out the newest view to clients that wait for one. */
export interface ViewPoll {
  wait(seen: SeenView, waitMs: number, signal: AbortSignal): Promise<PollOutcome>;
  /** Lets a client look again: its demands have changed. */
  wake(client: string): void;
  readonly waiting: number;
  close(): void;
}

const maxWaiting = 256;

interface Waiter {
  readonly seen: SeenView;
  readonly finish: () => void;
}

export function createViewPoll({ aggregator, clock, instance, demandsOf }: ViewPollOptions): ViewPoll {
  // Held together: a view that is newer than what is known of its usage would be called unchanged.
  let newest = { view: aggregator.view(), usageSequence: aggregator.view().sequence };
  const waiters = new Set<Waiter>();
  const unsubscribe = aggregator.onView((view, change) => {
    newest = { view, usageSequence: change.usage ? view.sequence : newest.usageSequence };
    for (const waiter of waiters) waiter.finish();
  });

  /** Also for a sequence that was never reached: it was counted by a process that is no more. */
  const isNews = ({ client, after, instance: known, demands }: SeenView): boolean => {
    const { sequence } = newest.view;
    if (after === undefined || (known !== undefined && known !== instance)) return true;
    if (sequence !== after) return true;
    return client !== undefined && demandsOf(client) !== demands;
  };
  const outcome = (seen: SeenView): PollOutcome => {
    if (!isNews(seen)) return { kind: 'none' };
    const { view, usageSequence } = newest;
    const has = seen.instance === instance && seen.after !== undefined && seen.after >= usageSequence && seen.after <= view.sequence;
    return { kind: 'view', view, usage: has ? 'unchanged' : 'whole' };
  };

  return {
    wait: (seen, waitMs, signal) => {
      if (isNews(seen) || waitMs === 0 || signal.aborted) return Promise.resolve(outcome(seen));
      if (waiters.size >= maxWaiting) return Promise.resolve({ kind: 'busy' });
      return new Promise((resolve) => {
        let timer: Timer | undefined;
        const waiter: Waiter = {
          seen,
          finish: () => {
            timer?.cancel();
            waiters.delete(waiter);
            signal.removeEventListener('abort', waiter.finish);
            resolve(outcome(seen));
          },
        };
        waiters.add(waiter);
        timer = clock.setTimeout(waiter.finish, waitMs);
        signal.addEventListener('abort', waiter.finish, { once: true });
      });
    },
    wake: (client) => {
      for (const waiter of waiters) if (waiter.seen.client === client) waiter.finish();
    },
    get waiting() {
      return waiters.size;
    },
    close: () => {
      unsubscribe();
      for (const waiter of waiters) waiter.finish();
    },
  };
}
