import type { Amounts, ContainerRecommendation } from '../../model.ts';
import type { KnownPolicy, WorkloadFacts } from '../../ports.ts';

/** The policy with only what it is to move now: no resource that it leaves to somebody else, no container that it is told to ignore. */
export function effectivePolicy(
  known: KnownPolicy,
  { yields, workload }: { readonly yields: ReadonlyMap<string, string>; readonly workload: WorkloadFacts | undefined },
): KnownPolicy {
  const { recommendation, policy } = known;
  if (recommendation === undefined) return known;
  const template = policy.injectedContainers === 'Ignore' ? workload?.templateContainers : undefined;
  if (yields.size === 0 && template === undefined) return known;
  const containers = recommendation.containers
    .filter(({ container }) => template === undefined || template.includes(container))
    .map((each) => withoutResources(each, yields));
  return { ...known, recommendation: { containers } };
}

/** The recommendation of a container without some resources. */
export function withoutResources(
  recommendation: ContainerRecommendation,
  resources: ReadonlySet<string> | ReadonlyMap<string, unknown>,
): ContainerRecommendation {
  if (resources.size === 0) return recommendation;
  const without = (amounts: Amounts): Amounts =>
    Object.fromEntries(Object.entries(amounts).filter(([resource]) => !resources.has(resource)));
  return {
    ...recommendation,
    target: without(recommendation.target),
    lowerBound: without(recommendation.lowerBound),
    upperBound: without(recommendation.upperBound),
  };
}
