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
