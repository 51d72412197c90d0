import {
  allowsNode,
  projectPod,
  untoleratedTaint,
  type Interner,
  type KubeObject,
  type NodeRecord,
  type PodRecord,
  type Taint,
} from '../../core/model/index.ts';

export const notReadyTaint: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A DaemonSet of a scene with a pod of it. */
export interface Daemon {
  readonly name: string;
  readonly pod: PodRecord;
}

export function daemonOf({ metadata, spec }: KubeObject, interner: Interner): Daemon {
  const { template } = spec as { readonly template: KubeObject };
  return { name: metadata.name, pod: projectPod({ ...template, metadata: { ...template.metadata, name: metadata.name } }, interner) };
}

/** Whether a node is to carry a pod of the set: also while it is not ready, and when it is cordoned. Room is not looked at. */
export function runsOn({ pod }: Daemon, node: NodeRecord): boolean {
  const taints = node.taints.filter(({ key }) => key !== notReadyTaint.key);
  return allowsNode(pod, node) && untoleratedTaint(taints, pod.shape.tolerations) === undefined;
}
