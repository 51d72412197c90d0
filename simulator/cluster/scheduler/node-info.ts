import type { KubeNode, Taint } from '../controllers/kinds.ts';
import { type Labels, labelsOf } from '../controllers/runtime/label-selector.ts';
import { filterNodeAffinity } from './filters/node-affinity.ts';
import { filterPorts, type HostPort } from './filters/node-ports.ts';
import { filterResources } from './filters/node-resources.ts';
import { type Rejection, rejection } from './filters/rejection.ts';
import { filterTaints, filterUnschedulable } from './filters/taints.ts';
import type { PodInfo, PodShape } from './pod-info.ts';
import { accumulate, type Amounts, amountsOf, wholeUnits } from './resources.ts';

/** A node with what its pods take. Pods are added and removed in place. */
export interface NodeInfo {
  readonly index: number;
  readonly name: string;
  node: KubeNode;
  labels: Labels;
  taints: readonly Taint[];
  unschedulable: boolean;
  allocatable: Amounts;
  allowedPods: number;
  requested: Amounts;
  podCount: number;
  nonZeroCpu: number;
  nonZeroMemory: number;
  readonly pods: Map<string, PodInfo>;
  /** Ports of the pods; an entry per pod and port, few nodes have any. */
  readonly ports: Map<string, readonly HostPort[]>;
}

const noTaints: readonly Taint[] = [];

export function createNodeInfo(index: number, node: KubeNode): NodeInfo {
  const info: NodeInfo = {
    index,
    name: node.metadata.name,
    node,
    labels: {},
    taints: noTaints,
    unschedulable: false,
    allocatable: amountsOf(undefined),
    allowedPods: 0,
    requested: amountsOf(undefined),
    podCount: 0,
    nonZeroCpu: 0,
    nonZeroMemory: 0,
    pods: new Map(),
    ports: new Map(),
  };
  setNode(info, node);
  return info;
}

export function setNode(info: NodeInfo, node: KubeNode): void {
  info.node = node;
  info.labels = labelsOf(node);
  info.taints = node.spec?.taints ?? noTaints;
  info.unschedulable = node.spec?.unschedulable === true;
  info.allocatable = amountsOf(node.status?.allocatable);
  info.allowedPods = wholeUnits(node.status?.allocatable?.['pods'] ?? 0);
}

export function addPod(info: NodeInfo, pod: PodInfo): void {
  info.pods.set(pod.key, pod);
  count(info, pod, 1);
  if (pod.shape.ports.length > 0) info.ports.set(pod.key, pod.shape.ports);
}

export function removePod(info: NodeInfo, key: string): void {
  const pod = info.pods.get(key);
  if (pod === undefined) return;
  info.pods.delete(key);
  info.ports.delete(key);
  count(info, pod, -1);
}

function count(info: NodeInfo, pod: PodInfo, sign: 1 | -1): void {
  accumulate(info.requested, pod.requests, sign);
  info.podCount += sign;
  info.nonZeroCpu += sign * pod.nonZero.cpu;
  info.nonZeroMemory += sign * pod.nonZero.memory;
}

/** A copy to try things on. */
export function cloneNode(info: NodeInfo): NodeInfo {
  const { requested } = info;
  return {
    ...info,
    requested: { ...requested, scalar: requested.scalar === undefined ? undefined : new Map(requested.scalar) },
    pods: new Map(info.pods),
    ports: new Map(info.ports),
  };
}

const otherNode = rejection('NodeName', ["node(s) didn't match the requested node name"], true);

/**
 * The filters that look at one node and the pod's spec alone, in upstream's order up to NodeResourcesFit. Whoever places a pod
 * looks only at the nodes of `shape.pinned`, if it has any: the others are ruled out before any filter.
 */
export function filterByShape(shape: PodShape, requests: Amounts, node: NodeInfo, nodeName?: string): Rejection | undefined {
  return (
    filterUnschedulable(node.unschedulable, shape.tolerations) ??
    (nodeName !== undefined && nodeName !== node.name ? otherNode : undefined) ??
    filterTaints(node.taints, shape.tolerations) ??
    filterNodeAffinity(node, shape.nodeRequirements) ??
    (shape.ports.length === 0 ? undefined : filterPorts(shape.ports, allPorts(node))) ??
    filterResources(requests, node)
  );
}

function* allPorts(node: NodeInfo): Iterable<HostPort> {
  for (const ports of node.ports.values()) yield* ports;
}
