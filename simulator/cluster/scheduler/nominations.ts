import type { PodInfo } from './pod-info.ts';

/** Pods that wait for room to be freed on a node: room that pods of lower priority must leave to them. */
export interface Nominations {
  set(pod: PodInfo, nodeName: string): void;
  clear(podKey: string): void;
  nodeOf(podKey: string): string | undefined;
  /** Pods nominated to the node that go before `pod`. */
  before(pod: PodInfo, nodeName: string): PodInfo[];
  /** Pods nominated to the node that yield to `pod`. */
  after(pod: PodInfo, nodeName: string): PodInfo[];
  nodes(): Iterable<string>;
}

export function createNominations(): Nominations {
  const byPod = new Map<string, { pod: PodInfo; nodeName: string }>();
  const byNode = new Map<string, Map<string, PodInfo>>();
  const on = (nodeName: string): PodInfo[] => [...(byNode.get(nodeName)?.values() ?? [])];
  const nominations: Nominations = {
    set: (pod, nodeName) => {
      nominations.clear(pod.key);
      byPod.set(pod.key, { pod, nodeName });
      const members = byNode.get(nodeName) ?? new Map<string, PodInfo>();
      byNode.set(nodeName, members.set(pod.key, pod));
    },
    clear: (podKey) => {
      const found = byPod.get(podKey);
      if (found === undefined) return;
      byPod.delete(podKey);
      const members = byNode.get(found.nodeName);
      members?.delete(podKey);
      if (members?.size === 0) byNode.delete(found.nodeName);
    },
    nodeOf: (podKey) => byPod.get(podKey)?.nodeName,
    before: (pod, nodeName) => on(nodeName).filter((other) => other.key !== pod.key && other.priority >= pod.priority),
    after: (pod, nodeName) => on(nodeName).filter((other) => other.priority < pod.priority),
    nodes: () => byNode.keys(),
  };
  return nominations;
}
