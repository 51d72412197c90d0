import type { Claim } from '../../../core/model/intent.ts';
import {
  containerSizing,
  defaultContainerSizing,
  sizedResources,
  type Recommendation,
  type SizedResource,
  type SizingPolicy,
} from '../../model.ts';

/** What a policy moves of its target: each resource that is given to some container of its pods. Nothing in a dry run, paused, or with actuation Off. */
export function claimsOf(policy: SizingPolicy, recommendation: Recommendation | undefined): Claim[] {
  const { target, mode, actuation, reference } = policy;
  if (target === undefined || mode !== 'Auto' || actuation === 'Off') return [];
  const dimensions = sizedResources.filter((resource) => moves(policy, recommendation, resource));
  return dimensions.map((resource) => ({ controller: 'vpa', policy: reference, target, dimension: `requests/${resource}` }));
}

function moves({ containers }: SizingPolicy, recommendation: Recommendation | undefined, resource: SizedResource): boolean {
  const names = recommendation?.containers.map(({ container }) => container) ?? [];
  // Before anything is recommended, any container may come.
  const candidates = names.length > 0 ? names : [...containers.map(({ container }) => container), '*'];
  return candidates.some((name) => {
    const { mode, controlledResources } = containerSizing(containers, name) ?? defaultContainerSizing;
    return mode === 'Auto' && controlledResources.includes(resource);
  });
}
