import { isFinished, type NodeRecord, type PodRecord } from '../../../core/model/index.ts';
import { gpuResources } from '../gpus.ts';
import type { LoopInput, NodeTemplate } from '../model.ts';
import { isReady } from '../registry/index.ts';
import { deletionTaintKey, isStartupTaint } from '../templates/index.ts';
import { pendingDevices, type PendingDevices } from './pending-devices.ts';
import type { LoopOptions } from './model.ts';
import { breathe, type Pace, type Pausing } from './pace.ts';

/** The world of one loop, put into the order and the heaps in which the loop reads it (§3.2, §3.4). */
export interface LoopView {
  /** By name. Those that are still being set up are shown as not ready. */
  readonly nodes: readonly NodeRecord[];
  /** Ready and not cordoned. */
  readonly readyCount: number;
  /** Names of nodes whose devices are missing. */
  readonly resourceUnready: ReadonlySet<string>;
  /** Pods that have a node or are promised one, without expendable ones, by node and in order of name. */
  readonly podsByNode: ReadonlyMap<string, readonly PodRecord[]>;
  /** Unschedulable, and unprocessed where schedulers are bypassed; largest first, then oldest. */
  readonly pending: readonly PodRecord[];
  readonly groupOf: (node: NodeRecord) => string | undefined;
  /** The cloud has the node's instance no more; where it cannot tell, our taint says that it is going. */
  readonly isGone: (node: NodeRecord) => boolean;
}

/** What a view is made with beside the input. */
export interface ViewTools {
  readonly pace: Pace;
  /** Of good nodes of earlier loops, by group. */
  readonly templates: ReadonlyMap<string, NodeTemplate>;
}

export function* viewOf(input: LoopInput, options: LoopOptions, { pace, templates }: ViewTools): Pausing<LoopView> {
  const groupOf = groupLookup(input);
  const pending = pendingDevices(input, groupOf, templates);
  const lacks = (node: NodeRecord): boolean => lacksDevice(node, options, pending) || pending.isPending(node);
  const resourceUnready = new Set(input.nodes.filter(lacks).map(({ name }) => name));
  const nodes = input.nodes
    .map((node) => (resourceUnready.has(node.name) || isStarting(node, options) ? { ...node, ready: 'False' as const } : node))
    .toSorted((a, b) => compareText(a.name, b.name));
  yield* breathe(pace);
  const { podsByNode, pending: unscheduled } = yield* sortPods(input.pods, options, pace);
  return {
    nodes,
    readyCount: nodes.filter((node) => isReady(node) && !node.unschedulable).length,
    resourceUnready,
    podsByNode,
    pending: unscheduled,
    groupOf,
    isGone: (node) => {
      if (input.gone?.nodes.has(node.name) === true) return true;
      const known = input.gone !== undefined && !input.gone.unknown.has(node.name);
      return !known && node.taints.some(({ key }) => key === deletionTaintKey);
    },
  };
}

/** A node of the kind that has GPUs and shows none yet: its device plugin is late, unless its GPUs are devices that a driver publishes. */
function lacksDevice({ name, labels, allocatable }: NodeRecord, { gpuLabel }: LoopOptions, { hasSlices }: PendingDevices): boolean {
  if (gpuLabel === '' || labels[gpuLabel] === undefined) return false;
  return !gpuResources.some((resource) => (allocatable[resource] ?? 0) > 0) && !hasSlices(name);
}

export function asksForGpu(pod: PodRecord): boolean {
  return gpuResources.some((name) => (pod.shape.requests[name] ?? 0) > 0);
}

function isStarting({ taints }: NodeRecord, options: LoopOptions): boolean {
  return taints.some(({ key }) => isStartupTaint(key, options));
}

function groupLookup({ groups, groupOfNode }: LoopInput): LoopView['groupOf'] {
  if (groupOfNode !== undefined) return ({ name }) => groupOfNode.get(name);
  const byInstance = new Map(groups.flatMap(({ id, instances }) => instances.map((instance) => [instance.id, id] as const)));
  return ({ providerId }) => byInstance.get(providerId);
}

/** A pod that nobody buys a node for, and whose room others may have. */
export function isExpendable(pod: PodRecord, { expendablePodsPriorityCutoff }: LoopOptions): boolean {
  return pod.shape.priority < expendablePodsPriorityCutoff;
}

/** Pods, and lists of pods, that are looked at between two places where the loop may pause. */
const podsAtOnce = 2048;
const listsAtOnce = 64;

function* sortPods(pods: readonly PodRecord[], options: LoopOptions, pace: Pace): Pausing<Pick<LoopView, 'podsByNode' | 'pending'>> {
  const heaps: Heaps = { podsByNode: new Map(), unsorted: new Set(), pending: [] };
  for (let start = 0; start < pods.length; start += podsAtOnce) {
    heap(pods, heaps, { start, end: Math.min(start + podsAtOnce, pods.length), options });
    yield* breathe(pace);
  }
  let sorted = 0;
  for (const list of heaps.unsorted) {
    list.sort(byName);
    sorted += 1;
    if (sorted % listsAtOnce === 0) yield* breathe(pace);
  }
  return { podsByNode: heaps.podsByNode, pending: heaps.pending.sort(largestFirst) };
}

interface Heaps {
  readonly podsByNode: Map<string, PodRecord[]>;
  /** Those of the lists that are not in order of name. */
  readonly unsorted: Set<PodRecord[]>;
  readonly pending: PodRecord[];
}

function heap(
  pods: readonly PodRecord[],
  { podsByNode, unsorted, pending }: Heaps,
  { start, end, options }: { readonly start: number; readonly end: number; readonly options: LoopOptions },
): void {
  for (let index = start; index < end; index++) {
    const pod = pods[index] as PodRecord;
    if (isFinished(pod)) continue;
    const node = pod.nodeName ?? (pod.deleted === undefined ? pod.nominatedNode : undefined);
    if (node === undefined) {
      if (pod.deleted === undefined && isPending(pod, options)) pending.push(pod);
    } else if (!isExpendable(pod, options)) {
      const list = podsByNode.get(node);
      if (list === undefined) podsByNode.set(node, [pod]);
      else {
        // A mirror mostly has pods in order of name. Told here, while the pod is at hand, it costs little.
        if (byName(list[list.length - 1] ?? pod, pod) > 0) unsorted.add(list);
        list.push(pod);
      }
    }
  }
}

function isPending(pod: PodRecord, { bypassedSchedulerNames }: LoopOptions): boolean {
  return pod.unschedulable || (bypassedSchedulerNames.includes(pod.shape.schedulerName) && pod.shape.schedulingGates.length === 0);
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** All pods of the cluster are put in order in every loop: one comparison decides mostly. */
function byName(a: PodRecord, b: PodRecord): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  if (a.name < b.name) return -1;
  return a.name === b.name ? compareText(a.uid, b.uid) : 1;
}

/**
 * Largest first, as the estimator packs, so that pods find the room again that was bought for them; then oldest, then by name. Upstream keeps the
 * order of its cache, which is any.
 */
function largestFirst(a: PodRecord, b: PodRecord): number {
  return sizeOf(b) - sizeOf(a) || (a.created ?? 0) - (b.created ?? 0) || byName(a, b);
}

/** Memory that counts as much as a core, in the unit of requests. */
const memoryPerCore = 4 * 2 ** 30;

function sizeOf({ shape }: PodRecord): number {
  return (shape.requests['cpu'] ?? 0) + (shape.requests['memory'] ?? 0) / memoryPerCore;
}
