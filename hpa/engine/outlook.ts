import { formatTime } from '../../core/model/condition.ts';
import type { Hold } from '../../core/model/decision.ts';
import { effectiveBounds, maxText, minText, scheduleText, type EffectiveBounds } from './effective-bounds.ts';
import type { Evaluation } from './evaluation.ts';
import type { FallbackState } from './fallback.ts';
import { evaluateMetric, type MetricFailure, type MetricProposal } from './metric.ts';
import { metricContext } from './metric-context.ts';
import type { EvaluationInput, MetricResult } from './model.ts';
import { prepared } from './prepared-input.ts';
import { clockText, replicasText } from './text.ts';
import { scaleDownThreshold, scaleUpThreshold, type MeasuredMetric, type Threshold } from './threshold.ts';

/** When a metric would ask for another size. */
export type Turn =
  /** It does so now. */
  | { readonly kind: 'now'; readonly replicas: number }
  | { readonly kind: 'at'; readonly replicas: number; readonly value: string; readonly totalMilli: string }
  | { readonly kind: 'never'; readonly why: string };

export interface MetricOutlook {
  /** `cpu` */
  readonly metric: string;
  /** `86 % of request`, or why it is not known. */
  readonly now: string;
  readonly known: boolean;
  /** `undefined` when it is not known. */
  readonly replicas: number | undefined;
  readonly up: Turn;
  readonly down: Turn;
}

/** What would have to be another for the decision to be another. */
export interface Outlook {
  readonly metrics: readonly MetricOutlook[];
  /** What held the decision, the first to end first; those without an end last. */
  readonly holds: readonly Hold[];
  /** When the schedules move the bounds next, epoch milliseconds. */
  readonly boundsChangeAt: number | undefined;
  /** All of it in sentences, for people. */
  readonly lines: readonly string[];
}

/**
 * The nearest loads at which each metric would ask for one replica more or less than there are, tolerance and rounding included, found by asking the same calculation;
 * with what holds the target until when. Growing takes one metric; shrinking takes all of them.
 */
export function whatWouldChange(
  given: EvaluationInput,
  { decision, branch, fallback }: Pick<Evaluation, 'decision' | 'branch' | 'fallback'>,
): Outlook {
  const input = prepared(given);
  const bounds = effectiveBounds(input.spec, input.now);
  const read = branch === 'metrics' || branch === 'failed';
  const metrics = read && input.selector.ok ? metricOutlooks(input, bounds, fallback) : [];
  const holds = decision.holds.toSorted((a, b) => (a.until ?? Infinity) - (b.until ?? Infinity));
  const boundsChangeAt = bounds.schedules?.nextChangeAt;
  const lines = [
    ...(read ? loadLines(metrics, input.scale.specReplicas) : [decision.message]),
    ...holds.map(holdLine),
    ...(bounds.schedules === undefined
      ? []
      : [`${scheduleText(bounds.schedules)}${boundsChangeAt === undefined ? '' : `; next change at ${formatTime(boundsChangeAt)}`}`]),
  ];
  return { metrics, holds, boundsChangeAt, lines };
}

function metricOutlooks(input: EvaluationInput, bounds: EffectiveBounds, fallback: FallbackState | undefined): MetricOutlook[] {
  const context = metricContext(input);
  const limits = limitsOf(input, bounds);
  return input.spec.metrics.map((spec, index) => {
    const result = input.results[index] ?? notAsked;
    const outcome = evaluateMetric(spec, result, context);
    const standIn = fallback?.active.find(({ count }) => count.index === index)?.proposal;
    if (!outcome.ok) return unknownOutlook(outcome, standIn, context.currentReplicas);
    const measured: MeasuredMetric = { spec, result, proposal: outcome, context };
    const { replicas } = outcome;
    const current = context.currentReplicas;
    return {
      metric: outcome.subject,
      now: outcome.measured,
      known: true,
      replicas,
      up: limits.up ?? (replicas > current ? { kind: 'now', replicas } : turnAt(scaleUpThreshold(measured))),
      down: limits.down ?? (replicas < current ? { kind: 'now', replicas } : turnAt(scaleDownThreshold(measured))),
    };
  });
}

const notAsked: MetricResult = { kind: 'failure', message: 'the metric was not asked for', reason: 'not-observed' };

/** A fallback asks for what it asks for, whatever the load. */
function unknownOutlook({ subject, message }: MetricFailure, standIn: MetricProposal | undefined, current: number): MetricOutlook {
  const never: Turn = { kind: 'never', why: `${subject} is unknown` };
  const base = { metric: subject, now: message, known: false, up: never, down: never };
  if (standIn === undefined) return { ...base, replicas: undefined };
  const { replicas } = standIn;
  const now: Turn = { kind: 'now', replicas };
  return {
    ...base,
    now: `${message}; ${standIn.observed}`,
    replicas,
    up: replicas > current ? now : never,
    down: replicas < current ? now : never,
  };
}

function turnAt(threshold: Threshold | undefined): Turn {
  if (threshold === undefined) return { kind: 'never', why: 'no load leads there' };
  const { replicas, value, totalMilli } = threshold;
  return { kind: 'at', replicas, value, totalMilli: String(totalMilli) };
}

/** What keeps the size whatever the load. */
function limitsOf(
  { spec, scale }: EvaluationInput,
  bounds: EffectiveBounds,
): { readonly up: Turn | undefined; readonly down: Turn | undefined } {
  const never = (why: string): Turn => ({ kind: 'never', why });
  const current = scale.specReplicas;
  const up = current >= bounds.max ? never(`${maxText(bounds)} is reached`) : undefined;
  const down = current <= bounds.min ? never(`${minText(bounds)} is reached`) : undefined;
  return {
    up: spec.behavior?.scaleUp.selectPolicy === 'Disabled' ? never('behavior.scaleUp is Disabled') : up,
    down: spec.behavior?.scaleDown.selectPolicy === 'Disabled' ? never('behavior.scaleDown is Disabled') : down,
  };
}

function loadLines(metrics: readonly MetricOutlook[], current: number): string[] {
  return [...metrics.map((each) => upLine(each, current)), ...downLines(metrics)].filter((line) => line !== undefined);
}

function upLine({ metric, now, known, up }: MetricOutlook, current: number): string | undefined {
  if (!known && up.kind !== 'now') return `${metric} is unknown (${now}): it can ask for more only when it is known again`;
  switch (up.kind) {
    case 'now':
      return `${metric} asks for ${replicasText(up.replicas)} now`;
    case 'at':
      return `${current === 0 ? 'Wakes' : 'Grows'} to ${replicasText(up.replicas)} when ${metric} reaches ${up.value} (now ${now})`;
    case 'never':
      return `${metric} (now ${now}) cannot make it grow: ${up.why}`;
  }
}

/** Shrinking takes every metric: those that do not ask for it are named. */
function downLines(metrics: readonly MetricOutlook[]): string[] {
  const keeping = metrics.filter(({ down }) => down.kind !== 'now');
  if (keeping.length === 0) return metrics.length === 0 ? [] : ['All metrics ask for fewer replicas now'];
  const unknown = keeping.filter(({ known }) => !known).map(({ metric }) => `${metric} is known again`);
  const never = keeping.find(({ known, down }) => known && down.kind === 'never');
  if (never?.down.kind === 'never') return [`Does not shrink by load: ${never.down.why}`];
  const falls = keeping.flatMap(({ metric, down, now }) => (down.kind === 'at' ? [`${metric} falls to ${down.value} (now ${now})`] : []));
  return [`Shrinks when ${[...falls, ...unknown].join(' and ')}`];
}

function holdLine({ by, until, message }: Hold): string {
  return `${until === undefined ? `Held (${by})` : `Held until ${clockText(until)} (${by})`}: ${message}`;
}
