import { matchesSelector, projectPdb, type Interner, type KubeObject, type PdbRecord, type PodRecord } from '../../core/model/index.ts';

/** A budget as the disruption controller counts it: bound pods that are not being deleted are healthy. Counts only, no percentages: scenes have none. */
export function countBudget(raw: KubeObject, pods: readonly PodRecord[], interner: Interner): PdbRecord {
  const budget = projectPdb(raw, interner);
  const mine = pods.filter((pod) => pod.deleted === undefined && covers(budget, pod));
  const healthy = mine.filter(({ nodeName }) => nodeName !== undefined).length;
  const { minAvailable, maxUnavailable } = raw.spec as { readonly minAvailable?: number; readonly maxUnavailable?: number };
  const desired = minAvailable ?? mine.length - (maxUnavailable ?? 0);
  return {
    ...budget,
    disruptionsAllowed: Math.max(0, healthy - desired),
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: mine.length,
  };
}

export function covers(budget: PdbRecord, pod: PodRecord): boolean {
  return pod.namespace === budget.namespace && matchesSelector(budget.selector, pod.labels);
}
