import { countFailures, type FailedMetric } from './failure-counts.ts';
import { fallbackFor, type ActiveFallback, type FallbackState } from './fallback.ts';
import type { MetricOutcome, MetricFailure, MetricProposal, MetricContext } from './metric.ts';
import { evaluateMetric } from './metric.ts';
import type { FailureCount, MetricLabels, MetricResult, MetricSpec, ScalingSpec } from './model.ts';
import { isOutage } from './outage.ts';
import { isPodMetric } from './zero.ts';

/** What all metrics together ask for (§6). */
export interface Combined {
  readonly outcomes: readonly MetricOutcome[];
  /** Replicas that the highest proposal asks for; `undefined` when it is not known well enough to act on. */
  readonly best: number | undefined;
  /** The metric, or the fallback in its place, that asks for most. */
  readonly winner: MetricProposal | undefined;
  /** Of metrics that should have worked: what is measured in pods is not expected at zero replicas. */
  readonly failures: readonly MetricFailure[];
  /** Failed metrics in whose place nothing stands: they keep the target from shrinking. */
  readonly unresolved: readonly MetricFailure[];
  /** Text of the first failure, with the count; `undefined` when all metrics worked. */
  readonly error: string | undefined;
  readonly labels: readonly MetricLabels[];
  /** How often each failed metric has failed in a row. */
  readonly counts: readonly FailureCount[];
  readonly fallback: FallbackState | undefined;
}

export interface CombineOptions {
  readonly context: MetricContext;
  readonly previousReplicas: number;
  readonly spec: Pick<ScalingSpec, 'native' | 'fallback'>;
  readonly counts: readonly FailureCount[];
}

/**
 * Evaluates the metrics in order: the largest proposal wins; a failed one blocks shrinking but not growing, until a fallback stands in for it. A fallback is one
 * proposal among the others, so it never takes away what a metric that works asks for.
 */
export function combineMetrics(specs: readonly MetricSpec[], results: readonly MetricResult[], options: CombineOptions): Combined {
  const { context, previousReplicas, spec } = options;
  const current = context.currentReplicas;
  const outcomes = specs.map((metric, index) => evaluateMetric(metric, results[index] ?? notAsked, context));
  const failed = failedMetrics(specs, outcomes, { current, native: spec.native });
  const outages = failed.filter(({ index, failure }) => isOutage(failure, specs[index], context));
  const counts = countFailures(options.counts, outages, {
    limit: spec.fallback?.failureThreshold ?? 1,
    now: context.now,
    spacingMs: context.config.failureSpacingMs,
  });
  const stands = standIns(failed, counts, { fallback: spec.fallback, current });
  const { best, winner } = highest(outcomes, stands);
  const failures = failed.map(({ failure }) => failure);
  const resolved = new Set([...stands.values()].flatMap(({ failure, proposal }) => (proposal === undefined ? [] : [failure])));
  const unresolved = failures.filter((failure) => !resolved.has(failure));
  const first = failures[0];
  const blocked = winner === undefined || (unresolved.length > 0 && best < current);
  return {
    outcomes,
    best: blocked ? undefined : best,
    winner,
    failures,
    unresolved,
    error: first === undefined ? undefined : failureText(first, failures.length, specs.length),
    labels: outcomes.map((outcome) => labelsOf(outcome, previousReplicas)),
    counts,
    fallback: spec.fallback === undefined ? undefined : { policy: spec.fallback, active: [...stands.values()] },
  };
}

const notAsked: MetricResult = { kind: 'failure', message: 'the metric was not asked for', reason: 'not-observed' };

interface Failed extends FailedMetric {
  readonly failure: MetricFailure;
}

function failedMetrics(
  specs: readonly MetricSpec[],
  outcomes: readonly MetricOutcome[],
  { current, native }: { readonly current: number; readonly native: boolean },
): readonly Failed[] {
  const failed: Failed[] = [];
  for (const [index, failure] of outcomes.entries()) {
    if (failure.ok) continue;
    const metric = specs[index];
    if (!native && current === 0 && metric !== undefined && isPodMetric(metric)) continue;
    failed.push({ index, metric: `${failure.type} ${failure.subject}`, failure });
  }
  return failed;
}

function standIns(
  failed: readonly Failed[],
  counts: readonly FailureCount[],
  { fallback, current }: { readonly fallback: ScalingSpec['fallback']; readonly current: number },
): ReadonlyMap<number, ActiveFallback> {
  const stands = new Map<number, ActiveFallback>();
  if (fallback === undefined) return stands;
  for (const { index, failure } of failed) {
    const count = counts.find((each) => each.index === index);
    const active = count === undefined ? undefined : fallbackFor(fallback, { failure, count }, current);
    if (active !== undefined) stands.set(index, active);
  }
  return stands;
}

function highest(
  outcomes: readonly MetricOutcome[],
  stands: ReadonlyMap<number, ActiveFallback>,
): { readonly best: number; readonly winner: MetricProposal | undefined } {
  let best = 0;
  let winner: MetricProposal | undefined;
  for (const [index, outcome] of outcomes.entries()) {
    const proposal = outcome.ok ? outcome : stands.get(index)?.proposal;
    if (proposal !== undefined && (winner === undefined || best === 0 || proposal.replicas > best)) {
      best = proposal.replicas;
      winner = proposal;
    }
  }
  return { best, winner };
}

function failureText(first: MetricFailure, failed: number, total: number): string {
  const text = `${first.subject}: ${first.message}`;
  return total === 1 ? text : `${failed} of ${total} metrics cannot be used; the first is ${text}`;
}

function labelsOf(outcome: MetricOutcome, previousReplicas: number): MetricLabels {
  if (!outcome.ok) return { type: outcome.type, action: 'none', error: outcome.error };
  const { type, replicas } = outcome;
  if (replicas === previousReplicas) return { type, action: 'none', error: 'none' };
  return { type, action: replicas > previousReplicas ? 'scale_up' : 'scale_down', error: 'none' };
}
