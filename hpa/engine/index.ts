/** The decision of the replicas controller, pure: `evaluate` before the write, `conclude` after it. */
export * from './model.ts';
export { completeBehavior } from './behavior.ts';
export { conclude } from './conclude.ts';
export type { Conclusion, WriteOutcome } from './conclude.ts';
export { evaluate, needsMetrics } from './evaluate.ts';
export type { Evaluation, EvaluationBranch } from './evaluate.ts';
export { concludeUnavailable, unableDecision } from './unavailable.ts';
