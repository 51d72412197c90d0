import { removeCondition, setCondition, type Condition, type ConditionUpdate } from '../../core/model/condition.ts';
import type { Decision, Hold, TraceStep } from '../../core/model/decision.ts';
import type { Tolerances } from './arithmetic.ts';
import { applyHouseRules, type HouseVerdict } from './house.ts';
import type { MetricFailure, MetricOutcome } from './metric.ts';
import { combineMetrics, type Combined } from './metrics.ts';
import type { EvaluationInput, EventNote, HpaState, MetricLabels, MetricStatus } from './model.ts';
import { normalize, type Normalized } from './normalize.ts';
import { decisionReason, decisionSentence, holdReasonName, type DecisionFacts } from './sentence.ts';
import { capitalized, clockText, namesText, replicasText } from './text.ts';

/** Which of the controller's branches an evaluation took. */
export type EvaluationBranch = 'disabled' | 'above-max' | 'below-min' | 'metrics' | 'failed';

/** An evaluation before anything is written. */
export interface Evaluation {
  readonly branch: EvaluationBranch;
  readonly decision: Decision;
  /** Replicas to set; `undefined`: leave the scale alone. */
  readonly write: number | undefined;
  /** What upstream's rules decide, before cooldowns and mode. */
  readonly proposed: number;
  /** In upstream's rescale event. */
  readonly rescaleReason: string;
  readonly state: HpaState;
  readonly conditions: readonly Condition[];
  readonly currentMetrics: readonly MetricStatus[];
  /** `cpu 186%/80%` for kubectl get; `undefined` when metrics were not read. */
  readonly targets: string | undefined;
  readonly events: readonly EventNote[];
  readonly metricLabels: readonly MetricLabels[];
  /** Why the evaluation ends with an error, although it may scale. */
  readonly error: string | undefined;
}

/** Whether metrics will be read: a caller that fetches over the network can skip what is not needed. */
export function needsMetrics(input: Pick<EvaluationInput, 'spec' | 'scale' | 'status' | 'config'>): boolean {
  const { spec, scale } = input;
  const current = scale.specReplicas;
  if (current !== 0) return current <= spec.maxReplicas && current >= spec.minReplicas;
  return isAsleep(input) && (spec.minReplicas !== 0 || canWake(spec));
}

/** At zero because the controller put it there, not because somebody paused it by hand. */
export function isAsleep({ status, config }: Pick<EvaluationInput, 'status' | 'config'>): boolean {
  return config.scaleToZero && status.conditions.some((each) => each.type === 'ScaledToZero' && each.status === 'True');
}

/** Only a metric that exists without pods can wake the target. */
export function canWake(spec: EvaluationInput['spec']): boolean {
  return spec.metrics.some((metric) => metric.type === 'Object' || metric.type === 'External');
}

/** One evaluation of one policy (§4, §6–§9) with the house rules on top. Pure: the same input gives the same result. */
export function evaluate(input: EvaluationInput): Evaluation {
  const current = input.scale.specReplicas;
  const recommendations = input.state.recommendations ?? [{ replicas: current, at: input.now }];
  const draft: Draft = {
    input,
    state: { ...input.state, recommendations },
    conditions: withCondition(input, input.status.conditions, {
      type: 'AbleToScale',
      status: 'True',
      reason: 'SucceededGetScale',
      message: `the scale of ${targetName(input)} was read: ${replicasText(current)}`,
    }),
    trace: [targetStep(input)],
  };
  if (needsMetrics(input)) return byMetrics(draft);
  return current === 0 ? disabled(draft) : forced(draft);
}

/** What every branch begins with. */
interface Draft {
  readonly input: EvaluationInput;
  readonly state: HpaState;
  readonly conditions: readonly Condition[];
  readonly trace: readonly TraceStep[];
}

function withCondition(input: EvaluationInput, conditions: readonly Condition[], update: ConditionUpdate): Condition[] {
  const generation = input.generation === undefined ? {} : { observedGeneration: input.generation };
  return setCondition(conditions, { ...update, ...generation }, input.now);
}

function targetName({ target }: EvaluationInput): string {
  return `${target.kind}/${target.name}`;
}

function targetStep(input: EvaluationInput): TraceStep {
  const { scale, spec, pods } = input;
  return {
    step: 'target',
    message: `${targetName(input)} has ${replicasText(scale.specReplicas)} in spec, ${scale.statusReplicas} in status; bounds ${spec.minReplicas}…${spec.maxReplicas}; ${pods.length} pods match its selector`,
    values: {
      specReplicas: scale.specReplicas,
      statusReplicas: scale.statusReplicas,
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      pods: pods.length,
      behavior: spec.behavior !== undefined,
      mode: spec.mode,
    },
  };
}

/** Zero replicas that nobody but a person set: autoscaling is paused. */
function disabled(draft: Draft): Evaluation {
  const { input } = draft;
  const message = `scaling is disabled, because ${targetName(input)} has 0 replicas; set 1 or more to resume`;
  const noted = withCondition(input, draft.conditions, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message });
  return {
    ...outcome(draft, { to: 0, wanted: null, reason: 'ScalingDisabled', cause: message, holds: [] }),
    branch: 'disabled',
    conditions: input.config.scaleToZero ? noted : removeCondition(noted, 'ScaledToZero'),
    proposed: 0,
  };
}

/** Out of bounds: corrected at once, without metrics, windows and policies. */
function forced(draft: Draft): Evaluation {
  const { input } = draft;
  const { spec, scale } = input;
  const from = scale.specReplicas;
  const above = from > spec.maxReplicas;
  const proposed = above ? spec.maxReplicas : spec.minReplicas;
  const cause = above ? `${from} is above maxReplicas ${proposed}` : `${from} is below minReplicas ${proposed}`;
  const house = applyHouseRules({ ...houseInput(input, proposed), forced: true, outcomes: [] });
  const bounds: TraceStep = {
    step: 'bounds',
    message: `${capitalized(cause)}: corrected without reading metrics`,
    values: { current: from, replicas: proposed, minReplicas: spec.minReplicas, maxReplicas: spec.maxReplicas },
  };
  const last = house.holds.at(-1);
  const reason = last === undefined ? (above ? 'TooManyReplicas' : 'TooFewReplicas') : holdReasonName(last.by);
  return {
    ...outcome(
      { ...draft, trace: [...draft.trace, bounds, ...house.trace] },
      { to: house.to, wanted: null, reason, cause, holds: house.holds },
    ),
    branch: above ? 'above-max' : 'below-min',
    proposed,
    rescaleReason: above ? 'Current number of replicas above Spec.MaxReplicas' : 'Current number of replicas below Spec.MinReplicas',
  };
}

function byMetrics(draft: Draft): Evaluation {
  const { input } = draft;
  if (!input.selector.ok) {
    const { reason, event, message } = input.selector;
    return failure(draft, { reason, message, events: [{ type: 'Warning', reason: event, message }] });
  }
  const combined = combineMetrics(input.spec.metrics, input.results, {
    context: {
      currentReplicas: input.scale.specReplicas,
      statusReplicas: input.scale.statusReplicas,
      tolerances: tolerancesOf(input),
      pods: input.pods,
      now: input.now,
      config: input.config,
    },
    previousReplicas: input.status.currentReplicas,
  });
  const events = combined.failures.map(failureEvent);
  const measured = { ...draft, trace: [...draft.trace, ...combined.outcomes.map(metricStep)] };
  const shown = {
    currentMetrics: combined.outcomes.map((each) => (each.ok ? each.status : {})),
    targets: combined.outcomes.map((each) => (each.ok ? each.short : `${each.subject} unknown`)).join(', '),
    metricLabels: combined.labels,
  };
  const { best } = combined;
  if (best === undefined) {
    const first = combined.failures[0];
    const message = `no replica count can be computed: ${combined.error ?? 'the policy has no metric'}`;
    return { ...failure(measured, { reason: first?.reason ?? 'FailedGetResourceMetric', message, events, first }), ...shown };
  }
  return { ...scaled(measured, { combined, best, events }), ...shown };
}

/** Band on both sides: the controller's, replaced by the one of behavior where that is set. */
function tolerancesOf({ spec, config }: EvaluationInput): Tolerances {
  return {
    scaleUp: spec.behavior?.scaleUp.tolerance ?? config.tolerance,
    scaleDown: spec.behavior?.scaleDown.tolerance ?? config.tolerance,
  };
}

/** Metrics that cannot be used: the size stays, the previous wish stays in status. */
function failure(
  draft: Draft,
  facts: {
    readonly reason: string;
    readonly message: string;
    readonly events: readonly EventNote[];
    readonly first?: MetricFailure | undefined;
  },
): Evaluation {
  const { input } = draft;
  const from = input.scale.specReplicas;
  const { reason, message, first } = facts;
  const since = first?.since === undefined ? '' : `, since ${clockText(first.since)}`;
  const hold: Hold =
    first === undefined
      ? { by: reason === 'AmbiguousSelector' ? 'conflict' : 'target-unavailable', message: capitalized(message) }
      : { by: 'missing-data', message: `No shrinking on unknown data${first.unknown === undefined ? '' : ` (${first.unknown}${since})`}` };
  const step: TraceStep = { step: hold.by, message: capitalized(message), values: { reason, held: true, since: first?.since ?? null } };
  return {
    ...outcome(
      { ...draft, trace: [...draft.trace, step] },
      { to: from, wanted: null, reason, cause: message, holds: [hold], sentenceHolds: first === undefined ? [] : [hold] },
    ),
    branch: 'failed',
    conditions: withCondition(input, draft.conditions, { type: 'ScalingActive', status: 'False', reason, message }),
    proposed: from,
    events: [...facts.events, { type: 'Warning', reason: 'FailedComputeMetricsReplicas', message }],
    error: message,
  };
}

function scaled(
  draft: Draft,
  { combined, best, events }: { readonly combined: Combined; readonly best: number; readonly events: readonly EventNote[] },
): Evaluation {
  const { input } = draft;
  const { spec, config, now } = input;
  const from = input.scale.specReplicas;
  const { winner } = combined;
  const bounds = { min: spec.minReplicas, max: spec.maxReplicas };
  const normalized = normalize({ current: from, wish: best, bounds, behavior: spec.behavior, state: draft.state, now, config });
  // minReplicas was raised while the target slept: it wakes to it whatever the metric says.
  const wakes = from === 0 && spec.minReplicas !== 0 && isAsleep(input) && normalized.replicas < spec.minReplicas;
  const proposed = wakes ? spec.minReplicas : normalized.replicas;
  const house = applyHouseRules({ ...houseInput(input, proposed), forced: wakes, outcomes: combined.outcomes });
  const trace = [...draft.trace, combinedStep(combined, best), ...normalized.trace, ...house.trace];
  return {
    ...outcome(
      { ...draft, trace },
      {
        to: house.to,
        wanted: best,
        reason: decisionReason({
          from,
          to: house.to,
          wanted: best,
          houseHolds: house.holds,
          stabilizedReason: normalized.able.reason === 'ReadyForNewScale' ? undefined : normalized.able.reason,
          limitReason: normalized.limited.active ? normalized.limited.reason : undefined,
        }),
        cause: winner?.observed ?? '',
        formula: winner?.formula,
        holds: [...normalized.holds, ...house.holds],
        failures: combined.error,
      },
    ),
    branch: 'metrics',
    state: normalized.state,
    conditions: metricConditions(draft, { combined, normalized, house }),
    proposed,
    rescaleReason: best > from ? `${winner?.name ?? ''} above target` : best < from ? 'All metrics below target' : '',
    events,
    error: combined.error,
  };
}

function metricConditions(
  { input, conditions }: Draft,
  parts: { readonly combined: Combined; readonly normalized: Normalized; readonly house: HouseVerdict },
): Condition[] {
  const { able, limited } = parts.normalized;
  const winner = parts.combined.winner;
  const active = withCondition(input, conditions, {
    type: 'ScalingActive',
    status: 'True',
    reason: 'ValidMetricFound',
    message: `a replica count was computed from ${winner?.name ?? 'a metric'}: ${winner?.observed ?? ''}${outageText(parts.combined)}`,
  });
  const ready = withCondition(input, active, { type: 'AbleToScale', status: 'True', reason: able.reason, message: able.message });
  return withCondition(input, ready, {
    type: 'ScalingLimited',
    status: limited.active ? 'True' : 'False',
    reason: limited.reason,
    message: limited.message,
  });
}

/** An outage is said from its first moment, also while the last values are young enough to be used. */
function outageText({ outcomes }: Combined): string {
  const degraded = outcomes.flatMap((each) => (each.ok && each.degraded !== undefined ? [each.degraded] : []))[0];
  if (degraded === undefined) return '';
  const since = degraded.since === undefined ? '' : ` since ${clockText(degraded.since)}`;
  return `; incomplete (${degraded.reason}${since}), so nothing shrinks: ${degraded.detail}`;
}

function houseInput({ spec, scale, history, conflict, now, config }: EvaluationInput, to: number) {
  return { spec, from: scale.specReplicas, to, history, conflict, now, config };
}

function failureEvent(each: MetricFailure): EventNote {
  return { type: 'Warning', reason: each.reason, message: `${each.subject}: ${each.message}` };
}

function metricStep(each: MetricOutcome): TraceStep {
  if (each.ok) return { step: 'metric', message: `${capitalized(each.observed)}: ${each.formula}`, values: each.values };
  const groups = each.groups;
  const missing = groups === undefined || groups.missing.length === 0 ? '' : ` (without a sample: ${namesText(groups.missing)})`;
  return {
    step: 'metric',
    message: `${capitalized(each.subject)} is unknown: ${each.message}${missing}`,
    values: {
      metric: each.subject,
      failed: true,
      kind: each.kind,
      reason: each.reason,
      unknown: each.unknown ?? null,
      since: each.since ?? null,
      ...(groups === undefined
        ? {}
        : {
            readyPods: groups.readyCount,
            unreadyPods: groups.unready.length,
            missingPods: groups.missing.length,
            ignoredPods: groups.ignored.length,
          }),
    },
  };
}

function combinedStep({ winner, failures, outcomes }: Combined, best: number): TraceStep {
  const failed = failures.length === 0 ? '' : `; ${failures.length} of ${outcomes.length} metrics failed, so nothing would shrink`;
  return {
    step: 'wanted',
    message: `${winner?.name ?? 'No metric'} asks for most: ${replicasText(best)}${failed}`,
    values: { wanted: best, metric: winner?.name ?? null, metrics: outcomes.length, failedMetrics: failures.length },
  };
}

interface OutcomeFacts extends Pick<DecisionFacts, 'cause' | 'formula' | 'failures'> {
  readonly to: number;
  readonly wanted: number | null;
  readonly reason: string;
  readonly holds: readonly Hold[];
  /** When the cause says already what the holds say. */
  readonly sentenceHolds?: readonly Hold[];
}

/** The parts that every branch fills alike. */
function outcome({ input, state, conditions, trace }: Draft, facts: OutcomeFacts): Omit<Evaluation, 'branch'> {
  const from = input.scale.specReplicas;
  const { to, wanted, reason, holds } = facts;
  const { cause, formula, failures } = facts;
  const message = decisionSentence({
    from,
    to,
    cause,
    formula,
    failures,
    holds: facts.sentenceHolds ?? holds,
    cooldown: input.spec.cooldown,
    now: input.now,
  });
  const decision: Decision = {
    controller: 'hpa',
    subject: input.subject,
    target: input.target,
    at: input.now,
    from,
    to,
    wanted,
    reason,
    message,
    holds,
    trace: [...trace, { step: 'decision', message: capitalized(message), values: { from, to, wanted, reason } }],
  };
  return {
    decision,
    write: to === from ? undefined : to,
    proposed: to,
    rescaleReason: '',
    state,
    conditions,
    currentMetrics: [],
    targets: undefined,
    events: [],
    metricLabels: [],
    error: undefined,
  };
}
