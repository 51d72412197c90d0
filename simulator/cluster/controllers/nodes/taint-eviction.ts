import { formatTime } from '../../../../core/model/condition.ts';
import type { Timer } from '../../../../core/model/clock.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { tolerates } from '../../scheduler/filters/taints.ts';
import { conditionOf, isTerminal, keyOf, type KubeNode, type Pod, splitKey, type Taint, uidOf } from '../kinds.ts';
import { ignoreNotFound } from '../runtime/api-errors.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';

/** How long a pod stands NoExecute taints: seconds, or for ever. Nothing when one of them is not tolerated at all. */
export function toleratedSeconds(pod: Pod, taints: readonly Taint[]): number | undefined {
  const { tolerations = [] } = pod.spec;
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const covering = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (covering.length === 0) return undefined;
    for (const { tolerationSeconds } of covering)
      if (tolerationSeconds !== undefined) least = Math.min(least, Math.max(0, tolerationSeconds));
  }
  return least;
}

/** Deletes pods from nodes with NoExecute taints that they do not tolerate, or no longer. */
export function startTaintEvictionController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const events = recorderFor(context, 'taint-eviction-controller');
  const pending = new Map<string, { readonly uid: string; readonly at: number; readonly timer: Timer }>();

  const cancel = (key: string): void => {
    pending.get(key)?.timer.cancel();
    pending.delete(key);
  };
  const consider = (pod: Pod): void => {
    const key = keyOf(pod);
    const node = registry.get(resourceTypes.nodes, undefined, pod.spec.nodeName ?? '') as KubeNode | undefined;
    const taints = (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
    if (taints.length === 0 || isTerminal(pod) || pod.metadata.deletionTimestamp !== undefined) {
      cancel(key);
      return;
    }
    const seconds = toleratedSeconds(pod, taints);
    if (seconds === Number.POSITIVE_INFINITY) {
      cancel(key);
      return;
    }
    const at = clock.monotonic() + (seconds ?? 0) * 1000;
    const present = pending.get(key);
    // A later taint may shorten the stay, never lengthen it.
    if (present !== undefined && present.uid === uidOf(pod) && present.at <= at) return;
    cancel(key);
    if (at <= clock.monotonic()) {
      queue.add(key);
      return;
    }
    const timer = clock.setTimeout(() => {
      pending.delete(key);
      queue.add(key);
    }, at - clock.monotonic());
    pending.set(key, { uid: uidOf(pod), at, timer });
  };

  const evict = async (key: string): Promise<undefined> => {
    const { namespace, name } = splitKey(key);
    const pod = registry.get(resourceTypes.pods, namespace, name) as Pod | undefined;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return undefined;
    const node = registry.get(resourceTypes.nodes, undefined, pod.spec.nodeName ?? '') as KubeNode | undefined;
    if (node?.spec?.taints?.some(({ effect }) => effect === 'NoExecute') !== true) return undefined;
    events.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    await registry.mutate(resourceTypes.pods, namespace, name, (object) => disrupted(object as Pod, uidOf(pod), clock.now()), {
      subresource: 'status',
    });
    await ignoreNotFound(registry.delete(resourceTypes.pods, namespace, name, { preconditions: { uid: uidOf(pod) } }));
    return undefined;
  };
  const queue = createKeyedQueue({ clock, reconcile: evict, onError: (key, error) => context.onError('taint-eviction', key, error) });

  const end = registry.watch(resourceTypes.nodes, (event) => {
    const node = event.object as KubeNode;
    const before = event.previous as KubeNode | undefined;
    if (event.type === 'MODIFIED' && sameJson(node.spec?.taints, before?.spec?.taints)) return;
    for (const pod of context.pods.onNode(node.metadata.name)) {
      if (event.type === 'DELETED') cancel(keyOf(pod));
      else consider(pod);
    }
  });
  context.pods.subscribe((change, pod, previous) => {
    if (change === 'DELETED') cancel(keyOf(pod));
    else if (pod.spec.nodeName !== undefined && (previous === undefined || !sameJson(previous.spec, pod.spec) || isTerminal(pod)))
      consider(pod);
  });
  return {
    stop: () => {
      end();
      for (const key of Array.from(pending.keys())) cancel(key);
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

function disrupted(pod: Pod, uid: string, now: number): Pod {
  if (uidOf(pod) !== uid || conditionOf(pod.status?.conditions, 'DisruptionTarget')?.status === 'True') return pod;
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: formatTime(now),
  };
  return { ...pod, status: { ...pod.status, conditions: [...(pod.status?.conditions ?? []), condition] } };
}
