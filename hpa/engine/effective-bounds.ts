import { formatTime } from '../../core/model/condition.ts';
import type { TraceStep } from '../../core/model/decision.ts';
import { activeSchedules, rampSteps, type ActiveSchedule, type ScheduleState } from '../schedule/index.ts';
import type { ScalingSpec } from './spec.ts';

/** The bounds that hold now: those of the policy, moved by its schedules. `policy.min ≤ min ≤ max ≤ policy.max`. */
export interface EffectiveBounds {
  readonly min: number;
  readonly max: number;
  /** Name of the schedule that has raised the floor; `undefined`: minReplicas of the policy. */
  readonly minFrom?: string | undefined;
  /** Name of the schedule that has lowered the ceiling. */
  readonly maxFrom?: string | undefined;
  /** Of a policy with schedules. */
  readonly schedules?: ScheduleState | undefined;
}

/**
 * The highest floor and the lowest ceiling of all schedules that are active. A floor above a ceiling wins, since a floor stands for availability. Schedules narrow the
 * bounds of the policy and never widen them.
 */
export function effectiveBounds({ minReplicas, maxReplicas, schedules }: ScalingSpec, now: number): EffectiveBounds {
  if (schedules === undefined || schedules.length === 0) return { min: minReplicas, max: maxReplicas };
  const state = activeSchedules(schedules, now);
  let min = minReplicas;
  let max = maxReplicas;
  let minFrom: string | undefined;
  let maxFrom: string | undefined;
  for (const each of state.active) {
    const floor = Math.min(floorOf(each, minReplicas), maxReplicas);
    if (floor > min) [min, minFrom] = [floor, each.schedule.name];
    const ceiling = ceilingOf(each);
    if (ceiling !== undefined && ceiling < max) [max, maxFrom] = [ceiling, each.schedule.name];
  }
  if (max < min) [max, maxFrom] = [min, minFrom];
  return { min, max, minFrom, maxFrom, schedules: state };
}

/** On a ramp the floor has gone so many steps of the way from minReplicas; rounded up, since it stands for availability. */
function floorOf({ schedule, step }: ActiveSchedule, base: number): number {
  const { minReplicas = base } = schedule;
  return minReplicas <= base ? base : base + Math.ceil(((minReplicas - base) * step) / rampSteps);
}

/** A ceiling counts while the window is open, not on the ramps. */
function ceilingOf({ schedule, phase }: ActiveSchedule): number | undefined {
  return phase === 'open' ? schedule.maxReplicas : undefined;
}

/** `minReplicas 3`, or `minReplicas 10 (schedule office-hours)`. */
export function minText({ min, minFrom }: EffectiveBounds): string {
  return `minReplicas ${min}${minFrom === undefined ? '' : ` (schedule ${minFrom})`}`;
}

/** `maxReplicas 10`, or `maxReplicas 5 (schedule night)`. */
export function maxText({ max, maxFrom }: EffectiveBounds): string {
  return `maxReplicas ${max}${maxFrom === undefined ? '' : ` (schedule ${maxFrom})`}`;
}

/** What the schedules do now, for the trace; `[]` for a policy without any. */
export function scheduleSteps({ min, max, schedules }: EffectiveBounds, { minReplicas, maxReplicas }: ScalingSpec): TraceStep[] {
  if (schedules === undefined) return [];
  const changed = min !== minReplicas || max !== maxReplicas;
  return [
    {
      step: 'schedule',
      message: `${scheduleText(schedules)}: bounds ${min}…${max} ${changed ? `instead of ${minReplicas}…${maxReplicas}` : 'as in the policy'}`,
      values: {
        minReplicas: min,
        maxReplicas: max,
        policyMinReplicas: minReplicas,
        policyMaxReplicas: maxReplicas,
        active: schedules.active.map(({ schedule, phase }) => `${schedule.name} ${phase}`).join(', '),
        nextChangeAt: schedules.nextChangeAt ?? null,
      },
    },
  ];
}

/** `Schedule office-hours is open until 2026-01-05T16:00:00Z`; for the trace and the condition. */
export function scheduleText({ active, next }: ScheduleState): string {
  if (active.length > 0) return active.map(activeText).join(', ');
  if (next === undefined) return 'No schedule is active, and none opens any more';
  return `No schedule is active; ${next.name} opens at ${formatTime(next.opensAt)}`;
}

function activeText({ schedule, phase, step, until }: ActiveSchedule): string {
  const end = until === undefined ? '' : ` until ${formatTime(until)}`;
  switch (phase) {
    case 'open':
      return `Schedule ${schedule.name} is open${end}`;
    case 'rising':
      return `Schedule ${schedule.name} rises${end}, step ${step} of ${rampSteps}`;
    case 'falling':
      return `Schedule ${schedule.name} falls${end}, step ${step} of ${rampSteps}`;
  }
}
