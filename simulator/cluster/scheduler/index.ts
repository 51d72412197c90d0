export { type SchedulerInput, type SchedulerOptions, startScheduler } from './scheduler.ts';
