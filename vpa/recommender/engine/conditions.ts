import { removeCondition, setCondition, type Condition, type ConditionUpdate } from '../../../core/model/condition.ts';
import type { Recommendation } from '../../model.ts';

/** Types that the recommender sets or removes; all others are left to whoever set them. */
export const conditionTypes = {
  provided: 'RecommendationProvided',
  noPods: 'NoPodsMatched',
  unsupported: 'ConfigUnsupported',
  /** Only ever removed. */
  deprecated: 'ConfigDeprecated',
  /** Never set, but who has it is not checkpointed. */
  fetchingHistory: 'FetchingHistory',
} as const;

export const noPodsMatched = 'NoPodsMatched';
export const noPodsMessage = 'No pods match this VPA object';

export interface ConditionFacts {
  /** As stored. */
  readonly conditions: readonly Condition[];
  readonly generation: number | undefined;
  /** Without containers: there is none. `undefined`: not known now, what was said of it stays. */
  readonly recommendation: Recommendation | undefined;
  /** Pods of whatever phase. `undefined`: not known now. */
  readonly podCount: number | undefined;
  /** Why the object cannot be carried out; `null`: it can; `undefined`: not known now. */
  readonly unsupported: string | null | undefined;
  readonly now: number;
}

/**
 * Conditions after a pass (spec §3.8), sorted by type. `lastTransitionTime` moves with `status` only; what is set carries the generation; types that are not
 * the recommender's stay as they are.
 */
export function nextConditions(facts: ConditionFacts): Condition[] {
  const { generation, now, podCount, recommendation, unsupported } = facts;
  const set = (list: readonly Condition[], update: ConditionUpdate): Condition[] =>
    setCondition(list, { ...update, ...(generation === undefined ? {} : { observedGeneration: generation }) }, now);
  let list = removeCondition(facts.conditions, conditionTypes.deprecated);
  if (unsupported === null) list = removeCondition(list, conditionTypes.unsupported);
  else if (unsupported !== undefined)
    list = set(list, { type: conditionTypes.unsupported, status: 'True', reason: '', message: unsupported });
  const none = { reason: noPodsMatched, message: noPodsMessage };
  if (podCount === 0) list = set(list, { type: conditionTypes.noPods, status: 'True', ...none });
  else if (podCount !== undefined) list = removeCondition(list, conditionTypes.noPods);
  if (recommendation !== undefined) {
    const provided = recommendation.containers.length > 0;
    const why = !provided && podCount === 0 ? none : { reason: '', message: '' };
    list = set(list, { type: conditionTypes.provided, status: provided ? 'True' : 'False', ...why });
  }
  return list.toSorted((a, b) => (a.type < b.type ? -1 : Number(a.type > b.type)));
}
