import { noAmounts, sizedResources, type Amounts, type NamespaceLimits } from '../model.ts';
import { noBoosts, type BoostState } from './boost-state.ts';
import type { ContainerValues } from './container-resources.ts';
import type { PodState } from './pod-resources.ts';
import { qosOfPod } from './qos.ts';
import { refusals } from './refusals.ts';
import { annotationOperation, containerOperations, type PatchOperation } from './resource-operations.ts';
import { boostPrefix } from './startup-boost.ts';

export interface ResizeInput {
  readonly pod: PodState;
  /** By the pod's containers; `undefined`: nothing to set. */
  readonly values: readonly (ContainerValues | undefined)[];
  readonly boosts?: BoostState | undefined;
  /** The policy's mode is Off: only boosts are taken back. */
  readonly off?: boolean | undefined;
}

/**
 * What a resize in place sets (spec 5.6, 5.7): the recommended values; nothing for a container that is still boosted; where a boost is over and nothing is
 * recommended, what the container asked for before. Only CPU and memory can be resized.
 */
export function resizeValues({ pod, values, boosts = noBoosts, off = false }: ResizeInput): readonly (ContainerValues | undefined)[] {
  return pod.containers.map(({ name }, index) => {
    if (boosts.active.has(name)) return undefined;
    const recommended = off ? undefined : sizedValues(values[index]);
    if (recommended !== undefined || !boosts.expired.has(name)) return recommended;
    const original = boosts.expired.get(name);
    return original === undefined ? undefined : sizedValues({ container: name, ...original, notes: [] });
  });
}

function sizedValues(values: ContainerValues | undefined): ContainerValues | undefined {
  if (values === undefined) return undefined;
  const requests = sized(values.requests);
  const limits = sized(values.limits);
  return Object.keys(requests).length + Object.keys(limits).length === 0 ? undefined : { ...values, requests, limits };
}

function sized(amounts: Amounts): Amounts {
  const kept: Record<string, number> = {};
  for (const resource of sizedResources) {
    const amount = amounts[resource];
    if (amount !== undefined) kept[resource] = amount;
  }
  return kept;
}

/** The operations for the `resize` subresource, for values of {@link resizeValues}; empty when nothing is to be set. */
export function resizePatch(pod: PodState, values: ResizeInput['values']): readonly PatchOperation[] {
  return pod.containers.flatMap(({ spec }, index) => {
    const each = values[index];
    return each === undefined ? [] : containerOperations(index, spec, each);
  });
}

/** The operations for the `resize` subresource that take back boosts that are over; as in a resize, other containers go along, but for the mode Off. */
export function unboostPatch(input: ResizeInput & { readonly boosts: BoostState }): readonly PatchOperation[] {
  return resizePatch(input.pod, resizeValues(input));
}

/** The second patch, of the pod itself: that it was resized in place, and the annotations of the boosts that are over. */
export function resizedAnnotations(boosts: BoostState = noBoosts): readonly PatchOperation[] {
  return [
    annotationOperation('vpaInPlaceUpdated', 'true'),
    ...[...boosts.expired.keys()].map((name) => removeAnnotation(boostPrefix + name)),
  ];
}

function removeAnnotation(key: string): PatchOperation {
  return { op: 'remove', path: annotationOperation(key, '').path };
}

export interface ResizeProblem {
  readonly reason: 'QosClass' | 'Invalid';
  /** One sentence for a person. */
  readonly message: string;
}

/** Why the API server would refuse a resize to those values; `undefined`: it would not. What the node can hold is the kubelet's matter. */
export function resizeProblem(pod: PodState, values: ResizeInput['values'], limits?: NamespaceLimits): ResizeProblem | undefined {
  const before = qosOfPod(pod);
  const after = qosOfPod({
    ...pod,
    containers: pod.containers.map((state, index) => ({ ...state, spec: resized(state.spec, values[index]) })),
  });
  if (after !== before) {
    const message = `a resize in place cannot change the QoS class of a pod, and would make it ${after} instead of ${before}: it has to be created anew`;
    return { reason: 'QosClass', message };
  }
  for (const resource of sizedResources) {
    const [problem] = refusals({ pod, values, limits }, resource);
    if (problem !== undefined) return { reason: 'Invalid', message: `a resize in place would be refused for its ${resource}: ${problem}` };
  }
  return undefined;
}

function resized(spec: PodState['containers'][number]['spec'], values: ContainerValues | undefined): typeof spec {
  if (values === undefined) return spec;
  return {
    ...spec,
    requests: { ...(spec.requests ?? noAmounts), ...values.requests },
    limits: { ...(spec.limits ?? noAmounts), ...values.limits },
  };
}
