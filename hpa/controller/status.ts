import type { Condition } from '../../core/model/condition.ts';
import { formatTime } from '../../core/model/condition.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { Conclusion } from '../engine/index.ts';
import { failingMetrics } from '../policy.ts';
import { metricBlocks, type HorizontalPolicyStatus } from '../policy-schema.ts';

type Status = Partial<HorizontalPolicyStatus>;

export interface StatusFacts {
  readonly previous: Status;
  /** Of the object, as it is stored. */
  readonly spec: unknown;
  readonly conclusion: Conclusion;
  readonly decision: Decision;
  readonly targets: string | undefined;
  readonly generation: number | undefined;
  /** False when the scale could not be read or the policy not be used: only conditions and the decision change. */
  readonly evaluated: boolean;
  /** Nothing that was noted before a scaling is open any more. */
  readonly settled: boolean;
}

/** The status that should be stored. */
export function nextStatus(facts: StatusFacts): Status {
  const { previous, spec, conclusion, decision, targets, generation, evaluated, settled } = facts;
  const base: Status = {
    ...previous,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: [...conclusion.conditions],
    lastDecision: renewedDecision(previous.lastDecision, decision),
  };
  if (!evaluated) return base;
  return {
    ...base,
    currentReplicas: conclusion.currentReplicas,
    desiredReplicas: conclusion.desiredReplicas,
    currentMetrics: withSelectors(conclusion.currentMetrics, spec),
    ...(targets === undefined ? {} : { targets }),
    ...(conclusion.lastScaleTime === undefined ? {} : { lastScaleTime: conclusion.lastScaleTime }),
    ...historyStatus(conclusion.history),
    failingMetrics: failingMetrics(conclusion.state),
    pendingScaling: settled ? undefined : previous.pendingScaling,
  };
}

interface NamedMetric {
  readonly metric?: { readonly selector?: unknown };
}

type Slot = NonNullable<Status['currentMetrics']>[number];

/** As upstream: the selector of a metric stands beside its value as the spec has it. It tells two metrics of one name apart. */
function withSelectors(slots: Conclusion['currentMetrics'], spec: unknown): Slot[] {
  const { metrics = [] } = (spec ?? {}) as { readonly metrics?: readonly Readonly<Record<string, NamedMetric | undefined>>[] };
  return slots.map((slot, index) => {
    const block = metricBlocks[slot['type'] as keyof typeof metricBlocks];
    const selector = metrics[index]?.[block]?.metric?.selector;
    const shown = slot[block] as NamedMetric | undefined;
    return selector === undefined || shown === undefined
      ? { ...slot }
      : { ...slot, [block]: { ...shown, metric: { ...shown.metric, selector } } };
  });
}

/** What an autoscaling/v2 object can hold. */
export function upstreamStatus(status: Status): Status {
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentMetrics, conditions } = status;
  // The API server adds an empty type to a slot without one; to leave it out is to write the same again and again.
  const slots = currentMetrics?.map((slot) => (slot.type === undefined ? { type: '', ...slot } : slot));
  const fields = { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentMetrics: slots };
  return {
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    // Conditions have a generation of their own from 1.37 on only.
    ...(conditions === undefined ? {} : { conditions: conditions.map(({ observedGeneration: _generation, ...condition }) => condition) }),
  };
}

/** Rounded up to the second: a cooldown that is read back never ends early. */
export function historyStatus({ lastScaleUp, lastScaleDown }: ScalingHistory): Status {
  const text = (ms: number): string => formatTime(Math.ceil(ms / 1000) * 1000);
  return {
    ...(lastScaleUp === undefined ? {} : { lastScaleUpTime: text(lastScaleUp) }),
    ...(lastScaleDown === undefined ? {} : { lastScaleDownTime: text(lastScaleDown) }),
  };
}

/** The stored decision, renewed when its outcome is another one: numbers in the text alone are no reason to write. */
function renewedDecision(previous: Status['lastDecision'], decision: Decision): NonNullable<Status['lastDecision']> {
  const { from, to, wanted, reason, message, at, holds } = decision;
  const next = {
    from,
    to,
    ...(wanted === null ? {} : { wanted }),
    reason,
    message,
    at: formatTime(at),
    ...(holds.length === 0
      ? {}
      : {
          holds: holds.map(({ by, until, message: text }) => ({
            by,
            ...(until === undefined ? {} : { until: formatTime(Math.ceil(until / 1000) * 1000) }),
            message: text,
          })),
        }),
  };
  return previous !== undefined && outcomeOf(previous) === outcomeOf(next) ? previous : next;
}

function outcomeOf({ from, to, wanted, reason, holds }: NonNullable<Status['lastDecision']>): string {
  return JSON.stringify([from, to, wanted ?? null, reason, (holds ?? []).map(({ by, until }) => [by, until ?? null])]);
}

/** A merge patch that turns `before` into `after`; `undefined` when they are semantically equal. Lists are replaced as a whole. */
export function mergePatch(before: unknown, after: unknown): Record<string, unknown> | undefined {
  const from = plainObject(before) ?? {};
  const to = plainObject(after) ?? {};
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const old = from[key];
    const next = to[key];
    if (next === undefined) {
      if (old !== undefined) patch[key] = null;
    } else if (plainObject(old) !== undefined && plainObject(next) !== undefined) {
      const nested = mergePatch(old, next);
      if (nested !== undefined) patch[key] = nested;
    } else if (!semanticallyEqual(old, next)) patch[key] = next;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function plainObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** Equal whatever the order of keys; an absent and an undefined field are the same. */
export function semanticallyEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, index) => semanticallyEqual(each, b[index]));
  }
  const left = plainObject(a);
  const right = plainObject(b);
  if (left === undefined || right === undefined) return a === b;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => semanticallyEqual(left[key], right[key]));
}

/** The list with the suite's `Accepted` in first place when it is new. */
export function withAccepted(conditions: readonly Condition[], accepted: Condition): Condition[] {
  const present = conditions.some(({ type }) => type === accepted.type);
  return present ? conditions.map((each) => (each.type === accepted.type ? accepted : each)) : [accepted, ...conditions];
}
