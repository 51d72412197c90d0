import type { PodRecord } from '../../../core/model/pod.ts';
import { noResources, type ResourceList } from '../../../core/model/resource-list.ts';
import { formatMilli } from '../../../core/units/index.ts';
import type { Amounts } from '../../model.ts';

/** An amount (milli-cores, bytes) in thousandths of the resource's unit, in which upstream compares. */
export function milliOf(resource: string, amount: number): number {
  return resource === 'cpu' ? amount : amount * 1000;
}

/** Thousandths as an amount, rounded up as upstream reads quantities. */
export function amountOf(resource: string, milli: number): number {
  return resource === 'cpu' ? milli : Math.ceil(milli / 1000);
}

export function amountsOf(list: ResourceList): Amounts {
  return Object.fromEntries(Object.entries(list).map(([resource, milli]) => [resource, amountOf(resource, milli)]));
}

/** `250m`, `1.5Gi`. */
export function amountText(resource: string, amount: number): string {
  return formatMilli(resource, milliOf(resource, amount));
}

/** What a container asks for in thousandths: what the kubelet says is in force, when it says so, else the spec (§4.1). */
export function actualRequests(pod: PodRecord, container: string): ResourceList {
  const status = pod.statuses.find((each) => !each.init && each.name === container);
  if (status !== undefined && (status.requests !== undefined || status.limits !== undefined)) return status.requests ?? noResources;
  return specRequests(pod, container);
}

/** What was last asked for, whether it is in force or not. */
export function specRequests(pod: PodRecord, container: string): ResourceList {
  return pod.shape.containers.find((each) => each.name === container)?.requests ?? noResources;
}
