import { formatTime } from '../../../../core/model/condition.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { isTerminal, keyOf, type KubeNode, type Pod, splitKey, uidOf } from '../kinds.ts';
import { ignoreNotFound } from '../runtime/api-errors.ts';
import { type ControllerContext, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';

/** How long a node must be gone before its pods are collected. */
const quarantineMs = 40_000;
/** Ended pods beyond this many are collected, the oldest first (`--terminated-pod-gc-threshold`). */
const terminatedLimit = 12_500;
const outOfService = 'node.kubernetes.io/out-of-service';

/** Collects pods that nobody will end: of nodes that are gone or out of service, deleted before they were bound, and too many ended ones. */
export function startPodGarbageController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const goneSince = new Map<string, number>();
  const ended = new Map<string, Pod>();
  const onError = (key: string, error: unknown): void => context.onError('pod-garbage', key, error);
  const nodeOf = (name: string): KubeNode | undefined => registry.get(resourceTypes.nodes, undefined, name) as KubeNode | undefined;

  const collectNode = async (name: string): Promise<number | undefined> => {
    const node = nodeOf(name);
    if (node !== undefined) {
      goneSince.delete(name);
      if (node.spec?.taints?.some(({ key }) => key === outOfService) === true) {
        for (const pod of Array.from(context.pods.onNode(name)))
          if (pod.metadata.deletionTimestamp !== undefined) await collect(pod, 'node is out of service');
      }
      return undefined;
    }
    const pods = [...context.pods.onNode(name)];
    if (pods.length === 0) {
      goneSince.delete(name);
      return undefined;
    }
    const since = goneSince.get(name) ?? clock.monotonic();
    goneSince.set(name, since);
    const left = since + quarantineMs - clock.monotonic();
    if (left > 0) return left;
    for (const pod of pods) await collect(pod, 'node no longer exists');
    goneSince.delete(name);
    return undefined;
  };

  const collect = async (pod: Pod, why: string): Promise<void> => {
    const { namespace, name } = pod.metadata;
    if (!isTerminal(pod)) {
      await registry.mutate(resourceTypes.pods, namespace, name, (object) => failed(object as Pod, uidOf(pod), { why, now: clock.now() }), {
        subresource: 'status',
      });
    }
    const options = { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } };
    await ignoreNotFound(registry.delete(resourceTypes.pods, namespace, name, options));
  };

  const collectPod = async (key: string): Promise<undefined> => {
    const { namespace, name } = splitKey(key);
    const pod = registry.get(resourceTypes.pods, namespace, name) as Pod | undefined;
    const surplus = ended.size > terminatedLimit && ended.has(key);
    const unbound = pod?.metadata.deletionTimestamp !== undefined && (pod.spec.nodeName ?? '') === '';
    if (pod !== undefined && (surplus || unbound)) {
      const options = { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } };
      await ignoreNotFound(registry.delete(resourceTypes.pods, namespace, name, options));
    }
    return undefined;
  };

  const nodes = createKeyedQueue({ clock, reconcile: collectNode, onError });
  const pods = createKeyedQueue({ clock, reconcile: collectPod, onError });
  const end = registry.watch(resourceTypes.nodes, (event) => {
    const { name } = event.object.metadata;
    const marked = (event.object as KubeNode).spec?.taints?.some(({ key }) => key === outOfService) === true;
    if (event.type === 'DELETED' || goneSince.has(name) || marked) nodes.add(name);
  });
  context.pods.subscribe((change, pod) => {
    const key = keyOf(pod);
    if (change === 'DELETED' || !isTerminal(pod)) ended.delete(key);
    else ended.set(key, pod);
    if (change === 'DELETED') return;
    if (ended.size > terminatedLimit) {
      const oldest = ended.keys().next().value;
      if (oldest !== undefined) pods.add(oldest);
    }
    const node = pod.spec.nodeName ?? '';
    if (node === '') {
      if (pod.metadata.deletionTimestamp !== undefined) pods.add(key);
      return;
    }
    const stored = nodeOf(node);
    if (stored === undefined ? !goneSince.has(node) : pod.metadata.deletionTimestamp !== undefined && isOut(stored)) nodes.add(node);
  });
  return {
    stop: () => {
      end();
      nodes.stop();
      pods.stop();
    },
    idle: () => nodes.idle() && pods.idle(),
  };
}

function isOut(node: KubeNode): boolean {
  return node.spec?.taints?.some(({ key }) => key === outOfService) === true;
}

function failed(pod: Pod, uid: string, { why, now }: { readonly why: string; readonly now: number }): Pod {
  if (uidOf(pod) !== uid) return pod;
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: `PodGC: ${why}`,
    lastTransitionTime: formatTime(now),
  };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
  return { ...pod, status: { ...pod.status, phase: 'Failed', conditions: [...others, condition] } };
}
