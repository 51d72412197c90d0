/**
 * Many policies at once. `decideTick` goes over shared columns of pods and usage and tells the few policies that the engine has to evaluate from those of which
 * nothing changes; the decision of the latter is made by the engine only when somebody reads it (`quiet`, `evaluateQuiet`).
 *
 * A policy is *full*, and left to the engine, on any doubt: it was not evaluated since its facts changed (spec, size, history, rivals), its last evaluation was not one
 * by metrics without write, failure and doubt, or did not come to what was foreseen here; a metric fails, is of a kind that is not in columns, or its data may be good
 * for growth only; its pods cannot be told or are shared; it is out of bounds, at zero or paused by annotation; a number is not exact in a double; or it is to be
 * scaled (`acts`). Otherwise its target stays: it is *steady* when the wish, the metric that asks for it, what stabilization, limits, cooldowns and schedules make of it,
 * and the ends of all holds are what was said last, and *news* when one of these is another. The wish of both is recorded as the engine records it.
 */
export { createBatch } from './batch.ts';
export type { BatchOptions } from './batch.ts';
export type { FullReason, MetricTally } from './judgement.ts';
export type { Batch, BatchFacts, BatchTick, FullPolicy, NotedEvaluation, QuietFacts, TickReport } from './ports.ts';
export { evaluateQuiet } from './quiet-evaluation.ts';
export type { PodChange, PodSource } from './target-groups.ts';
