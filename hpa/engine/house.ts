import { checkCooldown, type ScalingHistory } from '../../core/model/cooldown.ts';
import type { Hold, TraceStep } from '../../core/model/decision.ts';
import type { MetricOutcome, MetricProposal } from './metric.ts';
import type { EngineConfig, ScalingSpec } from './model.ts';
import { capitalized, clockText, durationText, namesText } from './text.ts';

export interface HouseInput {
  readonly spec: ScalingSpec;
  readonly from: number;
  /** What upstream's rules have decided. */
  readonly to: number;
  /** The size was out of bounds and is corrected without metrics. */
  readonly forced: boolean;
  readonly conflict?: string | undefined;
  readonly outcomes: readonly MetricOutcome[];
  readonly history: ScalingHistory;
  readonly now: number;
  readonly config: EngineConfig;
}

export interface HouseVerdict {
  readonly to: number;
  readonly holds: readonly Hold[];
  readonly trace: readonly TraceStep[];
}

/**
 * The house rules on top of upstream's decision, in this order: two controllers do not fight; nothing shrinks on degraded data; cooldowns; mode. Any of them holds
 * the whole scaling. A correction up to minReplicas does not wait for the cooldown, since minReplicas is a floor for availability;
 * a correction down to maxReplicas does wait, like any shrink.
 */
export function applyHouseRules(input: HouseInput): HouseVerdict {
  const { from, to } = input;
  if (to === from) {
    const kept = keptByGaps(input);
    return { to, holds: kept?.hold === undefined ? [] : [kept.hold], trace: kept === undefined ? [] : [kept.step] };
  }
  const verdicts = [conflict(input), degradedData(input), cooldown(input), mode(input)].filter((verdict) => verdict !== undefined);
  const holds = verdicts.flatMap((verdict) => (verdict.hold === undefined ? [] : [verdict.hold]));
  return { to: holds.length > 0 ? from : to, holds, trace: verdicts.map((verdict) => verdict.step) };
}

interface Verdict {
  readonly hold?: Hold;
  readonly step: TraceStep;
}

function conflict({ conflict: message, from, to }: HouseInput): Verdict | undefined {
  if (message === undefined) return undefined;
  return { hold: { by: 'conflict', message }, step: { step: 'conflict', message, values: { from, asked: to, held: true } } };
}

function degradedData({ from, to, outcomes, config }: HouseInput): Verdict | undefined {
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
function keptByGaps({ from, outcomes }: HouseInput): Verdict | undefined {
  const kept = outcomes.find((outcome) => outcome.ok && outcome.keptByGaps);
  if (kept?.groups === undefined) return undefined;
  const { missing, readyCount, unready } = kept.groups;
  const message = `Not shrinking: ${missing.length} of ${readyCount + unready.length + missing.length} pods have no sample (${namesText(missing)}) and count as fully used`;
  return { hold: { by: 'missing-data', message }, step: { step: 'missing-data', message, values: { from, asked: from, held: true } } };
}

function cooldown({ spec, from, to, forced, history, now }: HouseInput): Verdict | undefined {
  const direction = to > from ? 'up' : 'down';
  const length = direction === 'up' ? spec.cooldown.scaleUpMs : spec.cooldown.scaleDownMs;
  if (length <= 0) return undefined;
  const verdict = checkCooldown(spec.cooldown, history, direction, now);
  const values = {
    direction,
    cooldownSeconds: length / 1000,
    since: verdict.allowed ? null : verdict.since,
    until: verdict.allowed ? null : verdict.until,
  };
  if (verdict.allowed) {
    const last = direction === 'up' ? 'scale-up' : 'scaling';
    return {
      step: {
        step: 'cooldown',
        message: `No ${last} in the last ${durationText(length)}: scaling ${direction} is allowed`,
        values: { ...values, held: false },
      },
    };
  }
  if (forced && direction === 'up') {
    const message = `Scaled at ${clockText(verdict.since)}, but a correction up to minReplicas does not wait for the cooldown`;
    return { step: { step: 'cooldown', message, values: { ...values, held: false } } };
  }
  const message = capitalized(
    `scale-${direction} from ${from} to ${to} waits until ${clockText(verdict.until)}: last ${direction === 'up' ? 'scale-up' : 'scaling'} at ${clockText(verdict.since)}, cooldown ${durationText(length)}`,
  );
  return {
    hold: { by: 'cooldown', until: verdict.until, message },
    step: { step: 'cooldown', message, values: { ...values, held: true } },
  };
}

function mode({ spec, from, to }: HouseInput): Verdict | undefined {
  if (spec.mode === 'Auto') return undefined;
  const by = spec.mode === 'DryRun' ? 'dry-run' : 'paused';
  const message =
    by === 'dry-run'
      ? `Dry run: would set ${to} instead of ${from}; set spec.mode to Auto to act`
      : `Paused: ${to} instead of ${from} would be set; set spec.mode to Auto to resume`;
  return { hold: { by, message }, step: { step: 'mode', message, values: { mode: spec.mode, from, asked: to, held: true } } };
}
