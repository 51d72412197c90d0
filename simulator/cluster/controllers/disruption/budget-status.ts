import { formatTime, parseTime } from '../../../../core/model/condition.ts';
import { conditionOf, isReady, type IntOrPercent, type Pod, type PodDisruptionBudget, type StatusCondition } from '../kinds.ts';
import { resolveIntOrPercent } from '../runtime/int-or-percent.ts';

/** How long an eviction that was granted counts before the pod must show that it is going. */
export const disruptionTimeoutMs = 120_000;

export type BudgetStatus = NonNullable<PodDisruptionBudget['status']>;

export interface BudgetFacts {
  readonly pods: readonly Pod[];
  /** Replicas wanted by the owners of the pods; a text when an owner's scale cannot be found. */
  readonly scale: () => number | string;
  readonly now: number;
}

/** The status that the budget should have, given its stored one (evictions write there too). A failure keeps the figures and allows nothing. */
export function budgetStatus(budget: PodDisruptionBudget, facts: BudgetFacts): BudgetStatus {
  const observedGeneration = budget.metadata.generation ?? 1;
  const demand = demandOf(budget, facts);
  if (typeof demand === 'string') {
    const failed = { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: demand };
    return {
      ...figuresOf(budget.status),
      ...(budget.status?.disruptedPods === undefined ? {} : { disruptedPods: budget.status.disruptedPods }),
      disruptionsAllowed: 0,
      observedGeneration,
      conditions: put(budget, failed, facts.now),
    };
  }
  const disruptedPods = stillDisrupted(budget.status?.disruptedPods ?? {}, facts);
  const currentHealthy = facts.pods.filter((pod) => isHealthy(pod, disruptedPods, facts.now)).length;
  const { expectedPods, desiredHealthy } = demand;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const condition =
    disruptionsAllowed > 0
      ? { type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '' }
      : { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '' };
  return {
    observedGeneration,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    expectedPods,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    conditions: put(budget, condition, facts.now),
  };
}

function figuresOf(status: BudgetStatus | undefined): Required<Pick<BudgetStatus, 'expectedPods' | 'currentHealthy' | 'desiredHealthy'>> {
  const { expectedPods = 0, currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return { expectedPods, currentHealthy, desiredHealthy };
}

function demandOf(budget: PodDisruptionBudget, facts: BudgetFacts): { expectedPods: number; desiredHealthy: number } | string {
  const { maxUnavailable, minAvailable } = budget.spec;
  if (maxUnavailable === undefined && typeof minAvailable === 'number') {
    return { expectedPods: facts.pods.length, desiredHealthy: minAvailable };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) return { expectedPods: facts.pods.length, desiredHealthy: 0 };
  const expectedPods = facts.scale();
  if (typeof expectedPods === 'string') return expectedPods;
  const resolve = (value: IntOrPercent): number | undefined => resolveIntOrPercent(value, expectedPods, 'up');
  if (maxUnavailable !== undefined) {
    const limit = resolve(maxUnavailable);
    return limit === undefined
      ? `maxUnavailable is ${maxUnavailable}: not a number or percentage`
      : { expectedPods, desiredHealthy: Math.max(0, expectedPods - limit) };
  }
  const least = resolve(minAvailable ?? 0);
  return least === undefined
    ? `minAvailable is ${String(minAvailable)}: not a number or percentage`
    : { expectedPods, desiredHealthy: least };
}

function isHealthy(pod: Pod, disrupted: Readonly<Record<string, string>>, now: number): boolean {
  if (pod.metadata.deletionTimestamp !== undefined || !isReady(pod)) return false;
  const at = parseTime(disrupted[pod.metadata.name]);
  return at === undefined || at + disruptionTimeoutMs <= now;
}

/** Granted evictions of pods that are still there, not yet going, and not too old. */
function stillDisrupted(disrupted: Readonly<Record<string, string>>, { pods, now }: BudgetFacts): Record<string, string> {
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  return Object.fromEntries(
    Object.entries(disrupted).filter(([name, time]) => {
      const pod = byName.get(name);
      const at = parseTime(time);
      return pod !== undefined && pod.metadata.deletionTimestamp === undefined && at !== undefined && at + disruptionTimeoutMs > now;
    }),
  );
}

function put(budget: PodDisruptionBudget, next: StatusCondition, now: number): StatusCondition[] {
  const present = conditionOf(budget.status?.conditions, next.type);
  const since = present?.status === next.status ? present.lastTransitionTime : undefined;
  const others = (budget.status?.conditions ?? []).filter(({ type }) => type !== next.type);
  const lastTransitionTime = since ?? formatTime(now);
  return [...others, { ...next, lastTransitionTime, observedGeneration: budget.metadata.generation ?? 1 }];
}

/** Milliseconds until the first granted eviction runs out; nothing when there are none. */
export function nextExpiryMs(status: BudgetStatus | undefined, now: number): number | undefined {
  const times = Object.values(status?.disruptedPods ?? {}).flatMap((text) => parseTime(text) ?? []);
  return times.length === 0 ? undefined : Math.max(1, Math.min(...times) + disruptionTimeoutMs - now);
}
