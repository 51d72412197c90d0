import type { NodeRecord, PodRecord, Taint } from '../../../core/model/index.ts';

/** Our mark on nodes that are being deleted; its value is the time in Unix seconds. */
export const deletionTaintKey = 'ToBeDeletedByClusterAutoscaler';
/** Our mark on nodes that are not needed; its value is the time in Unix seconds. */
export const candidateTaintKey = 'DeletionCandidateOfClusterAutoscaler';

/** Label by which DaemonSets can tell a template from a node (§5). */
const templateLabel = 'cluster-autoscaler.kubernetes.io/template-node';

/** Taints that say how a node is at the moment, and that a new one will not have. */
const conditionTaints: ReadonlySet<string> = new Set([
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/unreachable',
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/memory-pressure',
  'node.kubernetes.io/disk-pressure',
  'node.kubernetes.io/network-unavailable',
  'node.kubernetes.io/pid-pressure',
  'node.cloudprovider.kubernetes.io/uninitialized',
  'node.cloudprovider.kubernetes.io/shutdown',
  'cloud.google.com/impending-node-termination',
  'NodeWithImpairedVolumes',
]);

const startupPrefixes = ['ignore-taint.cluster-autoscaler.kubernetes.io/', 'startup-taint.cluster-autoscaler.kubernetes.io/'];
const statusPrefix = 'status-taint.cluster-autoscaler.kubernetes.io/';

/** The taint keys that flags name: `--startup-taint` (and its old name `--ignore-taint`) and `--status-taint`. */
export interface TaintOptions {
  readonly startupTaints: readonly string[];
  readonly statusTaints: readonly string[];
}

/** A taint that a node has until it is set up. A node with one counts as still starting. */
export function isStartupTaint(key: string, options: TaintOptions): boolean {
  return options.startupTaints.includes(key) || startupPrefixes.some((prefix) => key.startsWith(prefix));
}

/**
 * Under what a taint is counted, as upstream: its key if it is one of ours or says how a node is, the prefix of old startup taints, or a word for all of a
 * kind. Keys that users make up would be without end.
 */
export function taintTypeOf(key: string, options: TaintOptions): string {
  const [oldPrefix = ''] = startupPrefixes;
  if (key.startsWith(oldPrefix)) return oldPrefix;
  if (key === deletionTaintKey || key === candidateTaintKey || conditionTaints.has(key)) return key;
  if (isStartupTaint(key, options)) return 'startup-taint';
  return options.statusTaints.includes(key) || key.startsWith(statusPrefix) ? 'status-taint' : 'other';
}

/** Taints that nodes of a group have for good, so that a new one will have them too. */
export function lastingTaints(taints: readonly Taint[], options: TaintOptions): readonly Taint[] {
  return taints.filter(
    ({ key }) =>
      key !== deletionTaintKey &&
      key !== candidateTaintKey &&
      !conditionTaints.has(key) &&
      !isStartupTaint(key, options) &&
      !options.statusTaints.includes(key) &&
      !key.startsWith(statusPrefix),
  );
}

/** A node as a new one of the group would be: new name, without what only describes the moment. */
export function templateNode(node: NodeRecord, name: string, options: TaintOptions): NodeRecord {
  return {
    ...renamed(node, name),
    labels: { ...node.labels, 'kubernetes.io/hostname': name, [templateLabel]: 'true' },
    taints: lastingTaints(node.taints, options),
  };
}

/** A pod of a template: bound to the new node, tied to no other. */
export function templatePod(pod: PodRecord, nodeName: string, suffix: string): PodRecord {
  const name = `${pod.name}-${suffix}`;
  return { ...pod, name, uid: `${pod.uid}/${suffix}`, nodeName, pinnedNode: undefined };
}

function renamed(node: NodeRecord, name: string): NodeRecord {
  return { ...node, name, uid: `template/${name}` };
}

/** Label names of before Kubernetes 1.17 that a cloud's own template gets as copies of the stable ones (§27.6). */
const deprecatedLabels: readonly (readonly [stable: string, deprecated: string])[] = [
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type'],
  ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'],
];

export function withDeprecatedLabels(node: NodeRecord): NodeRecord {
  const labels: Record<string, string> = { ...node.labels };
  for (const [stable, deprecated] of deprecatedLabels) {
    const value = node.labels[stable];
    if (value !== undefined) labels[deprecated] = value;
  }
  return { ...node, labels };
}
