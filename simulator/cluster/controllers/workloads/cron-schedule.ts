import { Cron } from 'croner';

/** The instants of a CronJob's schedule, epoch milliseconds. */
export interface CronSchedule {
  /** The first one after the instant; undefined when there is none. */
  next(after: number): number | undefined;
  /** The last one after `from` and not after `to`; undefined when there is none. */
  lastBetween(from: number, to: number): number | undefined;
}

/** A text says why it can't be read. Five fields, or a name such as `@hourly`; `@every` is not served. */
export function parseSchedule(schedule: string, timeZone: string): CronSchedule | string {
  let cron: Cron;
  try {
    cron = new Cron(schedule, { timezone: timeZone });
    cron.nextRun(new Date(0));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    lastBetween: (from, to) => {
      // Strictly before, from whole seconds: the next second's predecessor may be now.
      const last = cron.previousRuns(1, new Date(Math.floor(to / 1000) * 1000 + 1000))[0]?.getTime();
      return last !== undefined && last > from && last <= to ? last : undefined;
    },
  };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
