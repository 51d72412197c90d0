import { messageOf } from '../../../../core/errors.ts';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import {
  conditionOf,
  controllerOf,
  type Deployment,
  type DeploymentStatus,
  isTerminal,
  keyOf,
  type Pod,
  type ReplicaSet,
  splitKey,
  type StatusCondition,
  uidOf,
} from '../kinds.ts';
import { claim } from '../runtime/adoption.ts';
import { ignoreNotFound, isAlreadyExists } from '../runtime/api-errors.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { createKeyedQueue } from '../runtime/keyed-queue.ts';
import { compileSelector, isEmptySelector, labelsOf } from '../runtime/label-selector.ts';
import { needsSync } from '../runtime/needs-sync.ts';
import { createOrphanIndex } from '../runtime/orphan-index.ts';
import { isOwnTwin, newReplicaSet, revisionOf, setAnnotations, setsToClean, splitSets } from './deployment-revisions.ts';
import {
  condition,
  deploymentStatus,
  isComplete,
  progressDeadlineMs,
  putCondition,
  timedOutInMs,
  withProgress,
} from './deployment-status.ts';
import {
  isRollingUpdate,
  isScalingEvent,
  newSetSize,
  type Resize,
  revisionAnnotation,
  scaleSets,
  specReplicas,
  stepNewSet,
  stepOldSets,
} from './rolling-update.ts';

/** Rolls pod templates out through ReplicaSets. */
export function startDeploymentController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.deployments;
  const events = recorderFor(context, 'deployment-controller');
  const orphanSets = createOrphanIndex();

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const found = registry.get(type, namespace, name) as Deployment | undefined;
    if (found === undefined) return undefined;
    if (isEmptySelector(found.spec.selector)) {
      events.record(found, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
      return undefined;
    }
    const sets = await claimSets(found);
    if (found.metadata.deletionTimestamp !== undefined) {
      await writeStatus(found, sets, splitSets(found, sets).newSet, false);
      return undefined;
    }
    const deployment = await notePause(found);
    if (deployment.spec.paused === true || isScalingEvent(deployment, sets)) await resize(deployment, sets);
    else if (isRollingUpdate(deployment)) await roll(deployment, sets);
    else await recreate(deployment, sets);
    return nextDeadline(namespace, name);
  };

  const claimSets = async (deployment: Deployment): Promise<ReplicaSet[]> => {
    const orphans = orphanSets.of(deployment.metadata.namespace ?? '');
    const matches = compileSelector(deployment.spec.selector);
    const common = { registry, type: resourceTypes.replicaSets, owner: deployment, ownerType: type };
    return (await claim({ ...common, matches, orphans })) as ReplicaSet[];
  };

  /** Paused rollouts have no deadline: the condition says so, and restarts the deadline on resume. */
  const notePause = async (deployment: Deployment): Promise<Deployment> => {
    if (progressDeadlineMs(deployment) === undefined) return deployment;
    const present = conditionOf(deployment.status?.conditions, 'Progressing');
    if (present?.reason === 'ProgressDeadlineExceeded') return deployment;
    const wasPaused = present?.reason === 'DeploymentPaused';
    const paused = deployment.spec.paused === true;
    if (paused === wasPaused) return deployment;
    const next = paused
      ? condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused')
      : condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed');
    return setDeploymentCondition(deployment, next);
  };

  const setDeploymentCondition = async (deployment: Deployment, next: StatusCondition): Promise<Deployment> => {
    const stored = await patchStatus(deployment, (status) => ({
      ...status,
      conditions: putCondition(status.conditions ?? [], next, clock.now()),
    }));
    return stored ?? deployment;
  };

  const patchStatus = async (
    deployment: Deployment,
    change: (status: DeploymentStatus) => DeploymentStatus,
  ): Promise<Deployment | undefined> =>
    (await registry.mutate(
      type,
      deployment.metadata.namespace,
      deployment.metadata.name,
      (object) => {
        if (uidOf(object) !== uidOf(deployment)) return object;
        const current = (object as Deployment).status ?? {};
        const status = change(current);
        return sameJson(status, current) ? object : { ...object, status };
      },
      { subresource: 'status' },
    )) as Deployment | undefined;

  const resize = async (deployment: Deployment, sets: readonly ReplicaSet[]): Promise<void> => {
    const { newSet, oldSets } = await revisions(deployment, sets, false);
    const resizes = scaleSets(deployment, newSet, oldSets);
    for (const step of resizes) await scale(deployment, step, true);
    if (deployment.spec.paused === true) await clean(deployment, oldSets);
    await writeStatus(deployment, await claimSets(deployment), newSet, false);
  };

  const roll = async (deployment: Deployment, sets: readonly ReplicaSet[]): Promise<void> => {
    const { newSet, oldSets, deployment: current } = await revisions(deployment, sets, true);
    if (newSet === undefined) return;
    const up = stepNewSet(current, [newSet, ...oldSets], newSet);
    if (up !== undefined) await scale(current, up);
    else {
      const downs = stepOldSets(current, newSet, oldSets);
      for (const down of downs) await scale(current, down);
    }
    await finishSync(current, newSet, oldSets);
  };

  const recreate = async (deployment: Deployment, sets: readonly ReplicaSet[]): Promise<void> => {
    const { newSet, oldSets } = await revisions(deployment, sets, false);
    const active = oldSets.filter((set) => specReplicas(set) > 0);
    for (const set of active) await scale(deployment, { set, replicas: 0 });
    if (active.length > 0 || oldPodsRun(oldSets)) {
      await writeStatus(deployment, await claimSets(deployment), newSet, true);
      return;
    }
    const next = newSet === undefined ? await revisions(deployment, sets, true) : { newSet, deployment };
    if (next.newSet !== undefined && specReplicas(next.newSet) !== specReplicas(deployment)) {
      await scale(next.deployment, { set: next.newSet, replicas: specReplicas(deployment) });
    }
    await finishSync(next.deployment, next.newSet, oldSets);
  };

  const finishSync = async (deployment: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Promise<void> => {
    await writeStatus(deployment, await claimSets(deployment), newSet, true);
    const { namespace, name } = deployment.metadata;
    const status = (registry.get(type, namespace, name) as Deployment | undefined)?.status ?? {};
    if (isComplete(deployment, status)) await clean(deployment, oldSets);
  };

  const oldPodsRun = (oldSets: readonly ReplicaSet[]): boolean =>
    oldSets.some((set) => (registry.listOwned(resourceTypes.pods, uidOf(set)) as readonly Pod[]).some((pod) => !isTerminal(pod)));

  /** Finds the newest set, creating it if asked, and keeps the revision annotations of it and of the Deployment. */
  const revisions = async (
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    create: boolean,
  ): Promise<{ newSet: ReplicaSet | undefined; oldSets: readonly ReplicaSet[]; deployment: Deployment }> => {
    const { newSet: found, oldSets } = splitSets(deployment, sets);
    const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1;
    let newSet = found;
    let current = deployment;
    if (found !== undefined) newSet = await refreshSet(deployment, found, revision);
    else if (create) newSet = await createSet(deployment, sets, revision);
    if (newSet !== undefined) {
      const name = newSet.metadata.name;
      if (conditionOf(deployment.status?.conditions, 'Progressing') === undefined && progressDeadlineMs(deployment) !== undefined) {
        const reason = found === undefined ? 'NewReplicaSetCreated' : 'FoundNewReplicaSet';
        const message = found === undefined ? `Created new replica set "${name}"` : `Found new replica set "${name}"`;
        current = await setDeploymentCondition(current, condition('Progressing', 'True', reason, message));
      } else if (found === undefined && progressDeadlineMs(deployment) !== undefined) {
        const created = condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`);
        current = await setDeploymentCondition(current, created);
      }
      current = await noteRevision(current, revisionOf(newSet));
    }
    return { newSet, oldSets, deployment: current };
  };

  const refreshSet = async (deployment: Deployment, set: ReplicaSet, revision: number): Promise<ReplicaSet> => {
    const stored = await registry.mutate(resourceTypes.replicaSets, set.metadata.namespace, set.metadata.name, (object) => {
      const current = object as ReplicaSet;
      // The sizes noted on the set stay those it was last scaled with: they are how a resize is noticed.
      const noted = setAnnotations(deployment, current, { revision, copy: true });
      const annotations: Record<string, string> = { ...noted, ...pickSizes(current, noted) };
      const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
      if (sameJson(annotations, current.metadata.annotations) && (current.spec.minReadySeconds ?? 0) === minReadySeconds) return object;
      return { ...current, metadata: { ...current.metadata, annotations }, spec: { ...current.spec, minReadySeconds } };
    });
    return (stored as ReplicaSet | undefined) ?? set;
  };

  const createSet = async (deployment: Deployment, sets: readonly ReplicaSet[], revision: number): Promise<ReplicaSet | undefined> => {
    const size = newSetSize(deployment, sets, 0);
    const wanted = newReplicaSet(deployment, size, revision);
    try {
      const created = (await registry.create(resourceTypes.replicaSets, wanted)) as ReplicaSet;
      if (size > 0)
        events.record(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${created.metadata.name} from 0 to ${size}`);
      return created;
    } catch (error) {
      return resolveCreateFailure(deployment, wanted, error);
    }
  };

  const resolveCreateFailure = async (deployment: Deployment, wanted: KubeObject, error: unknown): Promise<ReplicaSet | undefined> => {
    if (!isAlreadyExists(error)) {
      const message = `Failed to create new replica set "${wanted.metadata.name}": ${messageOf(error)}`;
      await setDeploymentCondition(deployment, condition('Progressing', 'False', 'ReplicaSetCreateError', message));
      throw error;
    }
    const inTheWay = registry.get(resourceTypes.replicaSets, wanted.metadata.namespace, wanted.metadata.name);
    if (isOwnTwin(deployment, inTheWay)) return inTheWay as ReplicaSet;
    await patchStatus(deployment, (status) => ({ ...status, collisionCount: (status.collisionCount ?? 0) + 1 }));
    throw error;
  };

  const noteRevision = async (deployment: Deployment, revision: number): Promise<Deployment> => {
    if (revision === 0 || revisionOf(deployment) === revision) return deployment;
    const noted = { [revisionAnnotation]: String(revision) };
    const { namespace, name } = deployment.metadata;
    const annotate = (object: KubeObject): KubeObject => ({
      ...object,
      metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...noted } },
    });
    // As part of the status, as upstream: annotations written by the main path raise the generation.
    const stored = await registry.mutate(type, namespace, name, annotate, { subresource: 'status' });
    return (stored as Deployment | undefined) ?? deployment;
  };

  /** `always` writes the size annotations even when the size is right: a resize must be noted on every set. */
  const scale = async (deployment: Deployment, step: Resize, always = false): Promise<void> => {
    const { set, replicas } = step;
    const before = specReplicas(set);
    if (before === replicas && !always) return;
    await registry.mutate(resourceTypes.replicaSets, set.metadata.namespace, set.metadata.name, (object) => {
      const current = object as ReplicaSet;
      const annotations = setAnnotations(deployment, current, { copy: false });
      return { ...current, metadata: { ...current.metadata, annotations }, spec: { ...current.spec, replicas } };
    });
    if (before === replicas) return;
    const direction = replicas > before ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
    events.record(deployment, 'Normal', 'ScalingReplicaSet', message);
  };

  const clean = async (deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<void> => {
    for (const set of setsToClean(deployment, oldSets)) {
      await ignoreNotFound(registry.delete(resourceTypes.replicaSets, set.metadata.namespace, set.metadata.name));
    }
  };

  const writeStatus = async (
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
    rollout: boolean,
  ): Promise<void> => {
    const current = registry.get(type, deployment.metadata.namespace, deployment.metadata.name) as Deployment | undefined;
    if (current === undefined) return;
    const fresh = newSet === undefined ? undefined : sets.find((set) => uidOf(set) === uidOf(newSet));
    // What was decided on is what is reported as observed; a newer generation gets its own sync.
    const basis: Deployment = { ...deployment, status: current.status ?? {} };
    let status = deploymentStatus(basis, fresh, sets, clock.now());
    if (rollout) status = withProgress(basis, status, fresh, { all: sets, now: clock.now() });
    await patchStatus(deployment, () => status);
  };

  const nextDeadline = (namespace: string, name: string): number | undefined => {
    const deployment = registry.get(type, namespace, name) as Deployment | undefined;
    if (deployment === undefined || deployment.spec.paused === true || isComplete(deployment, deployment.status ?? {})) return undefined;
    const present = conditionOf(deployment.status?.conditions, 'Progressing');
    const left = timedOutInMs(deployment, present, clock.now());
    return left === undefined || present?.reason === 'ProgressDeadlineExceeded' ? undefined : left + 1000;
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('deployment', key, error) });
  const notifyOwner = (set: KubeObject): void => {
    const owner = controllerOf(set);
    if (owner?.kind === 'Deployment') queue.add(`${set.metadata.namespace ?? ''}/${owner.name}`);
  };
  const ends = [
    registry.watch(type, (event) => {
      if (event.type !== 'DELETED' && needsSync(event.object, event.previous)) queue.add(keyOf(event.object));
    }),
    registry.watch(resourceTypes.replicaSets, (event) => {
      orphanSets.note(event);
      if (event.previous !== undefined) notifyOwner(event.previous);
      notifyOwner(event.object);
      if (event.type === 'DELETED' || controllerOf(event.object) !== undefined) return;
      for (const deployment of registry.list(type, event.object.metadata.namespace) as readonly Deployment[]) {
        if (compileSelector(deployment.spec.selector)(labelsOf(event.object))) queue.add(keyOf(deployment));
      }
    }),
  ];
  // A Recreate waits for the last old pod, whose end no ReplicaSet status shows while it terminates.
  context.pods.subscribe((change, pod) => {
    if (change !== 'DELETED' && !isTerminal(pod)) return;
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const set = registry.get(resourceTypes.replicaSets, pod.metadata.namespace, owner.name);
    const name = set === undefined ? undefined : controllerOf(set)?.name;
    if (name === undefined) return;
    const deployment = registry.get(type, pod.metadata.namespace, name) as Deployment | undefined;
    if (deployment !== undefined && !isRollingUpdate(deployment)) queue.add(keyOf(deployment));
  });
  return {
    stop: () => {
      for (const end of ends) end();
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

function pickSizes(current: ReplicaSet, noted: Record<string, string>): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const key of Object.keys(noted)) {
    const present = current.metadata.annotations?.[key];
    if (present !== undefined && (key.endsWith('/desired-replicas') || key.endsWith('/max-replicas'))) picked[key] = present;
  }
  return picked;
}
