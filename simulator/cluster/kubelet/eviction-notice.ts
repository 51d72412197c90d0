import { formatTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { Quantity } from '../../../core/units/index.ts';
import type { PodRuntime } from './pod-runtime.ts';

/** What the kubelet says of a pod that it evicts: the message of status and event, and annotations from which the recommender of a VPA reads who used how much. */
export interface EvictionNotice {
  readonly message: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Upstream's texts for memory; it names every container that uses more than it has requested. */
export function evictionNotice(
  pod: PodRuntime,
  shortage: { readonly thresholdBytes: number; readonly availableBytes: number },
  now: number,
): EvictionNotice {
  const threshold = bytes(shortage.thresholdBytes);
  const available = bytes(Math.max(0, shortage.availableBytes));
  let message = `The node was low on resource: memory. Threshold quantity: ${threshold}, available: ${available}. `;
  const names: string[] = [];
  const usages: string[] = [];
  for (const container of pod.containers) {
    const used = Math.floor(container.usage?.memory(now) ?? 0);
    if (used <= container.memoryRequest) continue;
    names.push(container.name);
    usages.push(bytes(used));
    message += `Container ${container.name} was using ${bytes(used)}, request is ${bytes(container.memoryRequest)}, has larger consumption of memory. `;
  }
  return {
    message,
    annotations: { offending_containers: names.join(','), offending_containers_usage: usages.join(','), starved_resource: 'memory' },
  };
}

function bytes(count: number): string {
  return Quantity.ofInteger(Math.floor(count), 'BinarySI').toString();
}

/** The Event of an eviction, as the kubelet of the pod's node writes it. */
export function evictionEvent(pod: PodRuntime, { message, annotations }: EvictionNotice, now: number): KubeObject {
  const { namespace, name } = pod.spec.identity;
  const time = formatTime(now);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${(BigInt(Math.floor(now)) * 1_000_000n).toString(16)}`, namespace, annotations },
    involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace, name, uid: pod.uid, resourceVersion: String(pod.resourceVersion) },
    reason: 'Evicted',
    message,
    type: 'Warning',
    source: { component: 'kubelet', host: pod.node.spec.name },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
