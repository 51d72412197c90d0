import { noAmounts, sizedResources, type Amounts, type LimitBounds } from '../model.ts';
import type { ContainerState } from './pod-resources.ts';
import type { Caps } from './policy-caps.ts';
import { boundaryRequest } from './proportional-limit.ts';

export const noCaps: Caps = { min: noAmounts, max: noAmounts };

/**
 * Between which requests the proportional limit of a container stays within the LimitRange, and the request too. It holds for policies that leave limits
 * alone as well, as upstream has it.
 */
export function containerBounds(container: ContainerState, limits: LimitBounds | undefined): Caps {
  if (limits === undefined) return noCaps;
  const min = boundaries(container, limits.min, limits.default);
  for (const [resource, amount] of Object.entries(limits.min ?? noAmounts)) {
    if (resource in min) min[resource] = Math.max(min[resource] ?? 0, amount);
  }
  return { min, max: boundaries(container, limits.max, limits.default) };
}

function boundaries(container: ContainerState, list: Amounts | undefined, defaults: Amounts | undefined): Record<string, number> {
  const found: Record<string, number> = {};
  if (list === undefined) return found;
  for (const resource of sizedResources) {
    found[resource] = boundaryRequest({
      originalRequest: container.requests[resource],
      originalLimit: container.limits[resource],
      boundary: list[resource],
      defaultLimit: defaults?.[resource],
    });
  }
  return found;
}
