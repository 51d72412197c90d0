import { valueText } from '../../../core/model/amount-text.ts';
import { leftText } from './time-text.ts';
import type { RecommendationItem } from './recommendation-report.ts';

/** What a pipeline may be made to fail on. */
export const failConditions = ['held', 'change', 'missing-data'] as const;

export type FailCondition = (typeof failConditions)[number];

export interface FailOn {
  readonly conditions: readonly FailCondition[];
  readonly failed: boolean;
  readonly reasons: readonly { readonly condition: FailCondition; readonly policy: string; readonly message: string }[];
}

/** Reads `held,change`; the word that is none of them when there is one. */
export function readFailConditions(text: string): readonly FailCondition[] | { readonly wrong: string } {
  const words = text.split(',').map((word) => word.trim());
  const wrong = words.find((word) => !isCondition(word));
  return wrong === undefined ? failConditions.filter((condition) => words.includes(condition)) : { wrong };
}

function isCondition(word: string): word is FailCondition {
  return failConditions.some((condition) => condition === word);
}

/** Which policies meet which condition. */
export function failOn(conditions: readonly FailCondition[], items: readonly RecommendationItem[]): FailOn {
  const reasons = conditions.flatMap((condition) =>
    items.flatMap((item) => {
      const message = messageFor(condition, item);
      return message === undefined ? [] : [{ condition, policy: nameOf(item), message }];
    }),
  );
  return { conditions, failed: reasons.length > 0, reasons };
}

/** One sentence for each condition that was met. */
export function failSentences({ conditions, reasons }: FailOn): string[] {
  return conditions.flatMap((condition) => {
    const met = reasons.filter((each) => each.condition === condition);
    const [first] = met;
    if (first === undefined) return [];
    const more = met.length === 1 ? '' : `, and ${met.length - 1} more`;
    return [`--fail-on ${condition}: ${first.policy} ${first.message}${more}`];
  });
}

function nameOf({ subject }: RecommendationItem): string {
  return `${subject.kind} ${subject.namespace ?? ''}/${subject.name}`;
}

function messageFor(condition: FailCondition, item: RecommendationItem): string | undefined {
  switch (condition) {
    case 'held':
      return heldMessage(item);
    case 'change':
      return changeMessage(item);
    case 'missing-data':
      return missingMessage(item);
  }
}

function changeMessage({ from, to, dimension, vertical }: RecommendationItem): string | undefined {
  if (to === from) return undefined;
  if (vertical === null) return `would go from ${from} to ${to} ${dimension ?? 'replicas'}`;
  const before = vertical.requested ? valueText(dimension, from) : 'none';
  return `would set the ${vertical.resource} request of container ${vertical.container} from ${before} to ${valueText(dimension, to)}`;
}

function heldMessage({ heldBy, at }: RecommendationItem): string | undefined {
  if (heldBy.length === 0) return undefined;
  const parts = heldBy.map(({ by, until }) => (until === null ? by : `${by} (${leftText(until, at)})`));
  return `is held by ${parts.join(' and ')}`;
}

/** Also where something else stands in for what is missing, or where it holds nothing at the moment. */
function missingMessage({ metrics, heldBy }: RecommendationItem): string | undefined {
  const failed = metrics.find(({ failure }) => failure !== null);
  if (failed !== undefined) return `lacks ${failed.name}: ${failed.failure?.message ?? ''}`;
  const doubted = metrics.find(({ doubt }) => doubt !== null);
  if (doubted !== undefined) return `knows ${doubted.name} in part only: ${doubted.doubt?.detail ?? ''}`;
  const hold = heldBy.find(({ by }) => by === 'missing-data');
  return hold === undefined ? undefined : `is held by missing data: ${hold.message}`;
}
