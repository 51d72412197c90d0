import type { KubeObject } from '../../../../core/model/object.ts';

type ResourceList = Readonly<Record<string, string | number | undefined>>;

/** The parts of a container in a Pod's spec that expositions show. */
export interface ContainerObject {
  readonly name: string;
  readonly image?: string;
  readonly resources?: { readonly requests?: ResourceList; readonly limits?: ResourceList };
}

export interface ContainerStatusObject {
  readonly name: string;
  readonly containerID?: string;
  readonly restartCount?: number;
  readonly lastState?: { readonly terminated?: { readonly reason?: string } };
}

export interface PodSpecObject {
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  readonly priorityClassName?: string;
  readonly containers?: readonly ContainerObject[];
}

export interface PodStatusObject {
  readonly phase?: string;
  readonly hostIP?: string;
  readonly podIP?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly ContainerStatusObject[];
}

export function podSpecOf(pod: KubeObject | undefined): PodSpecObject {
  return (pod?.spec ?? {}) as PodSpecObject;
}

export function podStatusOf(pod: KubeObject | undefined): PodStatusObject {
  return (pod?.status ?? {}) as PodStatusObject;
}

export function containersOf(pod: KubeObject | undefined): readonly ContainerObject[] {
  return podSpecOf(pod).containers ?? [];
}

export function containerStatusesOf(pod: KubeObject | undefined): readonly ContainerStatusObject[] {
  return podStatusOf(pod).containerStatuses ?? [];
}
