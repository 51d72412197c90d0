/** The replicas controller: HorizontalPolicy, its decision engine and its control loop. */
export { defaultEngineConfig, defaultHpaConfig } from './config.ts';
export type { HpaConfig } from './config.ts';
export { foreignClaims } from './controller/claims.ts';
export { createHpaController } from './controller/controller.ts';
export type { HpaController } from './controller/controller.ts';
export { createScaleAccess } from './controller/scale-access.ts';
export type { ScaleAccess, ScaleRead } from './controller/scale-access.ts';
export { hpaPod } from './controller/pods.ts';
export { scaleIntent } from './controller/scale-intent.ts';
export { newestShape } from './controller/template-shape.ts';
export { metricQueries } from './controller/queries.ts';
export type { EventSink, HpaControllerOptions, PodLister, PolicyChange, PolicySource } from './controller/ports.ts';
export { recommend, scaleOfWorkload } from './controller/recommend.ts';
export type { Recommendation, RecommendInput } from './controller/recommend.ts';
export type { ScaleFacts } from './controller/assemble.ts';
export { conclude, effectiveBounds, emptyState, evaluate, needsMetrics, ownedPods, whatWouldChange } from './engine/index.ts';
export type {
  Conclusion,
  ControllerOf,
  EffectiveBounds,
  EngineConfig,
  Evaluation,
  EvaluationInput,
  EventNote,
  HpaPod,
  HpaState,
  MetricResult,
  MetricSpec,
  Outlook,
  PodSelection,
  ScalingSpec,
} from './engine/index.ts';
export { problemsText } from '../core/model/schema-problems.ts';
export { annotationRevision, failingMetrics, fromHpa, historyOf, parsePolicy, previousStatus, restoredState } from './policy.ts';
export type { PolicyResult, ScalingPolicy } from './policy.ts';
export type { PolicyProblem } from './policy-problems.ts';
export { horizontalPolicyCrd } from './policy-crd.ts';
export { horizontalPolicySpec, horizontalPolicyStatus } from './policy-schema.ts';
export type { HorizontalPolicySpec, HorizontalPolicyStatus } from './policy-schema.ts';
