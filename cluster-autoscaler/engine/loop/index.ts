/** The loop of the node controller, pure (§3): `runLoop` yields what is to be done and is told how it went. */
export type * from './model.ts';
export { parseDrainPriorities, parseGpuLimit } from './flag-values.ts';
export { defaultGroupOptions, defaultLoopOptions, upstreamActuationOptions, upstreamGroupOptions, upstreamLoopOptions } from './options.ts';
export type { ActuationOptions } from './options.ts';
export { exportLoopState, importLoopState } from './persistence.ts';
export type { ImportResult, SavedLoopState } from './persistence.ts';
export { driveLoop, runLoop } from './run-loop.ts';
export type { DriveOptions } from './run-loop.ts';
export { emptyLoopState } from './state.ts';
export { upstreamOptions } from './upstream-flags.ts';
export type { UpstreamOptions } from './upstream-flags.ts';
