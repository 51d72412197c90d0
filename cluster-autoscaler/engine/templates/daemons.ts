import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import { allowsNode, untoleratedTaint } from '../../../core/model/index.ts';
import type { DaemonPod } from '../model.ts';

/** Of a DaemonSet, or said to be like one. */
export function isDaemonPod(pod: PodRecord): boolean {
  return pod.owner?.kind === 'DaemonSet' || pod.shape.annotations['cluster-autoscaler.kubernetes.io/daemonset-pod'] === 'true';
}

/** Daemon pods that a node would get and that none of its pods stands for already (`running`: uids of DaemonSets). */
export function missingDaemons(node: NodeRecord, running: ReadonlySet<string>, daemons: readonly DaemonPod[]): readonly PodRecord[] {
  return daemons
    .filter(
      ({ owner, pod }) =>
        !running.has(owner) && allowsNode(pod, node) && untoleratedTaint(node.taints, pod.shape.tolerations) === undefined,
    )
    .map(({ pod }) => pod);
}

/** Gets its place even on a full node: it may push others off. */
export function preemptsAsCritical(pod: PodRecord): boolean {
  return pod.shape.priorityClassName === 'system-node-critical' && pod.shape.preemptionPolicy === 'PreemptLowerPriority';
}
