import type { PodRecord } from '../../../core/model/pod.ts';
import type { ResourceList } from '../../../core/model/resource-list.ts';
import type { ContainerRecommendation, EvictionRequirement, SizingPolicy } from '../../model.ts';
import { actualRequests, milliOf } from './amounts.ts';

/**
 * Whether the policy's eviction requirements let the pod be updated (§5.5): some container with a recommendation must meet all of them, or lack a request.
 * A target that is missing counts as 0 for a native object, as upstream has it; otherwise it is neither higher nor lower.
 */
export function meetsRequirements(
  policy: Pick<SizingPolicy, 'hasUpdatePolicy' | 'evictionRequirements' | 'native'>,
  pod: PodRecord,
  containers: readonly ContainerRecommendation[],
): boolean {
  if (!policy.hasUpdatePolicy) return true;
  return pod.shape.containers.some(({ name }) => {
    const recommendation = containers.find((each) => each.container === name);
    if (recommendation === undefined) return false;
    const requests = actualRequests(pod, name);
    if (requests['cpu'] === undefined || requests['memory'] === undefined) return true;
    return policy.evictionRequirements.every((requirement) => isMet(requirement, { requests, recommendation, native: policy.native }));
  });
}

function isMet(
  { resources, changeRequirement }: EvictionRequirement,
  {
    requests,
    recommendation,
    native,
  }: { readonly requests: ResourceList; readonly recommendation: ContainerRecommendation; readonly native: boolean },
): boolean {
  return resources.some((resource) => {
    const target = recommendation.target[resource] ?? (native ? 0 : undefined);
    const request = requests[resource] ?? (native ? 0 : undefined);
    if (target === undefined || request === undefined) return false;
    const difference = milliOf(resource, target) - request;
    return changeRequirement === 'TargetHigherThanRequests' ? difference > 0 : difference < 0;
  });
}
