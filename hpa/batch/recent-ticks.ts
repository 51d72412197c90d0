import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { BatchTick } from './ports.ts';

/** What decisions were made of that nobody has made yet. */
export interface RecentTick {
  readonly now: number;
  readonly podsAgeMs: number;
  /** `undefined`: another view has come since. */
  view: MetricsView | undefined;
}

/** Ticks of a few policies each may follow each other on one view. */
const keptTicks = 256;

export interface RecentTicks {
  add(tick: BatchTick): RecentTick;
}

/** The ticks of the last view. A view of 150,000 pods takes some ten megabytes: policies that are decided seldom must not keep one each. */
export function createRecentTicks(): RecentTicks {
  let ticks: RecentTick[] = [];
  return {
    add: ({ now, view, podsAgeMs = 0 }) => {
      const kept = ticks.filter((each) => each.view === view).slice(1 - keptTicks);
      for (const each of ticks) if (!kept.includes(each)) each.view = undefined;
      const tick: RecentTick = { now, view, podsAgeMs };
      ticks = [...kept, tick];
      return tick;
    },
  };
}
