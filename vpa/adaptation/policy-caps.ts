import {
  containerSizing,
  noAmounts,
  type Amounts,
  type ContainerRecommendation,
  type ContainerSizing,
  type Recommendation,
} from '../model.ts';

/** A minimum and a maximum by resource; a zero is none. */
export interface Caps {
  readonly min: Amounts;
  readonly max: Amounts;
}

export interface CappedAmount {
  /** After the minimum. */
  readonly raised: number;
  /** After the maximum as well: it wins. */
  readonly amount: number;
}

export function capAmount(amount: number, resource: string, caps: Caps): CappedAmount {
  const raised = Math.max(amount, bound(caps.min, resource) ?? amount);
  return { raised, amount: Math.min(raised, bound(caps.max, resource) ?? raised) };
}

function bound(amounts: Amounts, resource: string): number | undefined {
  const amount = Object.hasOwn(amounts, resource) ? amounts[resource] : undefined;
  return amount === undefined || amount === 0 ? undefined : amount;
}

/**
 * Caps what the recommender publishes: target and both bounds into minAllowed and maxAllowed of the container policies, the maximum of a resource that a
 * policy does not cap from `globalMax`. `uncappedTarget` stays.
 */
export function capToPolicy(
  recommendation: Recommendation,
  containers: readonly ContainerSizing[],
  globalMax: Amounts = noAmounts,
): Recommendation {
  return { containers: recommendation.containers.map((each) => capContainer(each, capsOf(each.container, containers, globalMax))) };
}

function capsOf(container: string, containers: readonly ContainerSizing[], globalMax: Amounts): Caps {
  const sizing = containerSizing(containers, container);
  const own = Object.entries(sizing?.maxAllowed ?? noAmounts).filter(([, amount]) => amount !== 0);
  return { min: sizing?.minAllowed ?? noAmounts, max: { ...globalMax, ...Object.fromEntries(own) } };
}

function capContainer(recommendation: ContainerRecommendation, caps: Caps): ContainerRecommendation {
  return {
    ...recommendation,
    target: capAmounts(recommendation.target, caps),
    lowerBound: capAmounts(recommendation.lowerBound, caps),
    upperBound: capAmounts(recommendation.upperBound, caps),
  };
}

function capAmounts(amounts: Amounts, caps: Caps): Amounts {
  return Object.fromEntries(Object.entries(amounts).map(([resource, amount]) => [resource, capAmount(amount, resource, caps).amount]));
}
