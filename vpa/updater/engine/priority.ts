import type { PodRecord } from '../../../core/model/pod.ts';
import type { ContainerRecommendation } from '../../model.ts';
import { actualRequests, milliOf } from './amounts.ts';
import { observedContainers } from './observed.ts';

/** How much a pod differs from what is recommended for it (§5.3). */
export interface PodPriority {
  /** Some resource grows. */
  readonly scaleUp: boolean;
  /** Some request is outside of its bounds, or missing. */
  readonly outsideRange: boolean;
  /** Relative differences of the pod's totals, summed over resources. */
  readonly resourceDiff: number;
}

interface Totals {
  readonly recommended: Map<string, number>;
  readonly requested: Map<string, number>;
  scaleUp: boolean;
  outsideRange: boolean;
}

/** The priority by a recommendation that was adapted to the pod. */
export function podPriority(pod: PodRecord, containers: readonly ContainerRecommendation[]): PodPriority {
  const totals: Totals = { recommended: new Map(), requested: new Map(), scaleUp: false, outsideRange: false };
  for (const recommendation of observedRecommendations(pod, containers)) addContainer(totals, pod, recommendation);
  let resourceDiff = 0;
  for (const [resource, recommended] of totals.recommended) {
    const requested = Math.max(totals.requested.get(resource) ?? 0, 1);
    resourceDiff += Math.abs(requested - recommended) / requested;
  }
  return { scaleUp: totals.scaleUp, outsideRange: totals.outsideRange, resourceDiff };
}

/** Recommendations for containers that the pod has and that the admission saw, in the pod's order. */
export function observedRecommendations(
  pod: PodRecord,
  containers: readonly ContainerRecommendation[],
): readonly ContainerRecommendation[] {
  const observed = observedContainers(pod);
  return pod.shape.containers.flatMap(({ name }) => {
    if (observed?.has(name) === false) return [];
    return containers.find((each) => each.container === name) ?? [];
  });
}

function addContainer(totals: Totals, pod: PodRecord, recommendation: ContainerRecommendation): void {
  const requests = actualRequests(pod, recommendation.container);
  for (const [resource, amount] of Object.entries(recommendation.target)) {
    const target = milliOf(resource, amount);
    totals.recommended.set(resource, (totals.recommended.get(resource) ?? 0) + target);
    const request = requests[resource];
    if (request === undefined) {
      totals.scaleUp = true;
      totals.outsideRange = true;
      continue;
    }
    totals.requested.set(resource, (totals.requested.get(resource) ?? 0) + request);
    if (target > request) totals.scaleUp = true;
    const lower = recommendation.lowerBound[resource];
    const upper = recommendation.upperBound[resource];
    if (lower !== undefined && request < milliOf(resource, lower)) totals.outsideRange = true;
    if (upper !== undefined && request > milliOf(resource, upper)) totals.outsideRange = true;
  }
}

/** Sorts what grows before what shrinks, then the larger difference first; 0 keeps the order. */
export function comparePriority(a: PodPriority, b: PodPriority): number {
  if (a.scaleUp !== b.scaleUp) return a.scaleUp ? -1 : 1;
  return b.resourceDiff - a.resourceDiff;
}

/** Whether `next` asks for less than `last` of some resource of some container: then what could not be done may be possible now. */
export function asksForLess(
  last: readonly ContainerRecommendation[] | undefined,
  next: readonly ContainerRecommendation[] | undefined,
): boolean {
  if (last === undefined || next === undefined) return false;
  return next.some(({ container, target }) => {
    const before = last.find((each) => each.container === container);
    if (before === undefined) return false;
    return Object.entries(target).some(([resource, amount]) => amount < (before.target[resource] ?? Number.NEGATIVE_INFINITY));
  });
}
