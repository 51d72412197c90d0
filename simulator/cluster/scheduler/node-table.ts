import type { KubeNode } from '../controllers/kinds.ts';
import { addPod, createNodeInfo, type NodeInfo, removePod, setNode } from './node-info.ts';
import type { PodGroup, PodInfo } from './pod-info.ts';

/** Where the pods of one group are. */
export interface GroupPlaces {
  readonly group: PodGroup;
  /** Pods by node index: all of them, and those not being deleted. */
  readonly nodes: Map<number, { total: number; live: number }>;
}

/**
 * Nodes and the pods on them, kept up to date by events. Nodes keep a small integer index for as long as they exist, so that results can
 * stand in typed arrays; `changes` lists the indexes that changed, in order.
 */
export interface NodeTable {
  /** By index; a hole where a node went. */
  readonly nodes: readonly (NodeInfo | undefined)[];
  readonly size: number;
  byName(name: string): NodeInfo | undefined;
  groups(): Iterable<GroupPlaces>;
  groupsOf(namespace: string): Iterable<GroupPlaces>;
  /** Groups with required anti-affinity, and those with any affinity, which concern pods that have none themselves. */
  readonly antiAffine: ReadonlySet<GroupPlaces>;
  readonly affine: ReadonlySet<GroupPlaces>;
  /** Pods by priority, to know whether anything lower exists. */
  lowestPriority(): number;
  setNode(node: KubeNode): NodeInfo;
  removeNode(name: string): void;
  /** Adds a pod to the node of that name, known or not yet; a pod of the same key is replaced. */
  addPod(pod: PodInfo, nodeName: string): void;
  removePod(key: string): void;
  /** Keys of the pods that use a claim, by `namespace/claim`. */
  claimUsers(claimKey: string): Iterable<string>;
  podOn(key: string): { readonly pod: PodInfo; readonly nodeName: string } | undefined;
  /** Absolute position behind the last change. */
  readonly position: number;
  /** Indexes changed since the position; `undefined` when too much changed: look at all. */
  changedSince(position: number): Iterable<number> | undefined;
  /** Goes up when nodes come, go, or change labels or taints: what topology caches hang on. */
  readonly topologyVersion: number;
}

const logLimit = 100_000;

export function createNodeTable(): NodeTable {
  const nodes: (NodeInfo | undefined)[] = [];
  const indexes = new Map<string, number>();
  const free: number[] = [];
  const placed = new Map<string, { pod: PodInfo; nodeName: string }>();
  /** Pods of nodes that are not known (yet, or any more). */
  const waiting = new Map<string, Map<string, PodInfo>>();
  const groups = new Map<string, GroupPlaces>();
  const byNamespace = new Map<string, Set<GroupPlaces>>();
  const antiAffine = new Set<GroupPlaces>();
  const affine = new Set<GroupPlaces>();
  const priorities = new Map<number, number>();
  const claims = new Map<string, Set<string>>();
  let log: number[] = [];
  let logStart = 0;
  let topologyVersion = 0;

  const touch = (index: number): void => {
    if (log.length >= logLimit) {
      logStart += log.length;
      log = [];
    }
    log.push(index);
  };

  const placesOf = (group: PodGroup): GroupPlaces => {
    let places = groups.get(group.key);
    if (places === undefined) {
      places = { group, nodes: new Map() };
      groups.set(group.key, places);
      const siblings = byNamespace.get(group.namespace) ?? new Set();
      byNamespace.set(group.namespace, siblings.add(places));
      if (group.antiAffinity.length > 0) antiAffine.add(places);
      if (group.affinity.length > 0 || group.preferred.length > 0) affine.add(places);
    }
    return places;
  };
  const countGroup = (pod: PodInfo, index: number, sign: 1 | -1): void => {
    const places = placesOf(pod.group);
    const entry = places.nodes.get(index) ?? { total: 0, live: 0 };
    entry.total += sign;
    if (!pod.terminating) entry.live += sign;
    if (entry.total > 0) places.nodes.set(index, entry);
    else places.nodes.delete(index);
    if (places.nodes.size > 0) return;
    groups.delete(pod.group.key);
    byNamespace.get(pod.group.namespace)?.delete(places);
    antiAffine.delete(places);
    affine.delete(places);
  };
  const place = (pod: PodInfo, info: NodeInfo): void => {
    addPod(info, pod);
    countGroup(pod, info.index, 1);
    priorities.set(pod.priority, (priorities.get(pod.priority) ?? 0) + 1);
    touch(info.index);
  };
  const unplace = (pod: PodInfo, info: NodeInfo): void => {
    removePod(info, pod.key);
    countGroup(pod, info.index, -1);
    const left = (priorities.get(pod.priority) ?? 1) - 1;
    if (left > 0) priorities.set(pod.priority, left);
    else priorities.delete(pod.priority);
    touch(info.index);
  };
  const setUses = (pod: PodInfo, uses: boolean): void => {
    for (const name of pod.claims) {
      const key = `${pod.namespace}/${name}`;
      const members = claims.get(key) ?? new Set();
      claims.set(key, members);
      if (uses) members.add(pod.key);
      else members.delete(pod.key);
      if (members.size === 0) claims.delete(key);
    }
  };
  const infoOf = (name: string): NodeInfo | undefined => {
    const index = indexes.get(name);
    return index === undefined ? undefined : nodes[index];
  };

  const table: NodeTable = {
    nodes,
    get size() {
      return indexes.size;
    },
    byName: infoOf,
    groups: () => groups.values(),
    groupsOf: (namespace) => byNamespace.get(namespace) ?? [],
    antiAffine,
    affine,
    lowestPriority: () => Math.min(Number.POSITIVE_INFINITY, ...priorities.keys()),
    setNode: (node) => {
      const { name } = node.metadata;
      topologyVersion += 1;
      const known = infoOf(name);
      if (known !== undefined) {
        setNode(known, node);
        touch(known.index);
        return known;
      }
      const index = free.pop() ?? nodes.length;
      const info = createNodeInfo(index, node);
      nodes[index] = info;
      indexes.set(name, index);
      touch(index);
      for (const pod of waiting.get(name)?.values() ?? []) place(pod, info);
      waiting.delete(name);
      return info;
    },
    removeNode: (name) => {
      const info = infoOf(name);
      if (info === undefined) return;
      topologyVersion += 1;
      const left = new Map(info.pods);
      for (const pod of left.values()) unplace(pod, info);
      if (left.size > 0) waiting.set(name, left);
      indexes.delete(name);
      nodes[info.index] = undefined;
      free.push(info.index);
      touch(info.index);
    },
    addPod: (pod, nodeName) => {
      table.removePod(pod.key);
      placed.set(pod.key, { pod, nodeName });
      setUses(pod, true);
      const info = infoOf(nodeName);
      if (info !== undefined) {
        place(pod, info);
        return;
      }
      const others = waiting.get(nodeName) ?? new Map<string, PodInfo>();
      waiting.set(nodeName, others.set(pod.key, pod));
    },
    removePod: (key) => {
      const found = placed.get(key);
      if (found === undefined) return;
      placed.delete(key);
      setUses(found.pod, false);
      const info = infoOf(found.nodeName);
      if (info !== undefined) {
        unplace(found.pod, info);
        return;
      }
      const others = waiting.get(found.nodeName);
      others?.delete(key);
      if (others?.size === 0) waiting.delete(found.nodeName);
    },
    claimUsers: (claimKey) => claims.get(claimKey) ?? [],
    podOn: (key) => placed.get(key),
    get position() {
      return logStart + log.length;
    },
    changedSince: (position) => {
      const from = position - logStart;
      if (from < 0 || log.length - from > nodes.length) return undefined;
      return log.slice(from);
    },
    get topologyVersion() {
      return topologyVersion;
    },
  };
  return table;
}
