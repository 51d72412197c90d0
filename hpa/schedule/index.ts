/** Cron windows with their own bounds: pure arithmetic of instants, zones and cron expressions. */
export { activeSchedules } from './active-schedules.ts';
export { cronPattern, cronProblem, isTimeZone, timeZonePattern } from './cron.ts';
export { rampSteps } from './model.ts';
export type { ActiveSchedule, ScalingSchedule, ScheduleState } from './model.ts';
