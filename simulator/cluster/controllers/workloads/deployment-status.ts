import { formatTime, parseTime } from '../../../../core/model/condition.ts';
import { conditionOf, type Deployment, type DeploymentStatus, type ReplicaSet, type StatusCondition } from '../kinds.ts';
import { availableReplicas, maxUnavailableOf, specReplicas, sum } from './rolling-update.ts';

/** Figures and the Available condition; Progressing is {@link withProgress}. */
export function deploymentStatus(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: number,
): DeploymentStatus {
  const available = sum(all, availableReplicas);
  const wanted = specReplicas(deployment);
  const enough = available >= wanted - maxUnavailableOf(deployment);
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: sum(all, (set) => set.status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, specReplicas) - available),
    terminatingReplicas: sum(all, (set) => set.status?.terminatingReplicas ?? 0),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: putCondition(
      deployment.status?.conditions ?? [],
      enough
        ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
      now,
    ),
  };
}

/** Pods beyond this rollout's reach: the deadline is off when `progressDeadlineSeconds` is absent or the greatest int32. */
export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600;
  return seconds === 2_147_483_647 ? undefined : seconds * 1000;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = specReplicas(deployment);
  return (
    status.updatedReplicas === wanted &&
    status.replicas === wanted &&
    status.availableReplicas === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 1)
  );
}

/** The status with the Progressing and ReplicaFailure conditions, as a rollout in strategy mode writes it. */
export function withProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  newSet: ReplicaSet | undefined,
  options: { readonly all: readonly ReplicaSet[]; readonly now: number },
): DeploymentStatus {
  const { now, all } = options;
  let conditions = progressConditions(deployment, status, newSet, now);
  const failure = all.map((set) => conditionOf(set.status?.conditions, 'ReplicaFailure')).find((found) => found !== undefined);
  conditions =
    failure === undefined
      ? conditions.filter(({ type }) => type !== 'ReplicaFailure')
      : putCondition(conditions, condition('ReplicaFailure', failure.status, failure.reason ?? '', failure.message ?? ''), now);
  return { ...status, conditions };
}

function progressConditions(
  deployment: Deployment,
  status: DeploymentStatus,
  newSet: ReplicaSet | undefined,
  now: number,
): StatusCondition[] {
  const conditions = status.conditions ?? [];
  if (progressDeadlineMs(deployment) === undefined) return conditions.filter(({ type }) => type !== 'Progressing');
  const present = conditionOf(deployment.status?.conditions, 'Progressing');
  if (status.replicas === status.updatedReplicas && present?.reason === 'NewReplicaSetAvailable') return conditions;
  const subject = newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const done = condition('Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
    return putCondition(conditions, done, now);
  }
  if (isProgressing(deployment.status ?? {}, status)) {
    return touchProgress(conditions, condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`), now);
  }
  if (timedOutInMs(deployment, present, now) !== 0) return conditions;
  const late = condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
  return putCondition(conditions, late, now);
}

/** Milliseconds until a rollout counts as stuck; 0 when it does, nothing when it is complete or has no deadline. */
export function timedOutInMs(deployment: Deployment, present: StatusCondition | undefined, now: number): number | undefined {
  const deadline = progressDeadlineMs(deployment);
  if (deadline === undefined || present === undefined || present.reason === 'NewReplicaSetAvailable') return undefined;
  if (present.reason === 'ProgressDeadlineExceeded') return 0;
  const since = parseTime(present.lastUpdateTime ?? present.lastTransitionTime) ?? now;
  return Math.max(0, since + deadline - now);
}

function isProgressing(old: DeploymentStatus, status: DeploymentStatus): boolean {
  const older = (of: DeploymentStatus): number => (of.replicas ?? 0) - (of.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    older(status) < older(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

export function condition(type: string, status: string, reason: string, message: string): StatusCondition {
  return { type, status, reason, message };
}

/** Sets a condition; the same status and reason leave it as it is (so its update time stands), the same status keeps the transition time. */
export function putCondition(conditions: readonly StatusCondition[], next: StatusCondition, now: number): StatusCondition[] {
  const present = conditionOf(conditions, next.type);
  if (present !== undefined && present.status === next.status && present.reason === next.reason) return [...conditions];
  return replace(conditions, next, present?.status === next.status ? present.lastTransitionTime : undefined, now);
}

/** As {@link putCondition} but the update time moves each time: progress restarts the deadline. */
function touchProgress(conditions: readonly StatusCondition[], next: StatusCondition, now: number): StatusCondition[] {
  const present = conditionOf(conditions, next.type);
  return replace(conditions, next, present?.status === 'True' ? present.lastTransitionTime : undefined, now);
}

function replace(
  conditions: readonly StatusCondition[],
  next: StatusCondition,
  transition: string | undefined,
  now: number,
): StatusCondition[] {
  const time = formatTime(now);
  const others = conditions.filter(({ type }) => type !== next.type);
  return [...others, { ...next, lastUpdateTime: time, lastTransitionTime: transition ?? time }];
}
