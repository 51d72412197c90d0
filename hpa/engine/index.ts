/** The decision of the replicas controller, pure: `evaluate` before the write, `conclude` after it. */
export * from './model.ts';
export { completeBehavior } from './behavior.ts';
export { conclude } from './conclude.ts';
export type { Conclusion, WriteOutcome } from './conclude.ts';
export { evaluate, needsMetrics } from './evaluate.ts';
export type { Evaluation, EvaluationBranch } from './evaluate.ts';
export { concludeUnavailable, unableDecision } from './unavailable.ts';
export { effectiveBounds } from './effective-bounds.ts';
export type { EffectiveBounds } from './effective-bounds.ts';
export type { ActiveFallback, FallbackState } from './fallback.ts';
export { whatWouldChange } from './outlook.ts';
export type { MetricOutlook, Outlook, Turn } from './outlook.ts';
export { withOwnZero } from './zero.ts';
export { ownedPods } from './owned-pods.ts';
export type { ControllerOf, OwnedPod, PodSelection } from './owned-pods.ts';
