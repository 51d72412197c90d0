/** The requests controller: VerticalPolicy, recommender, updater and admission webhook. */
export { verticalPolicyCheckpointCrd } from './checkpoint-crd.ts';
export { defaultEstimationConfig, defaultVpaConfig, type EstimationConfig, type VpaConfig } from './config.ts';
export { defaultContainerSizing } from './model.ts';
export { fromVpa, parseVerticalPolicy, recommendationOf } from './policy.ts';
export { createPolicyBook, type LivePolicyBook } from './policy-book.ts';
export { verticalPolicyCrd } from './policy-crd.ts';
export { verticalPolicySpec, verticalPolicyStatus } from './policy-schema.ts';
export { createRecommenderEngine } from './recommender/engine/recommender-engine.ts';
export type { RecommenderEngine } from './recommender/engine/types.ts';
export { createVpaController } from './controller/vpa-controller.ts';
export type { VpaController, VpaControllerOptions, VpaHistory, VpaReads } from './controller/ports.ts';
