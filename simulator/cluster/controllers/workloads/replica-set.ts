import { messageOf } from '../../../../core/errors.ts';
import { formatTime } from '../../../../core/model/condition.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import {
  conditionOf,
  controllerOf,
  isActive,
  isReady,
  keyOf,
  type Pod,
  type ReplicaSet,
  type ReplicaSetStatus,
  splitKey,
  type StatusCondition,
  uidOf,
} from '../kinds.ts';
import { claim } from '../runtime/adoption.ts';
import { ignoreNotFound } from '../runtime/api-errors.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { coalesceMs, createKeyedQueue } from '../runtime/keyed-queue.ts';
import { needsSync } from '../runtime/needs-sync.ts';
import { compileSelector, labelsOf } from '../runtime/label-selector.ts';
import { availableInMs, countByNode, isAvailable, rankForDeletion } from '../runtime/pod-ranking.ts';
import { podFromTemplate } from '../runtime/pod-template.ts';
import { slowStart } from '../runtime/slow-start.ts';

/** Pods created or deleted in one sync at most; the pods' events bring the next one. */
const burstReplicas = 500;

/** Keeps as many active pods as a ReplicaSet asks for. */
export function startReplicaSetController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const events = recorderFor(context, 'replicaset-controller');
  const type = resourceTypes.replicaSets;

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const set = registry.get(type, namespace, name) as ReplicaSet | undefined;
    if (set === undefined) return undefined;
    const matches = compileSelector(set.spec.selector);
    const claimed = (await claim({
      registry,
      type: resourceTypes.pods,
      owner: set,
      ownerType: type,
      matches,
      orphans: context.pods.orphans(namespace),
    })) as Pod[];
    let failure: Error | undefined;
    if (set.metadata.deletionTimestamp === undefined) failure = await manage(set, claimed.filter(isActive));
    await writeStatus(set, failure);
    if (failure !== undefined) throw failure;
    return nextAvailability(set);
  };

  const manage = async (set: ReplicaSet, active: readonly Pod[]): Promise<Error | undefined> => {
    const wanted = set.spec.replicas ?? 1;
    if (active.length < wanted) return create(set, Math.min(wanted - active.length, burstReplicas));
    if (active.length > wanted) await remove(set, active, Math.min(active.length - wanted, burstReplicas));
    return undefined;
  };

  const create = async (set: ReplicaSet, count: number): Promise<Error | undefined> => {
    const { error } = await slowStart(count, async () => {
      try {
        const pod = await registry.create(
          resourceTypes.pods,
          podFromTemplate(set.spec.template, set, type, { generateName: `${set.metadata.name}-` }),
        );
        events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        events.record(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
        throw error;
      }
    });
    return error;
  };

  const remove = async (set: ReplicaSet, active: readonly Pod[], count: number): Promise<void> => {
    const victims = count >= active.length ? active : rankForDeletion(active, relatedByNode(context, set), clock.now()).slice(0, count);
    await Promise.all(
      victims.map(async (pod) => {
        await ignoreNotFound(
          registry.delete(resourceTypes.pods, pod.metadata.namespace, pod.metadata.name, { preconditions: { uid: uidOf(pod) } }),
        );
        events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
      }),
    );
  };

  const writeStatus = async (set: ReplicaSet, failure: Error | undefined): Promise<void> => {
    const pods = registry.listOwned(resourceTypes.pods, uidOf(set)) as readonly Pod[];
    await registry.mutate(
      type,
      set.metadata.namespace,
      set.metadata.name,
      (object) => {
        const current = object as ReplicaSet;
        if (uidOf(current) !== uidOf(set)) return object;
        const status = replicaSetStatus(current, pods, failure, clock.now());
        status.observedGeneration = set.metadata.generation ?? 1;
        return sameJson(status, current.status) ? object : { ...current, status };
      },
      { subresource: 'status' },
    );
  };

  const nextAvailability = (set: ReplicaSet): number | undefined => {
    const minReady = set.spec.minReadySeconds ?? 0;
    if (minReady === 0) return undefined;
    const waits = (registry.listOwned(resourceTypes.pods, uidOf(set)) as readonly Pod[])
      .filter((pod) => isActive(pod) && isReady(pod))
      .map((pod) => availableInMs(pod, minReady, clock.now()))
      .filter((ms) => ms > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('replicaset', key, error) });
  const notifyOwner = (pod: Pod): void => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const namespace = pod.metadata.namespace ?? '';
    const set = registry.get(type, namespace, owner.name) as ReplicaSet | undefined;
    if (set !== undefined && uidOf(set) === owner.uid) queue.addAfter(keyOf(set), coalesceMs(set.status?.replicas ?? 0));
  };
  const notifyAdopters = (pod: Pod): void => {
    for (const set of registry.list(type, pod.metadata.namespace) as readonly ReplicaSet[]) {
      if (compileSelector(set.spec.selector)(labelsOf(pod))) queue.add(keyOf(set));
    }
  };
  context.pods.subscribe((change, pod, previous) => {
    if (previous !== undefined && controllerOf(previous)?.uid !== controllerOf(pod)?.uid) notifyOwner(previous);
    notifyOwner(pod);
    if (change === 'DELETED' || controllerOf(pod) !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
    if (previous !== undefined && controllerOf(previous) === undefined && sameJson(previous.metadata.labels, pod.metadata.labels)) return;
    notifyAdopters(pod);
  });
  const end = registry.watch(type, (event) => {
    if (event.type !== 'DELETED' && needsSync(event.object, event.previous)) queue.add(keyOf(event.object));
  });
  return {
    stop: () => {
      end();
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

/** Active pods by node of all ReplicaSets that share this one's owner: what "doubled up" means during a rollout. */
function relatedByNode(context: ControllerContext, set: ReplicaSet): Map<string, number> {
  const { registry } = context;
  const owner = controllerOf(set);
  const related = owner === undefined ? [set] : registry.listOwned(resourceTypes.replicaSets, owner.uid);
  return countByNode(
    related.flatMap((member) => (registry.listOwned(resourceTypes.pods, uidOf(member)) as readonly Pod[]).filter(isActive)),
  );
}

function replicaSetStatus(set: ReplicaSet, pods: readonly Pod[], failure: Error | undefined, now: number): ReplicaSetStatus {
  const templateLabels = Object.entries(set.spec.template.metadata?.labels ?? {});
  const minReady = set.spec.minReadySeconds ?? 0;
  const status = { replicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0, terminatingReplicas: 0 };
  const matches = compileSelector(set.spec.selector);
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) status.terminatingReplicas += 1;
    if (!isActive(pod) || !matches(labelsOf(pod))) continue;
    status.replicas += 1;
    if (templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value)) status.fullyLabeledReplicas += 1;
    if (isReady(pod)) status.readyReplicas += 1;
    if (isAvailable(pod, minReady, now)) status.availableReplicas += 1;
  }
  const conditions = failureConditions(set.status?.conditions ?? [], failure, now);
  return { ...set.status, ...status, ...(conditions.length === 0 ? { conditions: [] } : { conditions }) };
}

function failureConditions(conditions: readonly StatusCondition[], failure: Error | undefined, now: number): StatusCondition[] {
  const others = conditions.filter((condition) => condition.type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  const present = conditionOf(conditions, 'ReplicaFailure');
  if (present !== undefined) return [...conditions];
  return [
    ...others,
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: messageOf(failure), lastTransitionTime: formatTime(now) },
  ];
}
