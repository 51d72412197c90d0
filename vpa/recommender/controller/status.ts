import { formatTime, removeCondition, setCondition, type Condition, type ConditionUpdate } from '../../../core/model/condition.ts';
import type { ScalingHistory } from '../../../core/model/cooldown.ts';
import type { Decision, Hold, HoldReason } from '../../../core/model/decision.ts';
import type { VerticalPolicyStatus } from '../../policy-schema.ts';
import { conditionsOfStatus, nextStatus as nextOwnStatus, sameStatus, type RecommendationJson } from '../engine/conditions-status.ts';
import { conditionTypes } from '../engine/conditions.ts';
import type { Clamp } from '../engine/post-processors.ts';
import type { ContainerEvidence } from '../engine/types.ts';
import { fewOf } from './text.ts';
import type { Outcome } from './policy-memory.ts';
import type { UpdateReport } from './ports.ts';

/** What of a status is written here; everything else in it is others'. */
export type OwnStatus = Readonly<Record<string, unknown>>;

export interface StatusFacts {
  /** `status` as it is stored. */
  readonly observed: OwnStatus;
  readonly native: boolean;
  readonly generation: number | undefined;
  readonly outcome: Outcome;
  readonly evidence: readonly ContainerEvidence[];
  /** With what is stored of it. */
  readonly history: ScalingHistory;
  readonly report: UpdateReport | undefined;
  readonly now: number;
}

/** Condition of both kinds of object: some containers have no usage, their recommendation is what it was. Declared by upstream, where nobody sets it. */
const lowConfidence = 'LowConfidence';
/** Conditions of a VerticalPolicy; native objects keep to upstream's. */
const houseTypes = { accepted: 'Accepted', applied: 'Applied', nodeLimited: 'LimitedByNodeSize' } as const;

/** The fields of the status that should stand there. A field that is not among them stays as it is. */
export function nextStatus(facts: StatusFacts): OwnStatus {
  const { observed, native, generation, outcome, history, report } = facts;
  const recommended = outcome.state === 'recommended';
  const own = nextOwnStatus({
    observed: { ...observed, conditions: ownConditions(facts) },
    generation,
    recommendation: recommended ? outcome.recommendation : undefined,
    podCount: recommended ? outcome.podCount : undefined,
    unsupported: outcome.state === 'unsupported' ? outcome.message : recommended ? null : undefined,
    now: facts.now,
  });
  const waiting = outcome.state === 'waiting';
  const base = {
    ...(waiting && report === undefined ? {} : { conditions: native ? own.conditions : own.conditions.map(withReason) }),
    // Before the policy was looked at, its generation has not been observed.
    ...(waiting || generation === undefined ? {} : { observedGeneration: generation }),
    ...(own.recommendation === undefined ? {} : { recommendation: own.recommendation }),
  };
  if (native) return base;
  return {
    ...base,
    ...(own.recommendation === undefined ? {} : { recommendation: withEvidence(own.recommendation, facts) }),
    ...(recommended ? { podCount: outcome.podCount } : {}),
    ...historyStatus(history),
    ...(report === undefined
      ? {}
      : { lastDecision: renewedDecision(observed['lastDecision'] as LastDecision | undefined, report, facts.now) }),
  };
}

/** Status of a policy that cannot be read: only conditions say so. */
export function rejectedStatus(
  observed: OwnStatus,
  {
    native,
    generation,
    message,
    now,
  }: { readonly native: boolean; readonly generation: number | undefined; readonly message: string; readonly now: number },
): OwnStatus {
  const update: ConditionUpdate = native
    ? { type: conditionTypes.unsupported, status: 'True', reason: 'InvalidPolicy', message }
    : { type: houseTypes.accepted, status: 'False', reason: 'InvalidPolicy', message };
  const conditions = setCondition(conditionsOfStatus(observed), withGeneration(update, generation), now);
  return { conditions: conditions.toSorted((a, b) => (a.type < b.type ? -1 : Number(a.type > b.type))) };
}

function withGeneration(update: ConditionUpdate, generation: number | undefined): ConditionUpdate {
  return generation === undefined ? update : { ...update, observedGeneration: generation };
}

/** Stored conditions with those brought up to date that upstream's recommender does not set. */
function ownConditions({ observed, native, generation, outcome, report, now }: StatusFacts): readonly Condition[] {
  let conditions: readonly Condition[] = conditionsOfStatus(observed);
  const put = (type: string, update: Omit<ConditionUpdate, 'type'> | undefined): void => {
    conditions =
      update === undefined
        ? removeCondition(conditions, type)
        : setCondition(conditions, withGeneration({ type, ...update }, generation), now);
  };
  if (outcome.state === 'recommended') put(lowConfidence, silentUpdate(outcome.silent));
  if (native) return conditions;
  if (outcome.state !== 'waiting')
    put(houseTypes.accepted, { status: 'True', reason: 'PolicyAccepted', message: 'the policy is valid and supported' });
  if (outcome.state === 'recommended') put(houseTypes.nodeLimited, nodeUpdate(outcome));
  if (report !== undefined) put(houseTypes.applied, appliedUpdate(report));
  return conditions;
}

type Update = Omit<ConditionUpdate, 'type'>;

function silentUpdate(silent: Extract<Outcome, { state: 'recommended' }>['silent']): Update | undefined {
  if (silent.length === 0) return undefined;
  const names = silent.map(
    ({ container, since }) => `${container} (${since === undefined ? 'never any' : `last at ${formatTime(since)}`})`,
  );
  return {
    status: 'True',
    reason: 'NoSamples',
    message: `no usage of ${fewOf(names)}: what is recommended stays as it is; check that the metrics source has samples of these pods`,
  };
}

function nodeUpdate({ clamps, warnings }: Extract<Outcome, { state: 'recommended' }>): Update | undefined {
  const messages = [...clamps.filter(({ by }) => by === 'node-size').map(({ message }) => message), ...warnings];
  return messages.length === 0 ? undefined : { status: 'True', reason: 'NodeSize', message: fewOf(messages, '; ') };
}

/** True: what is recommended is what pods have, or is being given to them. */
function appliedUpdate({ decisions, holds }: UpdateReport): Update {
  const hold = holds[0] ?? decisions.flatMap((each) => each.holds)[0];
  if (hold !== undefined) return { status: 'False', reason: holdName(hold.by), message: hold.message };
  const acting = leading(decisions);
  if (acting === undefined || acting.to === acting.from) {
    return { status: 'True', reason: 'UpToDate', message: acting?.message ?? 'all pods have what is recommended' };
  }
  return { status: 'True', reason: acting.reason, message: acting.message };
}

/** `RateLimit` of `rate-limit`. */
function holdName(by: HoldReason): string {
  return by.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The one that changes something, else the one that is held, else the first. */
function leading(decisions: readonly Decision[]): Decision | undefined {
  return decisions.find(({ from, to }) => from !== to) ?? decisions.find(({ holds }) => holds.length > 0) ?? decisions[0];
}

type LastDecision = NonNullable<VerticalPolicyStatus['lastDecision']>;

/**
 * The stored decision, renewed when its outcome is another one, or what is wanted has moved far from what was said: smaller changes of numbers in the text are no
 * reason to write.
 */
function renewedDecision(
  previous: LastDecision | undefined,
  { decisions, holds: own }: UpdateReport,
  now: number,
): LastDecision | undefined {
  const decision = leading(decisions);
  const holds = own.length > 0 ? own : (decision?.holds ?? []);
  const next = decisionJson(decision ?? heldOnly(holds, now), holds);
  if (next === undefined || previous === undefined) return next ?? previous;
  // What is done again is news; what goes on being held is not.
  const acts = decision !== undefined && decision.from !== decision.to;
  return !acts && !hasMoved(previous, next) && outcomeOf(previous) === outcomeOf(next) ? previous : next;
}

/** Beyond this relative difference an amount is another one than the one that a sentence was said about. */
const movedBy = 0.1;

function hasMoved(previous: LastDecision, next: LastDecision): boolean {
  if (previous.dimension !== next.dimension) return true;
  const [was, is] = [previous.wanted, next.wanted];
  if (was === undefined || is === undefined) return was !== is;
  return Math.abs(is - was) > movedBy * Math.max(was, 1);
}

type Said = Pick<Decision, 'reason' | 'message' | 'at'> & Partial<Pick<Decision, 'dimension' | 'wanted'>>;

function heldOnly([hold]: readonly Hold[], now: number): Said | undefined {
  return hold === undefined ? undefined : { reason: holdName(hold.by), message: hold.message, at: now };
}

function decisionJson(said: Said | undefined, holds: readonly Hold[]): LastDecision | undefined {
  if (said === undefined) return undefined;
  const { reason, message, at, dimension, wanted = null } = said;
  const about = { ...(dimension === undefined ? {} : { dimension }), ...(wanted === null ? {} : { wanted }) };
  return { ...about, reason, message, at: formatTime(at), ...(holds.length === 0 ? {} : { holds: holds.map(holdJson) }) };
}

function holdJson({ by, until, message }: Hold): { by: string; until?: string; message: string } {
  return { by, ...(until === undefined ? {} : { until: upToSecond(until) }), message };
}

function outcomeOf({ reason, holds }: LastDecision): string {
  return JSON.stringify([reason, (holds ?? []).map(({ by, until }) => [by, until ?? null])]);
}

/** A cooldown that is read back never ends early. */
function upToSecond(ms: number): string {
  return formatTime(Math.ceil(ms / 1000) * 1000);
}

function historyStatus({ lastScaleUp, lastScaleDown }: ScalingHistory): OwnStatus {
  return {
    ...(lastScaleUp === undefined ? {} : { lastScaleUpTime: upToSecond(lastScaleUp) }),
    ...(lastScaleDown === undefined ? {} : { lastScaleDownTime: upToSecond(lastScaleDown) }),
  };
}

/** Conditions of a VerticalPolicy always say why; upstream's leave it out where nothing is wrong. */
function withReason(condition: Partial<Condition>): Partial<Condition> {
  const { type = '', status, reason = '', message = '' } = condition;
  if (reason !== '' && message !== '') return condition;
  const provided = type === conditionTypes.provided;
  const fallback = provided
    ? status === 'True'
      ? { reason: 'RecommendationProvided', message: 'there is a recommendation' }
      : { reason: 'NoSamples', message: 'nothing was measured yet: wait for a minute of metrics, or check the metrics source' }
    : { reason: type, message: '' };
  return { ...condition, reason: reason === '' ? fallback.reason : reason, message: message === '' ? fallback.message : message };
}

type EvidenceJson = NonNullable<
  NonNullable<NonNullable<VerticalPolicyStatus['recommendation']>['containerRecommendations']>[number]['evidence']
>;

function withEvidence(recommendation: RecommendationJson, { evidence, outcome }: StatusFacts): unknown {
  const clamps = outcome.state === 'recommended' ? outcome.clamps : [];
  const evidenceOf = new Map(evidence.map((each) => [each.container, each]));
  const list = recommendation.containerRecommendations?.map((each) => {
    const found = evidenceOf.get(each.containerName);
    return found === undefined ? each : { ...each, evidence: evidenceJson(found, clamps) };
  });
  return list === undefined ? recommendation : { ...recommendation, containerRecommendations: list };
}

function evidenceJson(evidence: ContainerEvidence, clamps: readonly Clamp[]): EvidenceJson {
  const { container, samples, firstSample, lastSample, coverage, resources } = evidence;
  const own = clamps.filter((clamp) => clamp.container === container && clamp.field === 'target').slice(0, 32);
  const confidence = resources[0]?.confidence ?? 0;
  return {
    samples,
    ...(firstSample === undefined ? {} : { firstSampleTime: formatTime(firstSample) }),
    ...(lastSample === undefined ? {} : { lastSampleTime: formatTime(lastSample) }),
    confidence: round(Number.isFinite(confidence) ? confidence : 0),
    coverage: round(coverage),
    ...Object.fromEntries(
      resources.map(({ resource, percentiles, margin }) => [
        resource,
        {
          lowerBoundPercentile: percentiles.lower,
          targetPercentile: percentiles.target,
          upperBoundPercentile: percentiles.upper,
          margin,
        },
      ]),
    ),
    ...(own.length === 0 ? {} : { clamps: own.map(({ message }) => message.slice(0, 256)) }),
  };
}

function round(fraction: number): number {
  return Math.round(fraction * 1000) / 1000;
}

/** The fields of `next` that say something else than `stored` does; `undefined` when there are none. Evidence alone is no reason to write. */
export function changedFields(stored: OwnStatus, next: OwnStatus): OwnStatus | undefined {
  const changed = Object.entries(next).filter(
    ([field, value]) => !sameStatus({ [field]: withoutEvidence(field, stored[field]) }, { [field]: withoutEvidence(field, value) }),
  );
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

function withoutEvidence(field: string, value: unknown): unknown {
  if (field !== 'recommendation') return value;
  const { containerRecommendations: list } = (value ?? {}) as { readonly containerRecommendations?: unknown };
  if (!Array.isArray(list)) return value;
  return {
    containerRecommendations: list.map((each: unknown) =>
      typeof each === 'object' && each !== null ? Object.fromEntries(Object.entries(each).filter(([name]) => name !== 'evidence')) : each,
    ),
  };
}

/** `status` of a merge patch that makes these fields of the stored status what they should be. */
export function mergeBody(stored: OwnStatus, fields: OwnStatus): OwnStatus {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => {
      const [before, after] = [plainObject(stored[field]), plainObject(value)];
      if (before === undefined || after === undefined) return [field, value ?? null];
      const gone = Object.keys(before).filter((name) => after[name] === undefined);
      return [field, { ...after, ...Object.fromEntries(gone.map((name) => [name, null])) }];
    }),
  );
}

function plainObject(value: unknown): OwnStatus | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as OwnStatus) : undefined;
}
