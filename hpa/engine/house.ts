import type { Hold } from '../../core/model/decision.ts';
import { cooldownRule, type CooldownInput } from './cooldown-rule.ts';
import { verdictOf, type HouseRule, type HouseVerdict } from './house-rule.ts';
import type { MetricOutcome, MetricProposal } from './metric.ts';
import type { EngineConfig } from './model.ts';
import { clockText, namesText } from './text.ts';

export interface HouseInput extends CooldownInput {
  readonly conflict?: string | undefined;
  readonly outcomes: readonly MetricOutcome[];
  readonly config: EngineConfig;
}

/**
 * The house rules on top of upstream's decision, in this order: two controllers do not fight; nothing shrinks on degraded data; cooldowns; pause; mode. Any of them
 * holds the whole scaling. What stands for availability does not wait for the cooldown: a correction up to minReplicas, also one that a schedule has raised, and
 * waking from 0. A correction down to maxReplicas does wait, like any shrink.
 */
export function applyHouseRules(input: HouseInput): HouseVerdict {
  const { from, to } = input;
  if (to === from) {
    const kept = keptByGaps(input);
    return { to, holds: kept?.hold === undefined ? [] : [kept.hold], trace: kept === undefined ? [] : [kept.step] };
  }
  return verdictOf(input, [conflict(input), degradedData(input), cooldownRule(input), pause(input), mode(input)]);
}

function conflict({ conflict: message, from, to }: Pick<HouseInput, 'conflict' | 'from' | 'to'>): HouseRule | undefined {
  if (message === undefined) return undefined;
  return { hold: { by: 'conflict', message }, step: { step: 'conflict', message, values: { from, asked: to, held: true } } };
}

function degradedData({ from, to, outcomes, config }: HouseInput): HouseRule | undefined {
  if (to > from) return undefined;
  for (const outcome of outcomes) {
    if (!outcome.ok) continue;
    const hold = degradedHold(outcome, config);
    if (hold !== undefined) return { hold, step: { step: 'missing-data', message: hold.message, values: { from, asked: to, held: true } } };
  }
  return undefined;
}

function degradedHold({ degraded, groups, observed }: MetricProposal, config: EngineConfig): Hold | undefined {
  if (degraded !== undefined) {
    const since = degraded.since === undefined ? '' : ` since ${clockText(degraded.since)}`;
    return { by: 'missing-data', message: `Not shrinking on incomplete data (${degraded.reason}${since}): ${degraded.detail}` };
  }
  if (groups === undefined) return undefined;
  const counted = groups.readyCount + groups.unready.length + groups.missing.length;
  if (groups.missing.length <= counted * config.missingShareFreeze) return undefined;
  const pods = namesText(groups.missing);
  return {
    by: 'missing-data',
    message: `Not shrinking: ${groups.missing.length} of ${counted} pods have no sample (${pods}), so "${observed}" says too little`,
  };
}

/** Upstream's own caution, made visible: nothing changes because too little is known, not because the load is right. */
function keptByGaps({ from, outcomes }: HouseInput): HouseRule | undefined {
  const kept = outcomes.find((outcome) => outcome.ok && outcome.keptByGaps);
  if (kept?.groups === undefined) return undefined;
  const { missing, readyCount, unready } = kept.groups;
  const message = `Not shrinking: ${missing.length} of ${readyCount + unready.length + missing.length} pods have no sample (${namesText(missing)}) and count as fully used`;
  return { hold: { by: 'missing-data', message }, step: { step: 'missing-data', message, values: { from, asked: from, held: true } } };
}

function pause({ spec, from, to }: HouseInput): HouseRule | undefined {
  const request = spec.pause;
  const direction = to > from ? 'out' : 'in';
  if (request === undefined || !(direction === 'in' ? request.scaleIn : request.scaleOut)) return undefined;
  const message = `Scale-${direction} is paused by ${request.annotation}: ${to} instead of ${from} would be set; remove the annotation to resume`;
  return {
    hold: { by: 'paused', message },
    step: { step: 'paused', message, values: { annotation: request.annotation, from, asked: to, held: true } },
  };
}

/** A size that somebody has asked for by annotation waits for nothing but another controller and the mode. */
export function applyParkingRules(input: Pick<HouseInput, 'spec' | 'from' | 'to' | 'conflict'>): HouseVerdict {
  const { from, to } = input;
  if (to === from) return { to, holds: [], trace: [] };
  return verdictOf(input, [conflict(input), mode(input)]);
}

function mode({ spec, from, to }: Pick<HouseInput, 'spec' | 'from' | 'to'>): HouseRule | undefined {
  if (spec.mode === 'Auto') return undefined;
  const by = spec.mode === 'DryRun' ? 'dry-run' : 'paused';
  const message =
    by === 'dry-run'
      ? `Dry run: would set ${to} instead of ${from}; set spec.mode to Auto to act`
      : `Paused: ${to} instead of ${from} would be set; set spec.mode to Auto to resume`;
  return { hold: { by, message }, step: { step: 'mode', message, values: { mode: spec.mode, from, asked: to, held: true } } };
}
