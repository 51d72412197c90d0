import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf } from '../json.ts';
import type { LabelSelectorShape, PodAffinity, PodAffinityTerm, PodSpec } from './shapes.ts';

interface Merged {
  readonly labelSelector?: LabelSelectorShape;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/**
 * Puts the values that a new pod has under `matchLabelKeys` and `mismatchLabelKeys` into the selectors beside them, once, as the server stores it: `key in (value)` and
 * `key notin (value)`. Without a selector there is nothing to add to, and a key that the pod does not have is left out. Replaces what it changes.
 */
export function mergeLabelKeys(pod: KubeObject): void {
  const spec = objectOf(pod.spec) as PodSpec;
  const labels = pod.metadata.labels ?? {};
  const { affinity, topologySpreadConstraints } = spec;
  if (affinity?.podAffinity === undefined && affinity?.podAntiAffinity === undefined && topologySpreadConstraints === undefined) return;
  const next: PodSpec = { ...spec };
  if (affinity !== undefined) {
    next.affinity = { ...affinity };
    for (const part of ['podAffinity', 'podAntiAffinity'] as const) {
      if (affinity[part] !== undefined) next.affinity[part] = mergeAffinity(affinity[part], labels);
    }
  }
  if (topologySpreadConstraints !== undefined)
    next.topologySpreadConstraints = topologySpreadConstraints.map((item) => merge(item, labels));
  pod.spec = next;
}

function mergeAffinity(affinity: PodAffinity, labels: Readonly<Record<string, string>>): PodAffinity {
  const result: PodAffinity = { ...affinity };
  const term = (item: PodAffinityTerm): PodAffinityTerm => merge(item, labels);
  if (affinity.requiredDuringSchedulingIgnoredDuringExecution !== undefined) {
    result.requiredDuringSchedulingIgnoredDuringExecution = affinity.requiredDuringSchedulingIgnoredDuringExecution.map(term);
  }
  if (affinity.preferredDuringSchedulingIgnoredDuringExecution !== undefined) {
    result.preferredDuringSchedulingIgnoredDuringExecution = affinity.preferredDuringSchedulingIgnoredDuringExecution.map((item) =>
      item.podAffinityTerm === undefined ? item : { ...item, podAffinityTerm: term(item.podAffinityTerm) },
    );
  }
  return result;
}

function merge<T extends Merged>(item: T, labels: Readonly<Record<string, string>>): T {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = item;
  if (labelSelector === undefined) return item;
  const expressions = [...requirements(matchLabelKeys, 'In', labels), ...requirements(mismatchLabelKeys, 'NotIn', labels)];
  if (expressions.length === 0) return item;
  return { ...item, labelSelector: { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...expressions] } };
}

function requirements(
  keys: readonly string[],
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): { key: string; operator: string; values: string[] }[] {
  return keys.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}
