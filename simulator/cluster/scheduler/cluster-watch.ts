import { type KubeObject, resourceTypes } from '../../../core/model/object.ts';
import type { Registry, RegistryEvent } from '../api-server/types.ts';
import { isTerminal, keyOf, type KubeNode, type Pod } from '../controllers/kinds.ts';
import { sameJson } from '../controllers/runtime/canonical.ts';
import type { NodeTable } from './node-table.ts';
import type { Nominations } from './nominations.ts';
import { createPodCompiler, type PodInfo } from './pod-info.ts';
import type { SchedulingQueue } from './queue.ts';
import { storageClasses } from './filters/volumes.ts';

export interface ClusterWatchInput {
  readonly registry: Registry;
  readonly table: NodeTable;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  readonly schedulerName: string;
}

export interface ClusterWatch {
  /** Looks at a pod again as if it had just changed. */
  readmit(namespace: string, name: string): void;
  stop(): void;
}

/** Feeds the table and the queue from the registry's events. */
export function watchCluster(input: ClusterWatchInput): ClusterWatch {
  const { registry, table, queue, nominations } = input;
  const compiler = createPodCompiler();

  const drop = (key: string): void => {
    nominations.clear(key);
    queue.remove(key);
    const present = table.podOn(key);
    if (present === undefined) return;
    table.removePod(key);
    queue.wake({ kind: 'pod-gone', pod: present.pod });
  };

  const settled = (pod: Pod, previous: Pod | undefined): void => {
    const info = compiler.compile(pod);
    const present = table.podOn(info.key);
    const node = info.nodeName ?? '';
    queue.remove(info.key);
    nominations.clear(info.key);
    // Also a pod that the scheduler itself has put there and that the table holds already is news to the pods that wait for it.
    table.addPod(info, node);
    if (present === undefined || (previous?.spec.nodeName ?? '') === '') queue.wake({ kind: 'pod-placed', pod: info });
    else if (present.pod.group !== info.group) queue.wake({ kind: 'pod-relabelled', before: present.pod, pod: info });
    if (present !== undefined && shrank(present.pod, info)) queue.wake({ kind: 'pod-shrunk' });
  };

  const pending = (pod: Pod, previous: Pod | undefined): void => {
    const mine = (pod.spec.schedulerName ?? input.schedulerName) === input.schedulerName;
    const gated = (pod.spec.schedulingGates ?? []).length > 0;
    if (!mine || gated || pod.metadata.deletionTimestamp !== undefined) {
      drop(keyOf(pod));
      return;
    }
    // Assumed: its binding is under way.
    if (table.podOn(keyOf(pod)) !== undefined) return;
    const info = compiler.compile(pod);
    const changed =
      previous !== undefined && (!sameJson(previous.spec, pod.spec) || !sameJson(previous.metadata.labels, pod.metadata.labels));
    const nominated = pod.status?.nominatedNodeName ?? '';
    if (nominated !== '' && nominations.nodeOf(info.key) === undefined && previous === undefined) nominations.set(info, nominated);
    queue.put(info, changed);
  };

  const onPod = (object: KubeObject, previous: KubeObject | undefined, deleted: boolean): void => {
    const pod = object as Pod;
    if (deleted || isTerminal(pod)) drop(keyOf(pod));
    else if ((pod.spec.nodeName ?? '') !== '') settled(pod, previous as Pod | undefined);
    else pending(pod, previous as Pod | undefined);
  };

  const onNode = (event: RegistryEvent): void => {
    const node = event.object as KubeNode;
    if (event.type === 'DELETED') {
      table.removeNode(node.metadata.name);
      queue.wake({ kind: 'node' });
      return;
    }
    if (event.type === 'MODIFIED' && event.previous !== undefined && sameForScheduling(node, event.previous as KubeNode)) return;
    table.setNode(node);
    queue.wake({ kind: 'node' });
  };

  const ends = [
    registry.watch(resourceTypes.nodes, onNode),
    registry.watch(resourceTypes.pods, (event) => onPod(event.object, event.previous, event.type === 'DELETED')),
    registry.watch(resourceTypes.persistentVolumes, () => queue.wake({ kind: 'volume' })),
    registry.watch(storageClasses, () => queue.wake({ kind: 'volume' })),
  ];
  return {
    readmit: (namespace, name) => {
      const pod = registry.get(resourceTypes.pods, namespace, name);
      if (pod !== undefined) onPod(pod, undefined, false);
    },
    stop: () => {
      for (const end of ends) end();
    },
  };
}

function shrank(before: PodInfo, now: PodInfo): boolean {
  const [a, b] = [before.requests, now.requests];
  return b.cpu < a.cpu || b.memory < a.memory || b.ephemeral < a.ephemeral || (now.terminating && !before.terminating);
}

function sameForScheduling(node: KubeNode, previous: KubeNode): boolean {
  return (
    sameJson(node.spec, previous.spec) &&
    sameJson(node.metadata.labels, previous.metadata.labels) &&
    sameJson(node.status?.allocatable, previous.status?.allocatable)
  );
}
