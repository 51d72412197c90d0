import { messageOf } from '../../../../core/errors.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { controllerOf, isReady, isTerminal, keyOf, type Pod, splitKey, type StatefulSet, uidOf } from '../kinds.ts';
import { claim } from '../runtime/adoption.ts';
import { ignoreNotFound, isAlreadyExists } from '../runtime/api-errors.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { resolveIntOrPercent } from '../runtime/int-or-percent.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';
import { compileSelector, labelsOf } from '../runtime/label-selector.ts';
import { needsSync } from '../runtime/needs-sync.ts';
import { availableInMs, isAvailable } from '../runtime/pod-ranking.ts';
import { currentRevision, listRevisions, type Revision, truncateHistory } from './revisions.ts';
import { claimsFor, ordinalOf, revisionOfPod, statefulPod } from './stateful-set-pods.ts';

interface Revisions {
  readonly current: Revision;
  readonly update: Revision;
}

/** Keeps the numbered pods of StatefulSets. */
export function startStatefulSetController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.statefulSets;
  const events = recorderFor(context, 'statefulset-controller');

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const set = registry.get(type, namespace, name) as StatefulSet | undefined;
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const matches = compileSelector(set.spec.selector);
    const orphans = [...context.pods.orphans(namespace)].filter((pod) => ordinalOf(set, pod) !== undefined);
    await claim({ registry, type: resourceTypes.pods, owner: set, ownerType: type, matches, orphans });
    const update = await currentRevision(registry, set, type);
    const currentName = set.status?.currentRevision;
    const current = listRevisions(registry, set).find((revision) => revision.name === currentName) ?? update;
    const revisions = { current, update };
    try {
      await act(set, revisions);
    } finally {
      await writeStatus(set, revisions);
    }
    const live = new Set([current.name, update.name, ...podsOf(set).map(revisionOfPod)]);
    await truncateHistory(registry, set, live);
    return nextAvailability(set);
  };

  const podsOf = (set: StatefulSet): readonly Pod[] => registry.listOwned(resourceTypes.pods, uidOf(set)) as readonly Pod[];
  const healthy = (set: StatefulSet, pod: Pod): boolean =>
    pod.metadata.deletionTimestamp === undefined && isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now());

  const sortPods = (set: StatefulSet, first: number, end: number) => {
    const byOrdinal = new Map<number, Pod>();
    const condemned: { ordinal: number; pod: Pod }[] = [];
    for (const pod of podsOf(set)) {
      const ordinal = ordinalOf(set, pod);
      if (ordinal === undefined) continue;
      if (ordinal >= first && ordinal < end) byOrdinal.set(ordinal, pod);
      else condemned.push({ ordinal, pod });
    }
    return { byOrdinal, condemned };
  };

  /** One pass; returns at the first pod that must be waited for when the policy is OrderedReady. */
  const act = async (set: StatefulSet, revisions: Revisions): Promise<void> => {
    const ordered = (set.spec.podManagementPolicy ?? 'OrderedReady') === 'OrderedReady';
    const first = set.spec.ordinals?.start ?? 0;
    const end = first + (set.spec.replicas ?? 1);
    const { byOrdinal, condemned } = sortPods(set, first, end);
    for (let ordinal = first; ordinal < end; ordinal++) {
      const waits = await ensure(set, ordinal, byOrdinal.get(ordinal), revisions);
      if (waits && ordered) return;
    }
    if (await scaleDown(set, condemned, byOrdinal, ordered)) return;
    if ((set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate') await rollOut(set, byOrdinal, revisions.update);
  };

  /** Creates the pod of an ordinal, or replaces one that ended; true while it is not healthy. */
  const ensure = async (set: StatefulSet, ordinal: number, pod: Pod | undefined, revisions: Revisions): Promise<boolean> => {
    if (pod !== undefined && isTerminal(pod)) {
      if (pod.metadata.deletionTimestamp === undefined) await remove(set, pod);
      return true;
    }
    if (pod !== undefined) return !healthy(set, pod);
    await createClaims(set, ordinal);
    const name = `${set.metadata.name}-${ordinal}`;
    try {
      await registry.create(resourceTypes.pods, statefulPod(set, ordinal, revisionFor(set, ordinal, revisions)));
      events.record(set, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} successful`);
    } catch (error) {
      const what = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`;
      if (!isAlreadyExists(error)) events.record(set, 'Warning', 'FailedCreate', what);
      throw error;
    }
    return true;
  };

  /** Pods below the partition, and those not yet reached by a rollout, come back at the revision they had. */
  const revisionFor = (set: StatefulSet, ordinal: number, { current, update }: Revisions): Revision => {
    const rolling = (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
    const first = set.spec.ordinals?.start ?? 0;
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition;
    const kept = partition ?? Number(set.status?.['currentReplicas'] ?? 0);
    return rolling && current !== update && ordinal < first + kept ? current : update;
  };

  const createClaims = async (set: StatefulSet, ordinal: number): Promise<void> => {
    for (const wanted of claimsFor(set, ordinal)) {
      const { namespace, name } = wanted.metadata;
      if (registry.get(resourceTypes.persistentVolumeClaims, namespace, name) !== undefined) continue;
      await registry.create(resourceTypes.persistentVolumeClaims, wanted);
      const message = `create Claim ${name} Pod ${set.metadata.name}-${ordinal} in StatefulSet ${set.metadata.name} success`;
      events.record(set, 'Normal', 'SuccessfulCreate', message);
    }
  };

  /** Removes pods beyond the wanted number, the highest ordinal first; true when the rest of the sync must wait. */
  const scaleDown = async (
    set: StatefulSet,
    condemned: { ordinal: number; pod: Pod }[],
    kept: ReadonlyMap<number, Pod>,
    ordered: boolean,
  ): Promise<boolean> => {
    if (condemned.length === 0) return false;
    const keptHealthy = [...kept.values()].every((pod) => healthy(set, pod));
    for (const { pod } of condemned.sort((a, b) => b.ordinal - a.ordinal)) {
      const dying = pod.metadata.deletionTimestamp !== undefined;
      if (!dying) {
        // An ordered set takes a healthy pod away only while the others that stay are healthy.
        if (ordered && healthy(set, pod) && !keptHealthy) return true;
        await remove(set, pod);
        await releaseClaims(set, pod);
      }
      if (ordered) return true;
    }
    return true;
  };

  const remove = async (set: StatefulSet, pod: Pod): Promise<void> => {
    const { namespace, name } = pod.metadata;
    await ignoreNotFound(registry.delete(resourceTypes.pods, namespace, name, { preconditions: { uid: uidOf(pod) } }));
    events.record(set, 'Normal', 'SuccessfulDelete', `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`);
  };

  const releaseClaims = async (set: StatefulSet, pod: Pod): Promise<void> => {
    if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return;
    for (const wanted of claimsFor(set, ordinalOf(set, pod) ?? -1)) {
      await ignoreNotFound(registry.delete(resourceTypes.persistentVolumeClaims, wanted.metadata.namespace, wanted.metadata.name));
    }
  };

  /** Deletes pods of an older revision from the highest ordinal down to the partition, never more unavailable than allowed. */
  const rollOut = async (set: StatefulSet, byOrdinal: ReadonlyMap<number, Pod>, update: Revision): Promise<void> => {
    const { partition = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
    const allowed = Math.max(1, resolveIntOrPercent(maxUnavailable, set.spec.replicas ?? 1, 'up') ?? 1);
    const first = set.spec.ordinals?.start ?? 0;
    let unavailable = 0;
    for (const [ordinal, pod] of [...byOrdinal].sort(([a], [b]) => b - a)) {
      if (ordinal < first + partition || unavailable >= allowed) return;
      if (revisionOfPod(pod) !== update.name && pod.metadata.deletionTimestamp === undefined) {
        await remove(set, pod);
        unavailable += 1;
      } else if (!healthy(set, pod)) unavailable += 1;
    }
  };

  const writeStatus = async (set: StatefulSet, { current, update }: Revisions): Promise<void> => {
    const pods = podsOf(set).filter((pod) => ordinalOf(set, pod) !== undefined);
    const created = pods.filter((pod) => !isTerminal(pod));
    const live = created.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const ready = created.filter(isReady);
    const updated = live.filter((pod) => revisionOfPod(pod) === update.name);
    const wanted = set.spec.replicas ?? 1;
    const rolling = (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
    const done = rolling && current !== update && updated.length === wanted && ready.length === wanted && created.length === wanted;
    const stays = done ? update : current;
    const figures = {
      replicas: created.length,
      readyReplicas: ready.length,
      availableReplicas: created.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now())).length,
      currentReplicas: live.filter((pod) => revisionOfPod(pod) === stays.name).length,
      updatedReplicas: updated.length,
      currentRevision: stays.name,
      updateRevision: update.name,
      collisionCount: set.status?.collisionCount ?? 0,
      observedGeneration: set.metadata.generation ?? 1,
    };
    await registry.mutate(
      type,
      set.metadata.namespace,
      set.metadata.name,
      (object) => {
        const status = { ...(object as StatefulSet).status, ...figures };
        return uidOf(object) !== uidOf(set) || sameJson(status, object.status) ? object : { ...object, status };
      },
      { subresource: 'status' },
    );
  };

  const nextAvailability = (set: StatefulSet): number | undefined => {
    const minReady = set.spec.minReadySeconds ?? 0;
    if (minReady === 0) return undefined;
    const waits = podsOf(set)
      .filter(isReady)
      .map((pod) => availableInMs(pod, minReady, clock.now()))
      .filter((ms) => ms > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('statefulset', key, error) });
  const notify = (pod: Pod): void => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'StatefulSet') queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  };
  context.pods.subscribe((change, pod, previous) => {
    if (previous !== undefined && controllerOf(previous)?.uid !== controllerOf(pod)?.uid) notify(previous);
    notify(pod);
    if (change !== 'ADDED' || controllerOf(pod) !== undefined) return;
    for (const set of registry.list(type, pod.metadata.namespace) as readonly StatefulSet[]) {
      if (ordinalOf(set, pod) !== undefined && compileSelector(set.spec.selector)(labelsOf(pod))) queue.add(keyOf(set));
    }
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
