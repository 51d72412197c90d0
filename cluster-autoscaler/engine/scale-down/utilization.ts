import type { NodeRecord, PodRecord, ResourceList } from '../../../core/model/index.ts';
import { highestPoolShare } from './device-utilization.ts';
import { isDaemonPod, isLongTerminating } from './drain-rules.ts';
import type { NodeDevices } from './model.ts';

/** How much of a node is asked for, and of what: a resource, or `driver/pool` of devices. May be above 1. */
export interface Utilization {
  readonly share: number;
  readonly resource: string;
}

/** Facts and rules for {@link utilizationOf}. */
export interface UtilizationRules {
  readonly now: number;
  /** Such pods leave the requests and what they would be divided by. */
  readonly ignoreDaemonSets: boolean;
  readonly ignoreMirrors: boolean;
  /** The node's GPU resource if it is a GPU node; `viaDra`: its GPUs are devices. */
  readonly gpu?: { readonly resource: string; readonly viaDra?: boolean | undefined } | undefined;
  /** Absent: dynamic resource allocation is off. */
  readonly devices?: NodeDevices | undefined;
}

/**
 * The share that decides whether a node is little used (§13.4): GPUs alone on a GPU node (0 while none is shown), else the fullest device pool
 * if the node has devices, else the larger of cpu and memory (memory on a tie). Answers a text when it cannot be computed.
 */
export function utilizationOf(node: NodeRecord, pods: readonly PodRecord[], rules: UtilizationRules): Utilization | string {
  const { gpu, devices } = rules;
  if (gpu !== undefined && gpu.viaDra !== true) {
    const share = shareOf(gpu.resource, node, pods, rules);
    return { share: typeof share === 'number' ? share : 0, resource: gpu.resource };
  }
  if (devices !== undefined && devices.slices.length > 0) return highestPoolShare(devices);
  const cpu = allocatableOf(node, 'cpu');
  const memory = allocatableOf(node, 'memory');
  if (typeof cpu === 'string') return cpu;
  if (typeof memory === 'string') return memory;
  const sums = sumRequests(pods, rules);
  const cpuShare = sums.cpu / (cpu - sums.ignoredCpu);
  const memoryShare = sums.memory / (memory - sums.ignoredMemory);
  return cpuShare > memoryShare ? { share: cpuShare, resource: 'cpu' } : { share: memoryShare, resource: 'memory' };
}

function allocatableOf({ name, allocatable }: NodeRecord, resource: string): number | string {
  const amount = allocatable[resource];
  return amount === undefined || amount === 0 ? `node ${name} shows no allocatable ${resource}` : amount;
}

/** Counted in, counted out of what there is, or not at all (it should have ended). */
type Counting = 'requested' | 'ignored' | 'not';

function countingOf(pod: PodRecord, { now, ignoreDaemonSets, ignoreMirrors }: UtilizationRules): Counting {
  if ((ignoreDaemonSets && isDaemonPod(pod)) || (ignoreMirrors && pod.mirror)) return 'ignored';
  return isLongTerminating(pod, now) ? 'not' : 'requested';
}

/** What the node's room counts of the pod, also while it is resized in place (as upstream). */
function requestsOf({ heldShape, shape }: PodRecord): ResourceList {
  return (heldShape ?? shape).requests;
}

/** Cpu and memory in one go: this is done for all pods of the cluster in every loop. */
function sumRequests(pods: readonly PodRecord[], rules: UtilizationRules) {
  const sums = { cpu: 0, memory: 0, ignoredCpu: 0, ignoredMemory: 0 };
  for (const pod of pods) {
    const { cpu = 0, memory = 0 } = requestsOf(pod);
    const counting = countingOf(pod, rules);
    if (counting === 'requested') {
      sums.cpu += cpu;
      sums.memory += memory;
    } else if (counting === 'ignored') {
      sums.ignoredCpu += cpu;
      sums.ignoredMemory += memory;
    }
  }
  return sums;
}

function shareOf(resource: string, node: NodeRecord, pods: readonly PodRecord[], rules: UtilizationRules): number | string {
  const allocatable = allocatableOf(node, resource);
  if (typeof allocatable === 'string') return allocatable;
  let requested = 0;
  let ignored = 0;
  for (const pod of pods) {
    const counting = countingOf(pod, rules);
    if (counting === 'requested') requested += requestsOf(pod)[resource] ?? 0;
    else if (counting === 'ignored') ignored += requestsOf(pod)[resource] ?? 0;
  }
  return requested / (allocatable - ignored);
}
