import type { PodRecord } from '../../core/model/index.ts';
import type { WatchedSource } from './ports.ts';

/** The pods of each node as the mirror has them now: who asks for one node does not go through all pods of the cluster. */
export interface PodsByNode {
  /** Those bound to the node, in order of namespace and name. */
  on(node: string): readonly PodRecord[];
  /** Ends it; it answers no pods any more. */
  stop(): void;
}

export function createPodsByNode(pods: WatchedSource<PodRecord>): PodsByNode {
  const byNode = new Map<string, Map<string, PodRecord>>();
  const remove = (key: string, node: string): void => {
    const held = byNode.get(node);
    held?.delete(key);
    if (held?.size === 0) byNode.delete(node);
  };
  const unsubscribe = pods.onDelta(({ key, old, new: pod }) => {
    if (old?.nodeName !== undefined && old.nodeName !== pod?.nodeName) remove(key, old.nodeName);
    if (pod?.nodeName === undefined) return;
    const held = byNode.get(pod.nodeName);
    if (held === undefined) byNode.set(pod.nodeName, new Map([[key, pod]]));
    else held.set(key, pod);
  });
  return {
    on: (node) => [...(byNode.get(node) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, pod]) => pod),
    stop: () => {
      unsubscribe();
      byNode.clear();
    },
  };
}
