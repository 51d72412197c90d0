import type { Clock } from '../../../core/model/clock.ts';
import { formatTime } from '../../../core/model/condition.ts';
import { type KubeObject, resourceTypes } from '../../../core/model/object.ts';
import type { Registry } from '../api-server/types.ts';
import { conditionOf, type Pod, type PodStatus, type StatusCondition, uidOf } from '../controllers/kinds.ts';
import { ignoreNotFound } from '../controllers/runtime/api-errors.ts';
import type { PodInfo } from './pod-info.ts';

/** The scheduler's writes to pods. All of them do nothing when the pod is gone or another of the same name. */
export interface PodWrites {
  /** Binds the pod; false when it is gone, bound to another node, or being deleted. */
  bind(pod: PodInfo, node: string): Promise<boolean>;
  /** PodScheduled=False, and the nomination (`''` clears it, `undefined` leaves it). */
  markUnschedulable(pod: PodInfo, message: string, nominatedNode: string | undefined): Promise<void>;
  clearNomination(pod: PodInfo): Promise<void>;
  /** Marks a victim and deletes it with its own grace. */
  preempt(victim: PodInfo): Promise<void>;
}

export function createPodWrites(registry: Registry, clock: Clock, schedulerName: string): PodWrites {
  const type = resourceTypes.pods;
  const change = async (pod: PodInfo, edit: (current: Pod) => KubeObject, subresource: string): Promise<KubeObject | undefined> =>
    registry.mutate(type, pod.namespace, pod.name, (object) => (uidOf(object) === pod.uid ? edit(object as Pod) : object), { subresource });
  const changeStatus = async (pod: PodInfo, edit: (status: PodStatus, current: Pod) => PodStatus): Promise<void> => {
    const edited = (current: Pod): KubeObject => {
      const before = current.status ?? {};
      const status = edit(before, current);
      return status === before ? current : { ...current, status };
    };
    await change(pod, edited, 'status');
  };
  const put = (status: PodStatus, next: StatusCondition): PodStatus => {
    const present = conditionOf(status.conditions, next.type);
    if (present !== undefined && present.status === next.status && present.reason === next.reason && present.message === next.message) {
      return status;
    }
    const time = present?.status === next.status ? present.lastTransitionTime : undefined;
    const stamped = { ...next, lastProbeTime: null, lastTransitionTime: time ?? formatTime(clock.now()) };
    return { ...status, conditions: [...(status.conditions ?? []).filter((condition) => condition.type !== next.type), stamped] };
  };

  const writes: PodWrites = {
    bind: async (pod, node) => {
      const stored = await change(
        pod,
        (current) => {
          if (current.metadata.deletionTimestamp !== undefined || (current.spec.nodeName ?? '') !== '') return current;
          const { nominatedNodeName: _nomination, ...status } = current.status ?? {};
          return { ...current, spec: { ...current.spec, nodeName: node }, status: put(status, { type: 'PodScheduled', status: 'True' }) };
        },
        'binding',
      );
      const bound = stored !== undefined && uidOf(stored) === pod.uid && (stored as Pod).spec.nodeName === node;
      if (bound && (stored as Pod).status?.nominatedNodeName !== undefined) await writes.clearNomination(pod);
      return bound;
    },
    markUnschedulable: async (pod, message, nominatedNode) =>
      changeStatus(pod, (status) => {
        const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
        const marked = put(status, condition);
        if (nominatedNode === undefined || (marked.nominatedNodeName ?? '') === nominatedNode) return marked;
        const { nominatedNodeName: _old, ...rest } = marked;
        return nominatedNode === '' ? rest : { ...rest, nominatedNodeName: nominatedNode };
      }),
    clearNomination: async (pod) =>
      changeStatus(pod, (status) => {
        if (status.nominatedNodeName === undefined) return status;
        const { nominatedNodeName: _old, ...rest } = status;
        return rest;
      }),
    preempt: async (victim) => {
      const message = `${schedulerName}: preempting to accommodate a higher priority pod`;
      const target = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message };
      await changeStatus(victim, (status) => put(status, target));
      await ignoreNotFound(registry.delete(type, victim.namespace, victim.name, { preconditions: { uid: victim.uid } }));
    },
  };
  return writes;
}
