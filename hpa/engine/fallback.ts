import { formatTime, removeCondition, type Condition } from '../../core/model/condition.ts';
import type { TraceStep } from '../../core/model/decision.ts';
import { withCondition } from './condition-update.ts';
import type { MetricFailure, MetricProposal } from './metric.ts';
import type { EvaluationInput, EventNote, FailureCount } from './model.ts';
import type { FallbackBehavior, FallbackPolicy } from './spec.ts';
import { capitalized, replicasText } from './text.ts';

/** What stands in for one failed metric. */
export interface ActiveFallback {
  readonly failure: MetricFailure;
  readonly count: FailureCount;
  /** `undefined` for Hold: nothing is proposed, and the failure keeps the target from shrinking. */
  readonly proposal: MetricProposal | undefined;
}

/** The fallbacks of one evaluation. */
export interface FallbackState {
  readonly policy: FallbackPolicy;
  readonly active: readonly ActiveFallback[];
}

/**
 * What stands in for a metric, given how often it has failed in a row; `undefined` before the threshold. From zero replicas `CurrentReplicas` and
 * `CurrentReplicasIfLower` keep the target asleep, the others wake it.
 */
export function fallbackFor(
  policy: FallbackPolicy,
  { failure, count }: { readonly failure: MetricFailure; readonly count: FailureCount },
  current: number,
): ActiveFallback | undefined {
  if (count.failures < policy.failureThreshold) return undefined;
  const replicas = fallbackReplicas(policy, current);
  if (replicas === undefined) return { failure, count, proposal: undefined };
  const formula = formulaOf(policy, { replicas, current });
  const proposal: MetricProposal = {
    ok: true,
    type: failure.type as MetricProposal['type'],
    replicas,
    name: `fallback ${policy.behavior} for ${failure.subject}`,
    status: {},
    subject: failure.subject,
    measured: 'unknown',
    observed: `${failure.subject} unknown, fallback ${policy.behavior}`,
    short: `${failure.subject} unknown`,
    formula,
    values: { metric: failure.subject, fallback: policy.behavior, failures: count.failures, since: count.since, replicas },
    keptByGaps: false,
    fallback: true,
  };
  return { failure, count, proposal };
}

function fallbackReplicas({ behavior, replicas = 0 }: FallbackPolicy, current: number): number | undefined {
  switch (behavior) {
    case 'Static':
      return replicas;
    case 'CurrentReplicas':
      return current;
    case 'CurrentReplicasIfHigher':
      return Math.max(current, replicas);
    case 'CurrentReplicasIfLower':
      return Math.min(current, replicas);
    case 'Hold':
      return undefined;
  }
}

function formulaOf(
  { behavior, replicas = 0 }: FallbackPolicy,
  { replicas: result, current }: { readonly replicas: number; readonly current: number },
): string {
  switch (behavior) {
    case 'CurrentReplicasIfHigher':
      return `${result} = max(${current} now, ${replicas})`;
    case 'CurrentReplicasIfLower':
      return `${result} = min(${current} now, ${replicas})`;
    case 'Static':
    case 'CurrentReplicas':
    case 'Hold':
      return replicasText(result);
  }
}

/** These two may ask for fewer replicas than there are; neither is a default, so somebody has written it. */
const mayShrink: ReadonlySet<FallbackBehavior> = new Set(['Static', 'CurrentReplicasIfLower']);

/** The trace of what stands in for failed metrics. */
export function fallbackSteps({ policy, active }: FallbackState, current: number): TraceStep[] {
  return active.map(({ failure, count, proposal }) => {
    const shrinks = proposal !== undefined && proposal.replicas < current;
    const result = proposal === undefined ? 'nothing shrinks until it is known again' : proposal.formula;
    const leave = shrinks && mayShrink.has(policy.behavior) ? shrinkText(policy) : '';
    return {
      step: 'fallback',
      message: `${capitalized(failure.subject)} ${failedText(count, policy)}: fallback ${policy.behavior} stands in for it, ${result}${leave}`,
      values: {
        metric: failure.subject,
        behavior: policy.behavior,
        failures: count.failures,
        failureThreshold: policy.failureThreshold,
        since: count.since,
        replicas: proposal?.replicas ?? null,
        shrinks,
      },
    };
  });
}

function shrinkText({ behavior }: FallbackPolicy): string {
  return `; this may shrink on unknown data, because the policy says ${behavior}`;
}

function failedText({ failures, since }: FailureCount, { failureThreshold }: FallbackPolicy): string {
  return `has failed in every evaluation since ${formatTime(since)} (${failures}${failures < failureThreshold ? '' : ' or more'})`;
}

/** Said once, and again after it was over: the caller does not repeat a warning that stands. */
export function fallbackEvents({ policy, active }: FallbackState): EventNote[] {
  return active.map(({ failure, count }) => ({
    type: 'Warning',
    reason: 'FallbackActive',
    message: `${failure.subject} ${failedText(count, policy)}; fallback ${policy.behavior} stands in for it: ${failure.message}`,
  }));
}

/** FallbackActive: True while something stands in; left as it is while no metric was read; absent without a fallback. */
export function fallbackCondition(
  input: EvaluationInput,
  state: FallbackState | undefined,
  conditions: readonly Condition[],
): readonly Condition[] {
  if (input.spec.fallback === undefined) return removeCondition(conditions, 'FallbackActive');
  if (state === undefined) return conditions;
  const { active, policy } = state;
  if (active.length === 0) {
    return withCondition(input, conditions, {
      type: 'FallbackActive',
      status: 'False',
      reason: 'NoFallback',
      message: `no metric has failed ${policy.failureThreshold} times in a row`,
    });
  }
  const failed = active.map(({ failure, count }) => `${failure.subject} ${failedText(count, policy)}`).join(', ');
  const asked = active.find(({ proposal }) => proposal !== undefined)?.proposal;
  const shrinks = asked !== undefined && asked.replicas < input.scale.specReplicas && mayShrink.has(policy.behavior);
  const effect =
    asked === undefined ? 'nothing shrinks until it is known again' : `${policy.behavior} asks for ${replicasText(asked.replicas)}`;
  return withCondition(input, conditions, {
    type: 'FallbackActive',
    status: 'True',
    reason: policy.behavior,
    message: `${failed}: ${effect}${shrinks ? shrinkText(policy) : ''}`,
  });
}
