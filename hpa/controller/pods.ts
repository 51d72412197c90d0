import type { RequestReference } from '../../core/model/intent.ts';
import type { ContainerShape, PodShape } from '../../core/model/pod-shape.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { ResourceList } from '../../core/model/resource-list.ts';
import type { HpaPod, ResourceMap } from '../engine/index.ts';

type SharedPart = Pick<HpaPod, 'containers' | 'initContainers' | 'podRequests' | 'overhead'>;

/** Shapes are shared by all pods of a template and immutable: each is converted once. */
const converted = new WeakMap<PodShape, SharedPart>();

/** A pod as the engine reads it. */
export function hpaPod(pod: PodRecord): HpaPod {
  return {
    name: pod.name,
    phase: pod.phase,
    deleting: pod.deleted !== undefined,
    ready: pod.ready,
    readyTransition: pod.readySince ?? 0,
    startTime: pod.started,
    ...sharedPart(pod.shape),
  };
}

/**
 * A pod as it would be if its containers asked for what the template says in the resources that a requests policy moves. A container that is not in the template (put there
 * by somebody else) keeps its own; one without a request in the template has none, which makes the utilization unknown rather than wrong.
 */
export function rebasedPod(pod: HpaPod, { resources, template }: RequestReference): HpaPod {
  const rebase = <C extends { readonly name: string; readonly requests: ResourceMap }>(container: C): C => {
    const stated = template?.get(container.name);
    if (template !== undefined && stated === undefined) return container;
    const kept = Object.entries(container.requests).filter(([name]) => !resources.includes(name));
    const ours = Object.entries(resourceMap(stated ?? {})).filter(([name]) => resources.includes(name));
    return { ...container, requests: Object.fromEntries([...kept, ...ours]) };
  };
  return { ...pod, containers: pod.containers.map(rebase), initContainers: pod.initContainers.map(rebase) };
}

function sharedPart(shape: PodShape): SharedPart {
  const known = converted.get(shape);
  if (known !== undefined) return known;
  const part: SharedPart = {
    containers: shape.containers.map(containerOf),
    initContainers: shape.initContainers.map((each) => ({ ...containerOf(each), restartable: each.sidecar })),
    podRequests: shape.podRequests === undefined ? undefined : resourceMap(shape.podRequests),
    overhead: resourceMap(shape.overhead),
  };
  converted.set(shape, part);
  return part;
}

function containerOf({ name, requests }: ContainerShape): { readonly name: string; readonly requests: ResourceMap } {
  return { name, requests: resourceMap(requests) };
}

function resourceMap(list: ResourceList): ResourceMap {
  return Object.fromEntries(Object.entries(list).map(([name, milli]) => [name, BigInt(milli)]));
}
