import type { houseEngine } from '../../cluster-autoscaler/index.ts';

/** The words of the node controller's loop, as its public door has them. */
export type Loop = (typeof houseEngine)['run'];
export type LoopInput = Parameters<Loop>[0];
export type LoopState = Parameters<Loop>[1];
export type LoopOptions = Parameters<Loop>[2];
export type LoopReport = (ReturnType<Loop> extends Generator<unknown, infer Result> ? Result : never)['report'];
export type Effect = Exclude<ReturnType<Loop> extends Generator<infer Step> ? Step : never, { readonly type: 'pause' }>;
export type EffectResult = Parameters<ReturnType<Loop>['next']> extends readonly [] | readonly [infer Answer] ? Answer : never;
export type PlannedDeletion = Extract<Effect, { type: 'start-deletion' }>['nodes'][number];
export type GroupOptions = LoopInput['groups'][number]['options'];
export type DeletionProgress = LoopInput['deletions'];

export const granted: EffectResult = { ok: true };

/** A refusal of the cloud in its own words. */
export function refused(message: string): EffectResult {
  return { ok: false, failure: { class: 'other', code: 'cloudProviderError', message } };
}
