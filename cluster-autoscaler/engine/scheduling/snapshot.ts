/**
 * The in-memory cluster in which scheduling is simulated: nodes in a list order, pods on them, `fork`, `revert` and `commit` in O(changes).
 * Pods that the scheduler cannot tell apart share a class; filters work on (class, node).
 */
import type { Labels, NodeRecord, NodeSelector, PodRecord } from '../../../core/model/index.ts';
import type { FilterFailure, NodeTemplate } from '../model.ts';
import type { DeviceFacts } from './devices/index.ts';

/** Handle of a node of one snapshot; never used again for another node while the snapshot lives. Dense, from 0. */
export type NodeId = number;

/** Handle of a pod class of one snapshot: same namespace, labels, shape, claims and pinned node. Dense, from 0. */
export type ClassId = number;

/** A persistent volume claim as filters see it, by `namespace/name`. */
export interface ClaimFacts {
  /** Bound to a volume: where that volume may be used (node affinity terms of the volume), and its zone and region labels. */
  readonly bound: boolean;
  readonly nodeAffinity?: NodeSelector | undefined;
  readonly zones?: readonly string[] | undefined;
  readonly regions?: readonly string[] | undefined;
  /** CSI driver, for attach limits. */
  readonly driver?: string | undefined;
  /** ReadWriteOncePod: one pod at a time. */
  readonly exclusive?: boolean | undefined;
  /** Not bound and bound at once, not at first consumer: no pod may use it yet. */
  readonly waitsForBinder?: boolean | undefined;
  /** Not bound, WaitForFirstConsumer: topology terms of the class that a node must meet. */
  readonly allowedTopologies?: NodeSelector | undefined;
}

/** Facts that are neither in pods nor in nodes. */
export interface SchedulingFacts {
  /** Labels of namespaces. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** `undefined`: claims are not known at all and volume filters pass. A claim that is not in the map does not exist (VolumeBinding fails). */
  readonly claims?: ReadonlyMap<string, ClaimFacts> | undefined;
  /** Attach limits by node name, then by driver (CSINode); a node or driver that is absent has no limit. */
  readonly attachLimits?: ReadonlyMap<string, ReadonlyMap<string, number>> | undefined;
  /** `undefined`: nothing is known of claims on devices; a pod with one may go nowhere then. */
  readonly devices?: DeviceFacts | undefined;
}

/** How the any-node search chooses among nodes. */
export interface SearchOptions {
  /** Only nodes for which this holds. Must be pure: it is asked of nodes with room, before the other filters, and not of all of them. */
  readonly accept?: ((node: NodeId) => boolean) | undefined;
  /** Only nodes that were added in the current fork (or in a fork above it) after this handle was taken: ids ≥ it. */
  readonly from?: NodeId | undefined;
}

/** How the class of a pod is found. */
export interface ClassOptions {
  /**
   * The pod may only go where its `nodeName` says (filter NodeName). By default `nodeName` is not looked at: pods that are taken off a node are
   * tried elsewhere, as upstream clears the field before.
   */
  readonly bound?: boolean | undefined;
}

/** Options of {@link SchedulingSnapshot.placeAround}. */
export interface PlaceAroundOptions extends SearchOptions {
  /** Told of each node that got pods, once for one or more pods at a time. */
  readonly placed?: ((node: NodeId, count: number) => void) | undefined;
}

export interface SchedulingSnapshot {
  /** Nodes in it now. */
  readonly nodeCount: number;
  /** The class of a pod; the same for pods that filters cannot tell apart. */
  classOf(pod: PodRecord, options?: ClassOptions): ClassId;
  /** A pod of the class, as first seen. */
  exemplar(podClass: ClassId): PodRecord;
  /** Appends a node with the pods that are on it. Throws if the name is there already. */
  addNode(node: NodeRecord, pods?: readonly PodRecord[]): NodeId;
  /**
   * Appends a node made from a template: under the given name, which is also its label `kubernetes.io/hostname`, with copies of the template's
   * pods. Much cheaper than {@link addNode} when the same template object is used again. Throws if the name is there already.
   */
  addCopy(template: NodeTemplate, name: string): NodeId;
  /** Takes a node out with its pods. */
  removeNode(node: NodeId): void;
  node(node: NodeId): NodeRecord;
  find(name: string): NodeId | undefined;
  /** Handles in list order. */
  nodeIds(): readonly NodeId[];
  /** Pods on a node, those placed included, in order of placing. */
  podsOn(node: NodeId): readonly PodRecord[];
  /** Number of pods on a node (bulk placements count). */
  podCount(node: NodeId): number;
  /** Puts a pod on a node without asking the filters. */
  place(pod: PodRecord, node: NodeId): void;
  /** The same for many pods of a class at once, which then have no names; only inside a fork. */
  placeMany(podClass: ClassId, node: NodeId, count: number): void;
  /** Takes a pod off a node; throws if it is not there. */
  displace(pod: PodRecord, node: NodeId): void;
  /** Whether every filter lets the class onto the node. */
  fits(podClass: ClassId, node: NodeId): boolean;
  /** The first filter that fails, with its reason; `undefined` if it fits. Slower than {@link fits}. */
  failure(podClass: ClassId, node: NodeId): FilterFailure | undefined;
  /**
   * Any-node search of the upstream autoscaler: list order, starting one after the last match, wrapping around, cordoned nodes skipped, then `accept`,
   * then the filters. Remembers where it matched; the first search starts at index 1.
   */
  search(podClass: ClassId, options?: SearchOptions): NodeId | undefined;
  /**
   * The same as searching and placing one pod of the class after the other, up to `count` of them, until no node is found; answers how many were
   * placed. They have no names; only inside a fork.
   */
  placeAround(podClass: ClassId, count: number, options?: PlaceAroundOptions): number;
  /**
   * Whether placing a pod of the class changes nothing for others of it but the room on its node: no spreading, affinity, host ports, claims on
   * volumes or on devices.
   * Then {@link room} can be divided by.
   */
  isIndependent(podClass: ClassId): boolean;
  /** How many more pods of an independent class the node takes as things are; 0 where it does not fit. Throws for other classes. */
  room(podClass: ClassId, node: NodeId): number;
  /** Starts a layer of changes. */
  fork(): void;
  /** Undoes everything since the last fork. The place at which searches start is not undone (as upstream). */
  revert(): void;
  /** Keeps everything since the last fork in the layer below. */
  commit(): void;
}
