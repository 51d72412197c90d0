import { tryParseMilli } from '../../../core/units/index.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus, ResourceList, ResourceRequirements } from '../controllers/kinds.ts';

/**
 * Amounts as the scheduler counts them: milli-cores, bytes, and whole units of everything else (extended resources, huge pages),
 * fractions rounded up.
 */
export interface Amounts {
  cpu: number;
  memory: number;
  ephemeral: number;
  /** Absent when there are none; a zero entry is kept, it is asked for but always fits. */
  scalar: Map<string, number> | undefined;
}

/** What upstream's scores assume of a container that asks for nothing. */
const defaultCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

/** The whole number of base units (bytes, devices) of a quantity, rounded up; 0 for what is no quantity. */
export function wholeUnits(value: unknown): number {
  const milli = tryParseMilli(value);
  return milli === undefined ? 0 : Math.ceil(milli / 1000);
}

export function amountsOf(list: ResourceList | undefined): Amounts {
  const amounts: Amounts = { cpu: 0, memory: 0, ephemeral: 0, scalar: undefined };
  for (const name in list) addAmount(amounts, name, list[name]);
  return amounts;
}

function addAmount(amounts: Amounts, name: string, value: unknown): void {
  switch (name) {
    case 'cpu':
      amounts.cpu += tryParseMilli(value) ?? 0;
      return;
    case 'memory':
      amounts.memory += wholeUnits(value);
      return;
    case 'ephemeral-storage':
      amounts.ephemeral += wholeUnits(value);
      return;
    case 'pods':
      return;
    default:
      amounts.scalar ??= new Map();
      amounts.scalar.set(name, (amounts.scalar.get(name) ?? 0) + wholeUnits(value));
  }
}

/** `into` += `sign` × `other`. */
export function accumulate(into: Amounts, other: Amounts, sign: 1 | -1 = 1): void {
  into.cpu += sign * other.cpu;
  into.memory += sign * other.memory;
  into.ephemeral += sign * other.ephemeral;
  if (other.scalar === undefined) return;
  into.scalar ??= new Map();
  for (const [name, amount] of other.scalar) into.scalar.set(name, (into.scalar.get(name) ?? 0) + sign * amount);
}

function raise(into: Amounts, other: Amounts): void {
  into.cpu = Math.max(into.cpu, other.cpu);
  into.memory = Math.max(into.memory, other.memory);
  into.ephemeral = Math.max(into.ephemeral, other.ephemeral);
  if (other.scalar === undefined) return;
  into.scalar ??= new Map();
  for (const [name, amount] of other.scalar) into.scalar.set(name, Math.max(into.scalar.get(name) ?? 0, amount));
}

function largest(...lists: readonly (ResourceList | undefined)[]): Amounts {
  const amounts = amountsOf(lists[0]);
  for (const list of lists.slice(1)) raise(amounts, amountsOf(list));
  return amounts;
}

/**
 * What a pod reserves, by component-helpers' PodRequests with status: a container that is being resized counts the greatest of spec,
 * actuated and allocated (without spec when the resize is infeasible); init containers by the greatest moment beside the sidecars
 * started before; pod-level requests replace the sum of cpu, memory and huge pages; overhead on top.
 */
export function podRequests(pod: Pod): Amounts {
  const total = reserved(pod, (container, status) => containerAmounts(pod, container, status));
  applyPodLevel(total, pod);
  accumulate(total, amountsOf(pod.spec.overhead));
  return total;
}

/** As {@link podRequests} but a container without a cpu or memory request counts upstream's defaults: for scores only. */
export function nonZeroRequests(pod: Pod): { readonly cpu: number; readonly memory: number } {
  const total = reserved(pod, (container, status) => {
    const amounts = containerAmounts(pod, container, status);
    const requests = container.resources?.requests;
    if (requests?.['cpu'] === undefined) amounts.cpu = defaultCpu;
    if (requests?.['memory'] === undefined) amounts.memory = defaultMemory;
    return amounts;
  });
  applyPodLevel(total, pod);
  accumulate(total, amountsOf(pod.spec.overhead));
  return { cpu: total.cpu, memory: total.memory };
}

function reserved(pod: Pod, of: (container: Container, status: ContainerStatus | undefined) => Amounts): Amounts {
  const statuses = statusesByName(pod.status);
  const running = amountsOf(undefined);
  for (const container of pod.spec.containers) accumulate(running, of(container, statuses?.get(container.name)));
  const init = pod.spec.initContainers;
  if (init === undefined || init.length === 0) return running;
  const sidecars = amountsOf(undefined);
  const peak = amountsOf(undefined);
  for (const container of init) {
    const sidecar = container.restartPolicy === 'Always';
    const amounts = of(container, sidecar ? statuses?.get(container.name) : undefined);
    if (sidecar) {
      accumulate(running, amounts);
      accumulate(sidecars, amounts);
      raise(peak, sidecars);
    } else {
      accumulate(amounts, sidecars);
      raise(peak, amounts);
    }
  }
  raise(running, peak);
  return running;
}

function statusesByName(status: PodStatus | undefined): Map<string, ContainerStatus> | undefined {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const resized = all.filter((entry) => entry.resources !== undefined);
  return resized.length === 0 ? undefined : new Map(resized.map((entry) => [entry.name, entry]));
}

function containerAmounts(pod: Pod, container: Container, status: ContainerStatus | undefined): Amounts {
  const spec = container.resources?.requests;
  if (status?.resources === undefined) return amountsOf(spec);
  const { resources, allocatedResources } = status;
  return effective(pod, { spec, actuated: resources.requests, allocated: allocatedResources });
}

function effective(
  pod: Pod,
  lists: { spec: ResourceList | undefined; actuated: ResourceList | undefined; allocated: ResourceList | undefined },
): Amounts {
  const infeasible = pod.status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
  return infeasible ? largest(lists.actuated, lists.allocated) : largest(lists.spec, lists.actuated, lists.allocated);
}

function isPodLevel(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

function applyPodLevel(total: Amounts, pod: Pod): void {
  const { resources }: { resources?: ResourceRequirements } = pod.spec;
  const requests = resources?.requests;
  if (requests === undefined || !Object.keys(requests).some(isPodLevel)) return;
  const status = pod.status?.resources;
  const amounts =
    status === undefined
      ? amountsOf(requests)
      : effective(pod, { spec: requests, actuated: status.requests, allocated: pod.status?.allocatedResources });
  for (const name of Object.keys(requests)) {
    if (name === 'cpu') total.cpu = amounts.cpu;
    else if (name === 'memory') total.memory = amounts.memory;
    else if (name.startsWith('hugepages-')) (total.scalar ??= new Map()).set(name, amounts.scalar?.get(name) ?? 0);
  }
}

/** True when the containers ask for no cpu and no memory at all. */
export function isBestEffort(spec: PodSpec): boolean {
  const asks = (container: Container): boolean =>
    [container.resources?.requests, container.resources?.limits].some(
      (list) => list?.['cpu'] !== undefined || list?.['memory'] !== undefined,
    );
  return ![...spec.containers, ...(spec.initContainers ?? [])].some(asks);
}
