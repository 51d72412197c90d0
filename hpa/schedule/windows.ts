import { cronAround, nominalTime } from './cron.ts';
import type { ScalingSchedule } from './model.ts';

/** `[opens, closes)`, epoch milliseconds. */
export interface ScheduleWindow {
  readonly opens: number;
  /** `undefined`: never. */
  readonly closes: number | undefined;
}

/** The window that opened last, and the one that opens next. */
export interface Windows {
  readonly last: ScheduleWindow | undefined;
  readonly next: ScheduleWindow | undefined;
}

/** The windows of a schedule around an instant. */
export function windowsAround(schedule: ScalingSchedule, now: number): Windows {
  const { last, next } = cronAround(schedule.start, schedule.timeZone, now);
  return { last: last === undefined ? undefined : windowFrom(schedule, last), next: nextWindow(schedule, next) };
}

/** Windows that a change of the clocks has swallowed come one a year: one more look is enough. */
function nextWindow(schedule: ScalingSchedule, start: number | undefined): ScheduleWindow | undefined {
  if (start === undefined) return undefined;
  const found = windowFrom(schedule, start);
  if (found !== undefined) return found;
  const after = cronAround(schedule.start, schedule.timeZone, start).next;
  return after === undefined ? undefined : windowFrom(schedule, after);
}

/**
 * The window that opens at a time of `start`; `undefined` when it closes in the same instant. Beginning and end in one instant mean two things: by the clock the end
 * comes later and a gap has moved both together (a window from 2:15 to 2:45 in an hour that is left out), then there is none; or both mean the same time (start
 * on Mondays at 0:00, end every day at 0:00), then the beginning counts.
 */
function windowFrom({ start, end, timeZone }: ScalingSchedule, opens: number): ScheduleWindow | undefined {
  const { last, next } = cronAround(end, timeZone, opens);
  if (last === opens) {
    const begins = nominalTime(start, timeZone, opens);
    const ends = nominalTime(end, timeZone, opens);
    if (begins !== undefined && ends !== undefined && begins < ends) return undefined;
  }
  return { opens, closes: next };
}
