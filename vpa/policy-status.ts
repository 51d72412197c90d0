import { parseTime, type Condition } from '../core/model/condition.ts';
import type { ScalingHistory } from '../core/model/cooldown.ts';
import { resourceTypes, type KubeObject } from '../core/model/object.ts';
import type { ContainerRecommendation, Recommendation } from './model.ts';
import { annotatedHistory } from './policy-annotations.ts';
import { tryAmounts } from './policy-amounts.ts';
import type { VerticalPolicyStatus } from './policy-schema.ts';

/** A VerticalPodAutoscaler, not a VerticalPolicy. */
export function isNativeVpa(raw: KubeObject): boolean {
  const { kind, group } = resourceTypes.verticalPodAutoscalers;
  return raw.kind === undefined ? (raw.apiVersion ?? '').startsWith(`${group}/`) : raw.kind === kind;
}

/** `status` as the schema of a VerticalPolicy names it; `{}` when there is none. A VerticalPodAutoscaler has a part of it. */
export function statusOf(raw: KubeObject): Partial<VerticalPolicyStatus> {
  return typeof raw.status === 'object' && raw.status !== null ? (raw.status as Partial<VerticalPolicyStatus>) : {};
}

/** Stored conditions; anything malformed reads as absent. */
export function conditionsOf(raw: KubeObject): readonly Condition[] {
  const stored: unknown = statusOf(raw).conditions;
  return Array.isArray(stored) ? stored.filter((each): each is Condition => typeof each === 'object' && each !== null) : [];
}

/**
 * `status.recommendation`, sorted by container name; `undefined` unless the condition RecommendationProvided is True. A container whose target cannot be read is
 * left out; a bound that cannot be read is absent.
 */
export function recommendationOf(raw: KubeObject): Recommendation | undefined {
  if (!isProvided(raw)) return undefined;
  const stored: unknown = statusOf(raw).recommendation?.containerRecommendations;
  if (!Array.isArray(stored)) return undefined;
  const containers = stored.map(containerOf).filter((each) => each !== undefined);
  return { containers: containers.toSorted((a, b) => (a.container < b.container ? -1 : a.container > b.container ? 1 : 0)) };
}

/** The condition RecommendationProvided is True. */
export function isProvided(raw: KubeObject): boolean {
  return conditionsOf(raw).some(({ type, status }) => type === 'RecommendationProvided' && status === 'True');
}

function containerOf(stored: unknown): ContainerRecommendation | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { containerName, target, lowerBound, upperBound, uncappedTarget } = stored as Readonly<Record<string, unknown>>;
  const amounts = tryAmounts(target);
  if (typeof containerName !== 'string' || amounts === undefined) return undefined;
  return {
    container: containerName,
    target: amounts,
    lowerBound: tryAmounts(lowerBound) ?? {},
    upperBound: tryAmounts(upperBound) ?? {},
    uncappedTarget: tryAmounts(uncappedTarget) ?? {},
  };
}

/** When pods of the workload were last updated, so that cooldowns outlive a restart: from status, or for a VerticalPodAutoscaler from its annotations. */
export function historyOf(raw: KubeObject): ScalingHistory {
  if (isNativeVpa(raw)) return annotatedHistory(raw);
  const { lastScaleUpTime, lastScaleDownTime } = statusOf(raw);
  return { lastScaleUp: timeOf(lastScaleUpTime), lastScaleDown: timeOf(lastScaleDownTime) };
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseTime(value) : undefined;
}
