import { formatTime } from '../../../core/model/condition.ts';
import { checkCooldown, type ScalingDirection } from '../../../core/model/cooldown.ts';
import type { Hold, HoldReason } from '../../../core/model/decision.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { Evaluated, MetricReading } from './explain-sources.ts';
import type { RuleStep } from './explanation.ts';
import { isoTime, leftText, remainingSeconds } from './time-text.ts';

/** What the house's own rules say, each of them, also where it holds nothing. */
export function explainRules(evaluated: Evaluated): RuleStep[] {
  return [
    conflictRule(evaluated),
    missingDataRule(evaluated),
    cooldownStep(evaluated, 'up'),
    cooldownStep(evaluated, 'down'),
    pauseRule(evaluated),
    modeRule(evaluated),
    fallbackRule(evaluated),
  ];
}

function holdBy({ evaluation }: Evaluated, ...reasons: readonly HoldReason[]): Hold | undefined {
  return evaluation.decision.holds.find(({ by }) => reasons.includes(by));
}

function rule(name: RuleStep['rule'], hold: Hold | undefined, otherwise: string, now: number): RuleStep {
  return {
    rule: name,
    held: hold !== undefined,
    until: isoTime(hold?.until),
    remainingSeconds: remainingSeconds(hold?.until, now),
    message: hold?.message ?? otherwise,
  };
}

function conflictRule(evaluated: Evaluated): RuleStep {
  const { spec, conflict, now } = evaluated.input;
  const idle = spec.mode === 'Auto' ? 'nobody else scales the target' : `not looked at, since mode is ${spec.mode}`;
  return rule('conflict', holdBy(evaluated, 'conflict'), conflict === undefined ? idle : `would hold a change: ${conflict}`, now);
}

function missingDataRule(evaluated: Evaluated): RuleStep {
  const { metrics, input } = evaluated;
  const failed = metrics.filter(({ outcome, fallback }) => outcome?.ok === false && fallback === undefined).map(({ name }) => name);
  const doubts = metrics.flatMap((metric) => doubtOf(metric) ?? []);
  const gaps = metrics.flatMap((metric) => gapOf(metric, input.config.missingShareFreeze) ?? []);
  const holding = [
    ...doubts,
    ...gaps.filter(({ tooMany }) => tooMany).map(({ text }) => text),
    ...(failed.length === 0 ? [] : [`${failed.join(', ')} unknown`]),
  ];
  const hold = holdBy(evaluated, 'missing-data');
  if (holding.length > 0) return rule('missing-data', hold, `would hold a shrink (${holding.join('; ')})`, input.now);
  if (gaps.length > 0) return rule('missing-data', hold, `${gaps.map(({ text }) => text).join('; ')}, too few to hold a shrink`, input.now);
  const stoodIn = metrics.filter(({ fallback }) => fallback !== undefined).map(({ name }) => name);
  const read = metrics.some(({ outcome }) => outcome !== undefined);
  const idle =
    stoodIn.length > 0 ? `${stoodIn.join(', ')} unknown, its fallback stands in` : read ? 'all data are whole' : 'metrics are not read';
  return rule('missing-data', hold, idle, input.now);
}

function doubtOf({ name, outcome }: MetricReading): string | undefined {
  return outcome?.ok === true && outcome.degraded !== undefined ? `${name}: ${outcome.degraded.detail}` : undefined;
}

/** Pods without a sample, and whether they are so many that the others do not speak for them. */
function gapOf({ name, outcome }: MetricReading, share: number): { readonly text: string; readonly tooMany: boolean } | undefined {
  const groups = outcome?.ok === true ? outcome.groups : undefined;
  if (groups === undefined || groups.missing.length === 0) return undefined;
  const missing = groups.missing.length;
  const counted = groups.readyCount + groups.unready.length + missing;
  return { text: `${name}: ${missing} of ${counted} pods have no sample`, tooMany: missing > counted * share };
}

function cooldownStep(evaluated: Evaluated, direction: ScalingDirection): RuleStep {
  const { input, evaluation } = evaluated;
  const { spec, history, now } = input;
  const name = `cooldown-${direction}` as const;
  const length = direction === 'up' ? spec.cooldown.scaleUpMs : spec.cooldown.scaleDownMs;
  if (length <= 0) return rule(name, undefined, 'off', now);
  const verdict = checkCooldown(spec.cooldown, history, direction, now);
  const step = evaluation.decision.trace.find((each) => each.step === 'cooldown' && each.values['direction'] === direction);
  const counted = direction === 'up' ? 'scale-up' : 'scaling';
  if (verdict.allowed) return rule(name, undefined, `allowed: no ${counted} in the last ${humanDuration(length)}`, now);
  const { since, until } = verdict;
  const holds = step?.values['held'] === true;
  const last = `the last ${counted} was at ${formatTime(since)}, cooldown ${humanDuration(length)}`;
  // A step that holds nothing says why the cooldown does not matter here.
  const passed = step === undefined || holds ? '' : `; ${step.message}`;
  return {
    rule: name,
    held: holds,
    until: isoTime(until),
    remainingSeconds: remainingSeconds(until, now),
    message: `until ${formatTime(Math.ceil(until / 1000) * 1000)} (${leftText(until, now)}): ${last}${passed}`,
  };
}

function pauseRule(evaluated: Evaluated): RuleStep {
  const { pause } = evaluated.input.spec;
  const isPause = pause !== undefined && evaluated.input.spec.mode !== 'Paused';
  const hold = isPause ? holdBy(evaluated, 'paused') : undefined;
  return rule('pause', hold, pause === undefined ? 'no pause annotation' : `annotation ${pause.annotation}`, evaluated.input.now);
}

const modes = {
  Auto: 'Auto: acts',
  DryRun: 'DryRun: decides and shows, sets nothing',
  Paused: 'Paused: leaves the target alone',
} as const;

function modeRule(evaluated: Evaluated): RuleStep {
  const { mode } = evaluated.input.spec;
  const hold = mode === 'DryRun' ? holdBy(evaluated, 'dry-run') : mode === 'Paused' ? holdBy(evaluated, 'paused') : undefined;
  return rule('mode', hold, modes[mode], evaluated.input.now);
}

function fallbackRule({ input, evaluation }: Evaluated): RuleStep {
  const { fallback } = input.spec;
  const active = evaluation.decision.trace.filter(({ step }) => step === 'fallback').map(({ message }) => message);
  const idle = 'none: nothing shrinks while a metric is unknown';
  if (fallback === undefined) return rule('fallback', undefined, idle, input.now);
  if (active.length > 0) return rule('fallback', undefined, active.join('; '), input.now);
  const { behavior, replicas, failureThreshold } = fallback;
  const asked = replicas === undefined ? behavior : `${behavior} (${replicas})`;
  const failures = (evaluation.state.failures ?? []).map((each) => `${each.metric} has failed ${each.failures} times in a row`);
  const counted = failures.length === 0 ? 'no metric fails' : failures.join(', ');
  return rule('fallback', undefined, `${asked} after ${failureThreshold} failed evaluations in a row; ${counted}`, input.now);
}
