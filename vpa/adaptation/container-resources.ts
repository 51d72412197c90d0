import {
  containerSizing,
  noAmounts,
  sizedResources,
  type Amounts,
  type ContainerRecommendation,
  type ContainerSizing,
  type NamespaceLimits,
} from '../model.ts';
import type { ContainerState, PodState } from './pod-resources.ts';
import { proportionalLimit } from './proportional-limit.ts';

/** What one container of a pod gets; a resource that is absent is not touched. */
export interface ContainerValues {
  readonly container: string;
  readonly requests: Amounts;
  readonly limits: Amounts;
  /** How they came about, as the annotation of the pod says it. */
  readonly notes: readonly string[];
}

export interface ContainerResourcesInput {
  readonly pod: PodState;
  /** Adapted to the pod. */
  readonly recommendation: readonly ContainerRecommendation[];
  /** None where the policy's mode is Off: upstream ignores them there. */
  readonly containers: readonly ContainerSizing[];
  readonly limits: NamespaceLimits | undefined;
  /** Of the adaptation. */
  readonly notes?: ReadonlyMap<string, readonly string[]> | undefined;
  /** Also what is not recommended, as it is. */
  readonly addAll?: boolean | undefined;
}

/** Requests and limits for each container of the pod, in its order; `undefined` for one that nothing is recommended for (spec 4.7). */
export function containerResources(input: ContainerResourcesInput): readonly (ContainerValues | undefined)[] {
  const recommended = new Map<string, ContainerRecommendation>();
  for (const each of input.recommendation) if (!recommended.has(each.container)) recommended.set(each.container, each);
  return input.pod.containers.map((state) => {
    const recommendation = recommended.get(state.name);
    if (recommendation === undefined && input.addAll !== true) return undefined;
    return valuesOf(state, recommendation?.target ?? noAmounts, input);
  });
}

function valuesOf(state: ContainerState, target: Amounts, input: ContainerResourcesInput): ContainerValues {
  const sizing = containerSizing(input.containers, state.name);
  const requests = named(input.addAll === true ? { ...state.requests, ...target } : target);
  const adapted = input.notes?.get(state.name) ?? [];
  const kept = input.addAll === true ? state.limits : noAmounts;
  if (sizing?.controlledValues === 'RequestsOnly') return { container: state.name, requests, limits: kept, notes: adapted };
  const { limits, notes } = proportionalLimits(state, requests, input.limits?.container?.default);
  const any = Object.keys(limits).length > 0;
  return { container: state.name, requests, limits: { ...kept, ...limits }, notes: any ? [...adapted, ...notes] : adapted };
}

function named(amounts: Amounts): Amounts {
  return '' in amounts ? Object.fromEntries(Object.entries(amounts).filter(([resource]) => resource !== '')) : amounts;
}

/** The limits of CPU and memory that go with those requests, for a container as it is now. */
export function proportionalLimits(
  state: ContainerState,
  requests: Amounts,
  defaults: Amounts | undefined,
): { readonly limits: Amounts; readonly notes: readonly string[] } {
  const limits: Record<string, number> = {};
  const notes: string[] = [];
  for (const resource of sizedResources) {
    const { limit, note } = proportionalLimit({
      resource,
      originalLimit: state.limits[resource],
      originalRequest: state.requests[resource],
      request: requests[resource],
      defaultLimit: defaults?.[resource],
    });
    if (limit !== undefined) limits[resource] = limit;
    if (note !== undefined) notes.push(note);
  }
  return { limits, notes };
}
