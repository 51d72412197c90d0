/**
 * Many policies at once. `decideTick` goes over shared columns of pods and usage and tells the few policies that the engine has to evaluate from those of which
 * nothing changes; the decision of the latter is made by the engine only when somebody reads it (`quiet`, `evaluateQuiet`).
 */
export { createBatch } from './batch.ts';
export type { BatchOptions } from './batch.ts';
export type { FullReason, MetricTally } from './judgement.ts';
export type { Batch, BatchFacts, BatchTick, FullPolicy, NotedEvaluation, QuietFacts, TickReport } from './ports.ts';
export { evaluateQuiet } from './quiet-evaluation.ts';
export type { PodChange, PodSource } from './target-groups.ts';
export type { UsageColumns } from './usage-columns.ts';
