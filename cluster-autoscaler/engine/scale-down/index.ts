/** Scale-down: which nodes are not needed, which of them go now, and why the others stay (§13 to §15). */
export { devicesByNode } from './device-utilization.ts';
export { drainOf } from './drain.ts';
export type { Blocker, NodeDrain } from './drain.ts';
export { isBeingDeleted } from './eligibility.ts';
export type {
  DeviceSlice,
  GroupTimes,
  HeldDevice,
  NodeDevices,
  RememberedFailure,
  RemovalHints,
  ScaleDownInput,
  ScaleDownOptions,
  ScaleDownPass,
  ScaleDownResult,
  ScaleDownState,
  SoftTaints,
} from './model.ts';
export { candidateTaint, daemonEvictionAnnotation, deletionTaint, safeToEvictAnnotation, scaleDownDisabledAnnotation } from './names.ts';
export type { PassOptions } from './pass.ts';
export { createScaleDownPass } from './pass.ts';
export { recheckNode } from './recheck.ts';
export type { RecheckInput, RecheckResult } from './recheck.ts';
export { emptyScaleDownState, forgetUnneeded, noteDeletionFailed, noteDeletionStarted, noteScaleUp } from './state.ts';
export { taintTime } from './taint-time.ts';
