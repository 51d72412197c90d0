import { isPodLevelResource, schedulerRequests } from './pod-shape.ts';
import type { ContainerShape, PodShape } from './pod-shape.ts';
import type { ContainerStatusRecord } from './pod-status.ts';
import type { RawContainerStatus, RawPodStatus } from './raw-pod.ts';
import type { ResourceList } from './resource-list.ts';
import { maxResources, noResources, projectResources } from './resource-list.ts';

/**
 * The shape by which the scheduler counts a pod that is on a node, where its status says something else than its spec: of each request the
 * largest of spec, what is in force (`resources`) and what is allocated, and without the spec when the kubelet finds the resize Infeasible
 * (component-helpers' `PodRequests` with `UseStatusResources`, Kubernetes 1.33 and later; pod-level requests as of 1.36). Init containers
 * that end are counted as they are in the spec. `undefined`: nothing differs, as it is mostly.
 */
export function heldShapeOf(shape: PodShape, status: RawPodStatus, statuses: readonly ContainerStatusRecord[]): PodShape | undefined {
  const resizing: Resizing = { status, statuses, infeasible: isInfeasible(status) };
  if (!isResized(shape, resizing)) return undefined;
  const containers = shape.containers.map((container, index) => held(container, index, false, resizing));
  const initContainers = shape.initContainers.map((container, index) => held(container, index, true, resizing));
  const podRequests = heldPodRequests(shape, resizing);
  const { overhead } = shape;
  const requests = Object.freeze(schedulerRequests({ containers, initContainers, overhead, podRequests }));
  return Object.freeze({ ...shape, containers, initContainers, podRequests, requests });
}

/** Mostly not, and this is asked of every pod that is read. */
function isResized(shape: PodShape, resizing: Resizing): boolean {
  const { containers, initContainers } = shape;
  for (let index = 0; index < containers.length; index++) {
    const container = containers[index] as ContainerShape;
    if (held(container, index, false, resizing) !== container) return true;
  }
  for (let index = 0; index < initContainers.length; index++) {
    const container = initContainers[index] as ContainerShape;
    if (held(container, index, true, resizing) !== container) return true;
  }
  return heldPodRequests(shape, resizing) !== shape.podRequests;
}

interface Resizing {
  readonly status: RawPodStatus;
  /** As projected from the status: init containers first. */
  readonly statuses: readonly ContainerStatusRecord[];
  readonly infeasible: boolean;
}

/** The condition counts whatever its status is. */
function isInfeasible({ conditions }: RawPodStatus): boolean {
  return conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
}

/** The container itself where nothing differs. */
function held(container: ContainerShape, index: number, init: boolean, { status, statuses, infeasible }: Resizing): ContainerShape {
  if (init && !container.sidecar) return container;
  const inits = status.initContainerStatuses ?? none;
  const list = init ? inits : (status.containerStatuses ?? none);
  // The kubelet reports in the order of the spec.
  const at = list[index]?.name === container.name ? index : list.findIndex(({ name }) => name === container.name);
  const resources = list[at]?.resources;
  const record = statuses[init ? at : at + inits.length];
  if (record === undefined || resources === undefined || resources === null) return container;
  const requests = effective({ spec: container.requests, inForce: record.requests, allocated: record.allocated }, infeasible);
  return requests === container.requests ? container : { ...container, requests };
}

const none: readonly RawContainerStatus[] = Object.freeze([]);

function heldPodRequests({ podRequests }: PodShape, { status, infeasible }: Resizing): ResourceList | undefined {
  const { resources, allocatedResources } = status;
  if (podRequests === undefined || resources === undefined || resources === null) return podRequests;
  const states = { spec: podRequests, inForce: projectResources(resources.requests), allocated: projectResources(allocatedResources) };
  const counted = effective(states, infeasible);
  if (counted === podRequests) return podRequests;
  // What the spec does not ask for at pod level is counted at the containers; what it does ask for counts as nothing when nobody allotted it.
  return Object.fromEntries(
    Object.entries(podRequests).map(([name, milli]) => [name, isPodLevelResource(name) ? (counted[name] ?? 0) : milli]),
  );
}

interface ResourceStates {
  readonly spec: ResourceList;
  readonly inForce: ResourceList | undefined;
  readonly allocated: ResourceList | undefined;
}

/** The list of the spec itself where it is what counts. */
function effective({ spec, inForce = noResources, allocated = noResources }: ResourceStates, infeasible: boolean): ResourceList {
  if (!infeasible)
    return isWithin(inForce, spec) && isWithin(allocated, spec) ? spec : maxResources(maxResources(spec, inForce), allocated);
  const granted = maxResources(inForce, allocated);
  return isWithin(granted, spec) && isWithin(spec, granted) ? spec : granted;
}

/** No resource of the first list is missing in the second or larger than there. */
function isWithin(list: ResourceList, bound: ResourceList): boolean {
  for (const name in list) if ((list[name] ?? 0) > (bound[name] ?? -1)) return false;
  return true;
}
