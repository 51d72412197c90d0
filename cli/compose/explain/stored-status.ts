import { parseTime } from '../../../core/model/condition.ts';
import type { Decision } from '../../../core/model/decision.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { StabilizationStep, StoredStep } from './explanation.ts';
import { ageText, isoTime, seconds } from './time-text.ts';

export type Fields = Readonly<Record<string, unknown>>;
type LastDecision = NonNullable<StoredStep['lastDecision']>;
type Difference = StoredStep['differences'][number];

export interface StoredOptions {
  /** What would be decided now. */
  readonly decision: Decision;
  readonly native: boolean;
  readonly now: number;
  /** Time between two evaluations, milliseconds: a working controller has renewed what is older. */
  readonly periodMs: number;
}

/** What the policy's status says, and how it differs from what would be decided now. Whoever may write status may have written anything: nothing is believed. */
export function storedStatus(raw: KubeObject, options: StoredOptions): StoredStep {
  const status = fieldsOf(raw.status);
  const stored = {
    present: Object.keys(status).length > 0,
    observedGeneration: count(status['observedGeneration']),
    currentReplicas: count(status['currentReplicas']),
    desiredReplicas: count(status['desiredReplicas']),
    lastScaleUpTime: time(status['lastScaleUpTime']),
    lastScaleDownTime: time(status['lastScaleDownTime']),
    lastDecision: lastDecisionOf(status['lastDecision'], options.now),
    conditions: list(status['conditions']).map((condition) => ({
      type: text(condition['type']),
      status: text(condition['status']),
      reason: text(condition['reason']),
      message: text(condition['message']),
      since: time(condition['lastTransitionTime']),
    })),
  };
  return { ...stored, differences: differencesOf(raw, stored, options) };
}

/** A stabilization hold that the controller has stored and that lasts: the wishes behind it are in its memory alone. */
export function storedStabilization({ lastDecision }: StoredStep, now: number): StabilizationStep['stored'] {
  const hold = lastDecision?.holds.find(({ by, until }) => by === 'stabilization' && (parseTime(until ?? undefined) ?? 0) > now);
  if (hold === undefined || hold.until === null) return null;
  return { until: hold.until, message: hold.message };
}

function lastDecisionOf(value: unknown, now: number): StoredStep['lastDecision'] {
  if (typeof value !== 'object' || value === null) return null;
  const decision = fieldsOf(value);
  const at = time(decision['at']);
  return {
    from: count(decision['from']),
    to: count(decision['to']),
    wanted: count(decision['wanted']),
    reason: text(decision['reason']),
    message: text(decision['message']),
    at,
    ageSeconds: at === null ? null : seconds(now - (parseTime(at) ?? now)),
    holds: list(decision['holds']).map((hold) => ({ by: text(hold['by']), until: time(hold['until']), message: text(hold['message']) })),
  };
}

function differencesOf(raw: KubeObject, stored: Omit<StoredStep, 'differences'>, options: StoredOptions): Difference[] {
  const { generation } = raw.metadata;
  const differences: Difference[] = [];
  if (stored.observedGeneration !== null && generation !== undefined && stored.observedGeneration < generation) {
    differences.push({
      field: 'observedGeneration',
      stored: stored.observedGeneration,
      now: generation,
      message: `status tells of generation ${stored.observedGeneration}, the policy is at ${generation}: no controller has looked at the change yet`,
    });
  }
  if (options.native) return [...differences, ...nativeDifferences(stored, options)];
  const { lastDecision } = stored;
  if (lastDecision === null) {
    const message = 'no decision is stored: no controller has evaluated this policy; does `concertina run` work in this cluster?';
    return [...differences, { field: 'lastDecision', stored: null, now: options.decision.reason, message }];
  }
  return [...differences, ...decisionDifferences(lastDecision, options)];
}

/** The built-in controller stores the size that it wants and no decision. */
function nativeDifferences({ present, desiredReplicas }: Omit<StoredStep, 'differences'>, { decision }: StoredOptions): Difference[] {
  const field = 'desiredReplicas';
  if (!present || desiredReplicas === null) {
    const message = 'no size is stored: the controller of HorizontalPodAutoscalers has not looked at it';
    return [{ field, stored: null, now: decision.to, message }];
  }
  if (desiredReplicas === decision.to) return [];
  const message = `desiredReplicas is ${desiredReplicas}, and ${decision.to} would be set now: its controller remembers recent wishes and scalings, which status does not keep, and may have seen other samples`;
  return [{ field, stored: desiredReplicas, now: decision.to, message }];
}

function decisionDifferences(stored: LastDecision, options: StoredOptions): Difference[] {
  const { decision } = options;
  const { from, to, wanted } = stored;
  if (from !== null && to === decision.from && from !== to && to !== null) {
    // Carried out, and not looked at again: nothing to compare yet.
    const message = `the stored decision ${from} → ${to} has been carried out; the next evaluation stores what follows`;
    return [{ field: 'from', stored: from, now: decision.from, message }];
  }
  const why = whyText(stored, options);
  const differences: Difference[] = [];
  const differ = (field: string, before: number | string | null, now: number | string | null, what: string): void => {
    if (before !== now) differences.push({ field, stored: before, now, message: what });
  };
  differ('from', from, decision.from, `the target had ${from ?? 'no known number of'} replicas then and has ${decision.from} now`);
  differ('to', to, decision.to, `${to ?? 'nothing'} was to be set then, ${decision.to} would be set now${why}`);
  differ(
    'wanted',
    wanted,
    decision.wanted,
    `${wanted ?? 'an unknown number'} was wanted then, ${decision.wanted ?? 'it is not known what'} now`,
  );
  if (to === decision.to)
    differ(
      'reason',
      stored.reason,
      decision.reason,
      `the reason was ${stored.reason === '' ? 'none' : stored.reason} then and is ${decision.reason} now${why}`,
    );
  return stale(stored, differences, options);
}

/** What the controller knows and this command does not, or what has ended since. */
function whyText(stored: LastDecision, { decision, now }: StoredOptions): string {
  const parts: string[] = [];
  const held = new Set(decision.holds.map(({ by }) => by as string));
  for (const { by, until } of stored.holds) {
    const end = parseTime(until ?? undefined);
    if (held.has(by)) continue;
    if (end !== undefined && end <= now) parts.push(`its hold (${by}) ended ${ageText(now - end)} ago`);
    else if (by === 'stabilization') parts.push('it is held by a recent wish, which the controller remembers and status does not keep');
    else if (by === 'rate-limit') parts.push('it is held by recent scalings, which the controller remembers and status does not keep');
  }
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

/** Evaluations in which what differs must have been seen. */
const overdue = 4;

function stale({ ageSeconds, holds }: LastDecision, differences: Difference[], { periodMs, decision, now }: StoredOptions): Difference[] {
  const remembers = holds.some(
    ({ by, until }) => (by === 'stabilization' || by === 'rate-limit') && (parseTime(until ?? undefined) ?? 0) > now,
  );
  if (differences.length === 0 || ageSeconds === null || ageSeconds * 1000 < overdue * periodMs || remembers) return differences;
  const age = ageText(ageSeconds * 1000);
  const message = `what is stored is ${age} old, although a policy is evaluated every ${humanDuration(periodMs)}: either this has only just changed, or no controller works`;
  return [...differences, { field: 'at', stored: isoTime(now - ageSeconds * 1000), now: isoTime(decision.at), message }];
}

/** An object's fields; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function time(value: unknown): string | null {
  return typeof value === 'string' ? isoTime(parseTime(value)) : null;
}
