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
export { createFileBlockCache, createMemoryBlockCache, type HistoryClient } from './recommender/history/index.ts';
export {
  projectTargetWorkload,
  unreadTargetFields,
  wellKnownKinds,
  type TargetWorkload,
  type WellKnownKind,
  type WorkloadSources,
} from './targets/index.ts';
export { createAdmission, createPodPatcher, defaultAdmissionConfig, removeRegistration, type Admission } from './admission/index.ts';
export type { AdmissionConfig } from './admission/index.ts';
export { allVpaGates, upstreamVpaGates, validateVpa } from './policy-validation.ts';
export { evictionOoms } from './recommender/engine/observers.ts';
export { recommendRequests, requestsOutlook } from './controller/recommend.ts';
export type {
  ApplyBlock,
  ApplyFacts,
  CheckpointFacts,
  DataFacts,
  EvaluatedRequests,
  HorizontalFacts,
  PodGroupAdaptation,
  RecommendationDifference,
  RequestsInput,
  RequestsOutlook,
  RequestsRecommendation,
  ResourceTotal,
  TargetFacts,
} from './controller/recommend.ts';
export type { Recommendation as SizingRecommendation } from './model.ts';
