/** The updater: finds running pods that differ from their recommendation, and resizes or evicts them. */
export { podAdaptation } from './controller/adaptation.ts';
export type { AdaptationInput, Health, PodAdaptation, ResizeOperations, Updater, UpdaterOptions, UpdaterView } from './controller/ports.ts';
export { resizedAtAnnotation } from './controller/surge.ts';
export { createUpdater } from './controller/updater.ts';
export { noLoop, planUpdates } from './engine/index.ts';
export type { PodSkip, UpdateAction, UpdateInput, UpdateMethod, UpdatePlan } from './engine/index.ts';
