import { rampSteps, type ActiveSchedule, type ScalingSchedule, type ScheduleState } from './model.ts';
import { windowsAround, type Windows } from './windows.ts';

interface Known {
  readonly from: number;
  readonly state: ScheduleState;
}

/** The state of a policy's schedules stays the same until the next change: looked up then, and at no evaluation between. A memo, as in cron.ts. */
const known = new WeakMap<readonly ScalingSchedule[], Known>();

/**
 * Which of the schedules have a say at an instant, and when that changes next. Depends on nothing but its arguments (and the zone data of the runtime).
 */
export function activeSchedules(schedules: readonly ScalingSchedule[], now: number): ScheduleState {
  const before = known.get(schedules);
  if (before !== undefined && before.from <= now && (before.state.nextChangeAt ?? Infinity) > now) return before.state;
  const state = stateOf(schedules, now);
  known.set(schedules, { from: now, state });
  return state;
}

function stateOf(schedules: readonly ScalingSchedule[], now: number): ScheduleState {
  const active: ActiveSchedule[] = [];
  const changes: number[] = [];
  let next: ScheduleState['next'];
  for (const schedule of schedules) {
    const windows = windowsAround(schedule, now);
    const part = partOf(schedule, windows, now);
    if (part.active !== undefined) active.push(part.active);
    if (part.changeAt !== undefined) changes.push(part.changeAt);
    const opensAt = windows.next?.opens;
    if (opensAt !== undefined && (next === undefined || opensAt < next.opensAt)) next = { name: schedule.name, opensAt };
  }
  return { active, nextChangeAt: changes.length === 0 ? undefined : Math.min(...changes), next };
}

interface Part {
  readonly active?: ActiveSchedule | undefined;
  readonly changeAt: number | undefined;
}

function partOf(schedule: ScalingSchedule, { last, next }: Windows, now: number): Part {
  if (last !== undefined && now < (last.closes ?? Infinity)) {
    return { active: { schedule, phase: 'open', step: rampSteps, until: last.closes }, changeAt: last.closes };
  }
  const falling = last?.closes === undefined ? idle : fall(schedule, last.closes, now);
  const rising = next === undefined ? idle : rise(schedule, next.opens, now);
  return { active: higher(falling.active, rising.active), changeAt: earlier(falling.changeAt, rising.changeAt) };
}

const idle: Part = { changeAt: undefined };

function higher(a: ActiveSchedule | undefined, b: ActiveSchedule | undefined): ActiveSchedule | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.step > a.step ? b : a;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** From the whole floor at the end of the window, one step less at a time. */
function fall(schedule: ScalingSchedule, closes: number, now: number): Part {
  const { rampMs } = schedule;
  if (now >= closes + rampMs) return idle;
  const done = Math.floor(((now - closes) * rampSteps) / rampMs);
  const active: ActiveSchedule = { schedule, phase: 'falling', step: rampSteps - done, until: closes + rampMs };
  return { active, changeAt: closes + stepEnd(rampMs, done) };
}

/** One step more at a time, so that the floor is whole when the window opens; the first raises nothing. */
function rise(schedule: ScalingSchedule, opens: number, now: number): Part {
  const { rampMs } = schedule;
  const begins = opens - rampMs;
  const done = now <= begins ? 0 : Math.floor(((now - begins) * rampSteps) / rampMs);
  const active: ActiveSchedule | undefined = done === 0 ? undefined : { schedule, phase: 'rising', step: done, until: opens };
  return { active, changeAt: begins + stepEnd(rampMs, done) };
}

/** When the step after so many begins: the first millisecond that counts as the next. */
function stepEnd(rampMs: number, done: number): number {
  return Math.ceil(((done + 1) * rampMs) / rampSteps);
}
