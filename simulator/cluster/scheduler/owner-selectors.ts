import { type KubeObject, type ResourceType, resourceTypes } from '../../../core/model/object.ts';
import type { Registry } from '../api-server/types.ts';
import type { LabelSelector } from '../controllers/kinds.ts';
import { compileSelector, type LabelMatcher } from '../controllers/runtime/label-selector.ts';
import type { PodInfo } from './pod-info.ts';

const owners: Readonly<Record<string, ResourceType>> = { ReplicaSet: resourceTypes.replicaSets, StatefulSet: resourceTypes.statefulSets };

/** The selectors of ReplicaSets and StatefulSets by which their pods are spread when they do not say how. Services are not looked at. */
export function createOwnerSelectors(registry: Registry): (pod: PodInfo) => LabelMatcher | undefined {
  const compiled = new WeakMap<object, LabelMatcher>();
  return ({ owner, namespace }) => {
    const type = owner === undefined ? undefined : owners[owner.kind];
    if (owner === undefined || type === undefined) return undefined;
    const found: KubeObject | undefined = registry.get(type, namespace, owner.name);
    const selector = (found?.spec as { selector?: LabelSelector } | undefined)?.selector;
    if (found?.metadata.uid !== owner.uid || selector === undefined) return undefined;
    let matches = compiled.get(selector);
    if (matches === undefined) {
      matches = compileSelector(selector);
      compiled.set(selector, matches);
    }
    return matches;
  };
}
