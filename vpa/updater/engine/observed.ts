import type { PodRecord } from '../../../core/model/pod.ts';

const annotation = 'vpaObservedContainers';
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** RFC 1123. */
const longestLabel = 63;

/**
 * Containers that the admission saw in the pod; others were put there after it and are not ours. `undefined`: it saw all, because the pod has no
 * such annotation or one that cannot be read.
 */
export function observedContainers(pod: PodRecord): ReadonlySet<string> | undefined {
  const text = pod.shape.annotations[annotation];
  if (text === undefined) return undefined;
  if (text === '') return new Set();
  const names = text.split(', ');
  return names.every((name) => name.length <= longestLabel && dnsLabel.test(name)) ? new Set(names) : undefined;
}
