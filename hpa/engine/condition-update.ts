import { setCondition, type Condition, type ConditionUpdate } from '../../core/model/condition.ts';
import type { EvaluationInput } from './model.ts';

/** The list with one condition set, for the generation that was evaluated. */
export function withCondition(
  { generation, now }: Pick<EvaluationInput, 'generation' | 'now'>,
  conditions: readonly Condition[],
  update: ConditionUpdate,
): Condition[] {
  return setCondition(conditions, { ...update, ...(generation === undefined ? {} : { observedGeneration: generation }) }, now);
}
