import { resourceTypes } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import { controllerOf, keyOf, type Pod } from '../kinds.ts';

export type PodHandler = (type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Pod, previous: Pod | undefined) => void;

/** One watch of all pods for all controllers, with the indexes that they share. */
export interface PodStore {
  /** Pods without a controller, of one namespace. */
  orphans(namespace: string): Iterable<Pod>;
  /** Pods bound to the node, ended ones included. */
  onNode(node: string): Iterable<Pod>;
  /** Names of nodes that pods are bound to. */
  nodeNames(): Iterable<string>;
  /** Handlers are called in order of subscription; those that subscribe later than the start get the present pods as ADDED. */
  subscribe(handler: PodHandler): void;
  stop(): void;
}

export function createPodStore(registry: Registry): PodStore {
  const orphans = new Map<string, Map<string, Pod>>();
  const byNode = new Map<string, Map<string, Pod>>();
  const all = new Map<string, Pod>();
  const handlers: PodHandler[] = [];

  const forget = (pod: Pod): void => {
    drop(orphans, pod.metadata.namespace ?? '', keyOf(pod));
    if (pod.spec.nodeName !== undefined) drop(byNode, pod.spec.nodeName, keyOf(pod));
  };
  const note = (pod: Pod): void => {
    if (controllerOf(pod) === undefined) put(orphans, pod.metadata.namespace ?? '', pod);
    if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== '') put(byNode, pod.spec.nodeName, pod);
  };
  const end = registry.watch(resourceTypes.pods, (event) => {
    const pod = event.object as Pod;
    const key = keyOf(pod);
    const previous = all.get(key);
    if (previous !== undefined) forget(previous);
    if (event.type === 'DELETED') all.delete(key);
    else {
      all.set(key, pod);
      note(pod);
    }
    for (const handler of handlers) handler(event.type, pod, event.type === 'ADDED' ? undefined : previous);
  });

  return {
    orphans: (namespace) => orphans.get(namespace)?.values() ?? [],
    onNode: (node) => byNode.get(node)?.values() ?? [],
    nodeNames: () => byNode.keys(),
    subscribe: (handler) => {
      handlers.push(handler);
      for (const pod of all.values()) handler('ADDED', pod, undefined);
    },
    stop: end,
  };
}

function put(index: Map<string, Map<string, Pod>>, group: string, pod: Pod): void {
  let members = index.get(group);
  if (members === undefined) {
    members = new Map();
    index.set(group, members);
  }
  members.set(keyOf(pod), pod);
}

function drop(index: Map<string, Map<string, Pod>>, group: string, key: string): void {
  const members = index.get(group);
  if (members === undefined) return;
  members.delete(key);
  if (members.size === 0) index.delete(group);
}
