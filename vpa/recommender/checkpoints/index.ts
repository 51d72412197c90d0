/** State of the recommender that outlives the process. */
export { createCheckpointStore } from './checkpoint-store.ts';
export type { CheckpointStore, CheckpointStoreOptions, CheckpointTotals } from './checkpoint-store.ts';
export type { CheckpointPolicy } from './checkpoint-memory.ts';
export { createCheckpointPort, type CheckpointPortOptions } from './checkpoint-port.ts';
export { isCheckpointKind, type CheckpointKind } from './checkpoint-object.ts';
export type { GarbageReport } from './checkpoint-garbage.ts';
export type { LoadReport } from './checkpoint-loader.ts';
export type { PassOptions, PassReport } from './checkpoint-pass.ts';
