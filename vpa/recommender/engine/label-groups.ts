import type { Labels, Selector } from '../../../core/model/selector.ts';

/**
 * Labels that are new in every run or rollout of a workload. They are left out of what aggregates are told apart by, unless a policy's selector asks for them, so that
 * Jobs, CronJobs and rollouts go on with what was learnt and do not fill the memory.
 */
export const perRunLabels: readonly string[] = [
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'job-name',
  'batch.kubernetes.io/job-name',
  'batch.kubernetes.io/job-completion-index',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
];

const bits: ReadonlyMap<string, number> = new Map(perRunLabels.map((label, index) => [label, 1 << index]));

/** The per-run labels that the selector asks for, one bit each. */
export function namedBits(selector: Selector): number {
  let named = 0;
  for (const { key } of selector.requirements) named |= bits.get(key) ?? 0;
  return named;
}

/** Those of them that a pod meets by not having the label. */
export function absentBits(selector: Selector): number {
  let absent = 0;
  for (const { key, operator } of selector.requirements) {
    if (operator === '!' || operator === '!=' || operator === 'notin') absent |= bits.get(key) ?? 0;
  }
  return absent;
}

/** The per-run labels among these, one bit each. */
export function perRunBits(labels: Labels): number {
  let found = 0;
  for (const key in labels) found |= bits.get(key) ?? 0;
  return found;
}

/** The labels without those of the bits; the same object when there is nothing to leave out. */
export function withoutBits(labels: Labels, dropped: number): Labels {
  if (dropped === 0) return labels;
  return Object.fromEntries(Object.entries(labels).filter(([key]) => ((bits.get(key) ?? 0) & dropped) === 0));
}

/** One text for one set of labels, whatever their order. */
export function labelsKey(labels: Labels, dropped: number): string {
  const parts: string[] = [];
  for (const key in labels) {
    if (dropped === 0 || ((bits.get(key) ?? 0) & dropped) === 0) parts.push(`${key}=${labels[key] ?? ''}`);
  }
  return parts.length === 1 ? (parts[0] ?? '') : parts.sort().join(',');
}
