import { formatTime } from '../../../core/model/condition.ts';
import type { ContainerRuntime, Termination } from './container-runtime.ts';
import { initialized } from './pod-life.ts';
import type { PodCondition, PodRuntime } from './pod-runtime.ts';
import type { ResourceRequirements } from './pod-spec.ts';

/** Conditions that only the kubelet writes and takes away again. */
export const resizeConditions = ['PodResizePending', 'PodResizeInProgress'] as const;

/**
 * Body of the strategic-merge patch of `pods/status`. Container statuses are whole, because those lists are atomic under every kind of
 * patch; addresses are sent once only, because those lists merge by address.
 */
export function statusPatch(pod: PodRuntime, now: number): { readonly metadata: { readonly uid: string }; readonly status: object } {
  const conditions = conditionPatches(pod, now);
  const init = pod.containers.filter(({ spec }) => spec.kind !== 'main');
  const main = pod.containers.filter(({ spec }) => spec.kind === 'main');
  // A pod that was refused or evicted before anything ran has no container statuses.
  const ran = pod.failure === undefined || pod.containers.some(({ hasEnded }) => hasEnded);
  return {
    metadata: { uid: pod.uid },
    status: {
      phase: pod.phase,
      observedGeneration: pod.generation,
      startTime: formatTime(pod.startTime),
      conditions,
      ...(pod.failure && { reason: pod.failure.reason, message: pod.failure.message }),
      ...(ran && { containerStatuses: main.map((container) => containerStatus(container)) }),
      ...(ran && init.length > 0 && { initContainerStatuses: init.map((container) => containerStatus(container)) }),
      ...addresses(pod),
    },
  };
}

function addresses(pod: PodRuntime): object {
  if (pod.addressesWritten || pod.podIP === undefined) return {};
  const host = pod.node.address;
  return { hostIP: host, hostIPs: [{ ip: host }], podIP: pod.podIP, podIPs: [{ ip: pod.podIP }] };
}

function containerStatus(container: ContainerRuntime): object {
  const { spec, terminated, last, running } = container;
  const initDone = spec.kind === 'init' && terminated?.exitCode === 0;
  return {
    name: spec.name,
    image: spec.image,
    imageID: running || container.hasEnded ? container.imageID : '',
    ...identity(container),
    ready: spec.kind === 'init' ? initDone : container.ready,
    started: container.started,
    restartCount: container.restarts,
    state: stateOf(container),
    lastState: last === undefined ? {} : { terminated: terminationStatus(last) },
    ...requestsOf(container.allocated),
    // The API server takes a container without `resources` for one of a node that cannot resize.
    resources: running || terminated !== undefined ? container.actual : container.allocated,
  };
}

/** The run that is shown or, while the container waits, the last one; none before the first. */
function identity(container: ContainerRuntime): { readonly containerID?: string } {
  if (container.running) return { containerID: container.containerID };
  const ended = container.terminated ?? container.last;
  return ended === undefined ? {} : { containerID: ended.containerID };
}

function stateOf(container: ContainerRuntime): object {
  if (container.running) return { running: { startedAt: formatTime(container.startedAt) } };
  return container.terminated === undefined ? { waiting: waiting(container) } : { terminated: terminationStatus(container.terminated) };
}

function requestsOf(resources: ResourceRequirements): object {
  const { requests } = resources;
  return requests === undefined || Object.keys(requests).length === 0 ? {} : { allocatedResources: requests };
}

function waiting(container: ContainerRuntime): object {
  // A container whose turn has not come waits for init containers.
  const reason = container.stage === 'blocked' && container.spec.kind !== 'init' ? 'PodInitializing' : container.waitingReason;
  return container.waitingMessage === '' ? { reason } : { reason, message: container.waitingMessage };
}

function terminationStatus(end: Termination): object {
  return {
    exitCode: end.exitCode,
    reason: end.reason,
    ...(end.message === undefined ? {} : { message: end.message }),
    startedAt: formatTime(end.startedAt),
    finishedAt: formatTime(end.finishedAt),
    containerID: end.containerID,
  };
}

/** Conditions to set, and `$patch: delete` for those that the object has and that are over. */
function conditionPatches(pod: PodRuntime, now: number): object[] {
  const wanted = [...lifeConditions(pod), ...resizeConditionsOf(pod)];
  const patches: object[] = wanted.map((condition) => {
    // Conditions are merged field by field: what is not said again would stay.
    const cleared = pod.serverExplained.has(condition.type) ? { reason: null, message: null } : {};
    const lastTransitionTime = formatTime(transitionTime(pod, condition, now));
    return { ...cleared, ...condition, lastTransitionTime };
  });
  for (const type of resizeConditions) {
    if (wanted.some((condition) => condition.type === type)) continue;
    pod.conditionSince.delete(type);
    if (pod.serverResizeConditions.has(type)) patches.push({ $patch: 'delete', type });
  }
  return patches;
}

function transitionTime(pod: PodRuntime, condition: PodCondition, now: number): number {
  const before = pod.conditionSince.get(condition.type);
  const at = before?.status === condition.status ? before.at : now;
  pod.conditionSince.set(condition.type, { status: condition.status, at });
  return at;
}

function lifeConditions(pod: PodRuntime): PodCondition[] {
  const observedGeneration = pod.generation;
  const done = pod.phase === 'Succeeded' ? 'PodCompleted' : pod.phase === 'Failed' ? 'PodFailed' : undefined;
  const unready = pod.containers.filter(({ spec, ready }) => spec.kind !== 'init' && !ready).map(({ name }) => name);
  const unreadyReason: Partial<PodCondition> =
    done === undefined
      ? { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
      : { reason: done };
  const containersReady = !pod.terminal && unready.length === 0;
  const gates = pod.spec.readinessGates.filter((gate) => pod.gates.get(gate) !== 'True');
  const readyReason: Partial<PodCondition> =
    containersReady && gates.length > 0
      ? {
          reason: 'ReadinessGatesNotReady',
          message: gates.map((gate) => `corresponding condition of pod readiness gate "${gate}" does not exist or is not True.`).join(' '),
        }
      : unreadyReason;
  const list: PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: pod.terminal ? 'False' : 'True', observedGeneration },
    initializedCondition(pod),
    flag('Ready', pod.ready, readyReason, observedGeneration),
    flag('ContainersReady', containersReady, unreadyReason, observedGeneration),
  ];
  if (!pod.scheduledWritten) list.push({ type: 'PodScheduled', status: 'True', observedGeneration });
  if (pod.failure?.disruption !== undefined) {
    list.push({
      type: 'DisruptionTarget',
      status: 'True',
      reason: pod.failure.disruption,
      message: pod.failure.message,
      observedGeneration,
    });
  }
  return list;
}

function flag(type: string, value: boolean, otherwise: Partial<PodCondition>, observedGeneration: number): PodCondition {
  return value ? { type, status: 'True', observedGeneration } : { ...otherwise, type, status: 'False', observedGeneration };
}

function initializedCondition(pod: PodRuntime): PodCondition {
  const observedGeneration = pod.generation;
  if (initialized(pod)) {
    return { type: 'Initialized', status: 'True', ...(pod.phase === 'Succeeded' && { reason: 'PodCompleted' }), observedGeneration };
  }
  const open = pod.containers.filter(({ spec, started, terminated }) =>
    spec.kind === 'sidecar' ? !started : spec.kind === 'init' && terminated?.exitCode !== 0,
  );
  const message = `containers with incomplete status: [${open.map(({ name }) => name).join(' ')}]`;
  return { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message, observedGeneration };
}

function resizeConditionsOf(pod: PodRuntime): PodCondition[] {
  const { pending, progress } = pod.resize;
  const list: PodCondition[] = [];
  if (pending !== undefined) {
    list.push({
      type: 'PodResizePending',
      status: 'True',
      reason: pending.reason,
      message: pending.message,
      observedGeneration: pod.generation,
    });
  }
  if (progress !== undefined) {
    list.push({
      type: 'PodResizeInProgress',
      status: 'True',
      ...(progress.error !== undefined && { reason: 'Error', message: progress.error }),
      observedGeneration: progress.generation,
    });
  }
  return list;
}
