import { parseTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { WorkloadModel } from '../../workload/index.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { resizeConditions } from './pod-status.ts';
import type { PodRuntime } from './pod-runtime.ts';
import type { ResourceRequirements, ResourceTexts } from './pod-spec.ts';

interface RawTermination {
  readonly exitCode?: number;
  readonly reason?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly containerID?: string;
}

interface RawState {
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: RawTermination;
}

interface RawContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly containerID?: string;
  readonly state?: RawState;
  readonly lastState?: RawState;
  readonly resources?: ResourceRequirements;
  readonly allocatedResources?: ResourceTexts;
}

export interface RawPodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly startTime?: string;
  readonly podIP?: string;
  readonly hostIP?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly lastTransitionTime?: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  readonly containerStatuses?: readonly RawContainerStatus[];
  readonly initContainerStatuses?: readonly RawContainerStatus[];
}

const phases = ['Running', 'Succeeded', 'Failed'] as const;

/** Takes over what conditions of the object say: readiness gates, transition times, and which resize conditions it has. */
export function observeConditions(pod: PodRuntime, status: RawPodStatus): void {
  const conditions = status.conditions ?? [];
  pod.serverResizeConditions.clear();
  pod.serverExplained.clear();
  for (const { type, reason, message } of conditions) {
    if (reason !== undefined || message !== undefined) pod.serverExplained.add(type);
    if ((resizeConditions as readonly string[]).includes(type)) pod.serverResizeConditions.add(type);
  }
  pod.gates = new Map(
    conditions.filter(({ type }) => pod.spec.readinessGates.includes(type)).map(({ type, status: value }) => [type, value]),
  );
  if (conditions.some(({ type, status: value }) => type === 'PodScheduled' && value === 'True')) pod.scheduledWritten = true;
  if (status.podIP !== undefined) pod.addressesWritten = true;
}

/** Whether a kubelet has written the status already. */
export function wasRunning(object: KubeObject): boolean {
  const status = (object.status ?? {}) as RawPodStatus;
  return status.startTime !== undefined || (status.phase !== undefined && status.phase !== 'Pending');
}

/**
 * Takes a pod over from the kubelet that this one replaces: its containers go on as they are, with the same identities. CPU counters begin
 * anew; that is what a restarted cAdvisor does too.
 */
export function adoptPod(pod: PodRuntime, object: KubeObject, workload: WorkloadModel, now: number): void {
  const status = (object.status ?? {}) as RawPodStatus;
  pod.podIP = status.podIP ?? pod.podIP;
  pod.startTime = parseTime(status.startTime) ?? now;
  pod.phase = phases.find((phase) => phase === status.phase) ?? pod.phase;
  for (const { type, status: value, lastTransitionTime } of status.conditions ?? []) {
    pod.conditionSince.set(type, { status: value, at: parseTime(lastTransitionTime) ?? now });
  }
  for (const container of pod.containers) {
    const entry = statusOf(status, container.name);
    if (entry !== undefined) adoptContainer(container, entry);
    if (pod.terminal) container.stage = 'ended';
    else if (entry?.state?.running !== undefined)
      resume(pod, container, entry, { startedAt: entry.state.running.startedAt, workload, now });
  }
}

function statusOf(status: RawPodStatus, name: string): RawContainerStatus | undefined {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return all.find((entry) => entry.name === name);
}

function adoptContainer(container: ContainerRuntime, entry: RawContainerStatus): void {
  container.restarts = entry.restartCount ?? 0;
  container.last = termination(entry.lastState?.terminated);
  container.terminated = termination(entry.state?.terminated);
  if (container.terminated !== undefined) container.stage = 'ended';
  const limits = entry.resources?.limits ?? container.spec.resources.limits;
  const requests = entry.allocatedResources ?? container.spec.resources.requests;
  container.allocated = { ...(requests && { requests }), ...(limits && { limits }) };
  container.actual = entry.resources ?? container.allocated;
}

/** A container that runs goes on. */
function resume(
  pod: PodRuntime,
  container: ContainerRuntime,
  entry: RawContainerStatus,
  { startedAt, workload, now }: { readonly startedAt: string | undefined; readonly workload: WorkloadModel; readonly now: number },
): void {
  container.stage = 'running';
  container.adoptedID = entry.containerID;
  container.startedAt = parseTime(startedAt) ?? now;
  container.started = entry.started ?? true;
  container.ready = entry.ready ?? false;
  container.startupAt = now;
  container.readyAt = now;
  container.usage = workload.start(pod.spec.identity, container.name, { at: now });
  container.usage.setCeiling(now, Math.min(container.cpuLimit, pod.node.usableCpu));
  pod.node.runningChanged();
  container.nextAt = now;
}

function termination(raw: RawTermination | undefined): ContainerRuntime['last'] {
  if (raw === undefined) return undefined;
  return {
    exitCode: raw.exitCode ?? 0,
    reason: raw.reason ?? '',
    startedAt: parseTime(raw.startedAt) ?? 0,
    finishedAt: parseTime(raw.finishedAt) ?? 0,
    containerID: raw.containerID ?? '',
  };
}
