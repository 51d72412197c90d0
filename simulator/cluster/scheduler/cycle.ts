import { filterInterPod, type InterPodState, interPodState, type NamespaceLabels, shiftInterPod } from './filters/inter-pod-affinity.ts';
import type { Rejection } from './filters/rejection.ts';
import { filterSpread, shiftSpread, type SpreadState, spreadState } from './filters/topology-spread.ts';
import { filterVolumes, type VolumeState } from './filters/volumes.ts';
import { addPod, filterByShape, type NodeInfo, removePod } from './node-info.ts';
import type { NodeTable } from './node-table.ts';
import type { PodInfo } from './pod-info.ts';

/** What is worked out once per pod and then asked for every node. */
export interface Cycle {
  readonly pod: PodInfo;
  readonly spread: SpreadState | undefined;
  readonly interPod: InterPodState | undefined;
  readonly volumes: VolumeState | undefined;
  /** Pods that are tried off their nodes at the moment. */
  readonly absent: Set<string>;
}

export function startCycle(pod: PodInfo, table: NodeTable, namespaceLabels: NamespaceLabels, volumes?: VolumeState): Cycle {
  return { pod, spread: spreadState(pod, table), interPod: interPodState(pod, table, namespaceLabels), volumes, absent: new Set() };
}

/** True when only the node itself decides. */
export function isLocal(cycle: Cycle): boolean {
  return cycle.spread === undefined && cycle.interPod === undefined && cycle.volumes === undefined;
}

/** The filters that need more than the node and the pod's spec; in upstream's order after NodeResourcesFit. */
export function filterByCycle(cycle: Cycle, node: NodeInfo): Rejection | undefined {
  return (
    filterVolumes(cycle.volumes, node, (key) => !cycle.absent.has(key)) ??
    filterSpread(cycle.spread, node) ??
    filterInterPod(cycle.interPod, node)
  );
}

/** All filters: the first that fails, in upstream's order. */
export function filterNode(cycle: Cycle, node: NodeInfo): Rejection | undefined {
  const { shape, requests, nodeName } = cycle.pod;
  return filterByShape(shape, requests, node, nodeName) ?? filterByCycle(cycle, node);
}

/** Puts a pod on a (copied) node, or takes it off, and keeps the cycle's counts right. */
export function tryPod(cycle: Cycle, node: NodeInfo, pod: PodInfo, sign: 1 | -1): void {
  if (sign === 1) {
    addPod(node, pod);
    cycle.absent.delete(pod.key);
  } else {
    removePod(node, pod.key);
    cycle.absent.add(pod.key);
  }
  if (cycle.spread !== undefined) shiftSpread(cycle.spread, pod, node, sign);
  if (cycle.interPod !== undefined) shiftInterPod(cycle.interPod, pod, node, sign);
}
