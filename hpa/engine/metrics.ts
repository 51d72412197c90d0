import type { MetricOutcome, MetricFailure, MetricProposal, MetricContext } from './metric.ts';
import { evaluateMetric } from './metric.ts';
import type { MetricLabels, MetricResult, MetricSpec } from './model.ts';

/** What all metrics together ask for (§6). */
export interface Combined {
  readonly outcomes: readonly MetricOutcome[];
  /** Replicas that the highest proposal asks for; `undefined` when it is not known well enough to act on. */
  readonly best: number | undefined;
  /** The metric that asks for most. */
  readonly winner: MetricProposal | undefined;
  readonly failures: readonly MetricFailure[];
  /** Text of the first failure, with the count; `undefined` when all metrics worked. */
  readonly error: string | undefined;
  readonly labels: readonly MetricLabels[];
}

/** Evaluates the metrics in order: the largest proposal wins; a failed one blocks shrinking but not growing. */
export function combineMetrics(
  specs: readonly MetricSpec[],
  results: readonly MetricResult[],
  options: { readonly context: MetricContext; readonly previousReplicas: number },
): Combined {
  const { context, previousReplicas } = options;
  const outcomes = specs.map((spec, index) => evaluateMetric(spec, results[index] ?? notAsked, context));
  let best = 0;
  let winner: MetricProposal | undefined;
  const failures: MetricFailure[] = [];
  for (const outcome of outcomes) {
    if (!outcome.ok) failures.push(outcome);
    else if (best === 0 || outcome.replicas > best) {
      best = outcome.replicas;
      winner = outcome;
    }
  }
  const first = failures[0];
  const blocked = winner === undefined || (first !== undefined && best < context.currentReplicas);
  return {
    outcomes,
    best: blocked ? undefined : best,
    winner,
    failures,
    error: first === undefined ? undefined : failureText(first, failures.length, specs.length),
    labels: outcomes.map((outcome) => labelsOf(outcome, previousReplicas)),
  };
}

const notAsked: MetricResult = { kind: 'failure', message: 'the metric was not asked for', reason: 'not-observed' };

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
