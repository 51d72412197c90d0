import type { CooldownPolicy } from '../../core/model/cooldown.ts';
import type { Hold } from '../../core/model/decision.ts';
import { clockText, durationText, replicasText } from './text.ts';

export interface DecisionFacts {
  readonly from: number;
  readonly to: number;
  /** `cpu 186 % of request, target 80 %`, or why no metric decided. */
  readonly cause: string;
  /** `7 = ceil(3 × 186 / 80)`. */
  readonly formula?: string | undefined;
  readonly holds: readonly Hold[];
  /** Failed metrics beside one that works. */
  readonly failures?: string | undefined;
  /** That a scaling begins; `undefined`: it begins none. */
  readonly cooldown: CooldownPolicy | undefined;
  /** The target has 0 replicas and can wake by itself. */
  readonly asleep?: boolean | undefined;
  readonly now: number;
}

/** The decision in one sentence: what happens, why, what held it and what comes next. */
export function decisionSentence({ from, to, cause, formula, holds, failures, cooldown, asleep, now }: DecisionFacts): string {
  const stays = `stays ${asleep === true ? 'asleep ' : ''}at ${replicasText(from)}`;
  const head = from === to ? stays : `${from} → ${replicasText(to)}`;
  const parts = [`${head}: ${cause}${formula === undefined ? '' : ` (${formula})`}`];
  for (const hold of holds) parts.push(lowered(hold.message));
  if (failures !== undefined) parts.push(`but ${failures}`);
  const next = nextStep({ from, to, cooldown, now });
  if (next !== undefined) parts.push(next);
  return parts.join('; ');
}

/** Sentences begin with a capital, parts of one do not; names of kinds and fields keep theirs. */
function lowered(message: string): string {
  return /^[A-Z][a-z]+[ :-]/.test(message) ? message.slice(0, 1).toLowerCase() + message.slice(1) : message;
}

function nextStep({ from, to, cooldown, now }: Pick<DecisionFacts, 'from' | 'to' | 'cooldown' | 'now'>): string | undefined {
  if (cooldown === undefined) return undefined;
  if (to > from && cooldown.scaleUpMs > 0) {
    return `next scale-up not before ${clockText(now + cooldown.scaleUpMs)} (cooldown ${durationText(cooldown.scaleUpMs)})`;
  }
  if (to < from && cooldown.scaleDownMs > 0) {
    return `next scale-down not before ${clockText(now + cooldown.scaleDownMs)} (cooldown ${durationText(cooldown.scaleDownMs)})`;
  }
  return undefined;
}

const holdReasonNames: Readonly<Record<Hold['by'], string>> = {
  cooldown: 'CoolingDown',
  stabilization: 'Stabilized',
  'rate-limit': 'RateLimited',
  bounds: 'OutOfBounds',
  'disruption-budget': 'DisruptionBudget',
  'missing-data': 'MissingData',
  conflict: 'Conflict',
  'dry-run': 'DryRun',
  paused: 'Paused',
  'invalid-policy': 'InvalidPolicy',
  'target-unavailable': 'TargetUnavailable',
  'not-leader': 'NotLeader',
};

/** CamelCase name of a hold, as it stands in `reason` fields. */
export function holdReasonName(by: Hold['by']): string {
  return holdReasonNames[by];
}

/** The stable reason of a decision whose metrics were read: the last house hold, else what upstream says of the result. */
export function decisionReason(facts: {
  readonly from: number;
  readonly to: number;
  readonly wanted: number;
  readonly houseHolds: readonly Hold[];
  readonly stabilizedReason: string | undefined;
  readonly limitReason: string | undefined;
}): string {
  const last = facts.houseHolds.at(-1);
  if (last !== undefined) return holdReasonName(last.by);
  if (facts.to > facts.from) return facts.limitReason ?? 'AboveTarget';
  if (facts.to < facts.from) return facts.limitReason ?? 'BelowTarget';
  if (facts.wanted === facts.from) return 'WithinTarget';
  return facts.limitReason ?? facts.stabilizedReason ?? 'WithinTarget';
}
