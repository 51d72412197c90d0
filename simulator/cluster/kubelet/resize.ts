import { drawDelay, simAnnotation, simDuration } from './delay.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { PodLifeContext } from './pod-life.ts';
import type { PodRuntime } from './pod-runtime.ts';
import { changedCompute, memoryLimitBytes, podRequests, sameCompute } from './pod-spec.ts';

const defaultResizeMs = 1000;
/** A resize in error is tried again so often. */
const errorRetryMs = 10_000;

/**
 * In-place resize as the kubelet does it: new figures are first accepted beside what the node's other pods were promised (`allocated`),
 * then carried out (`actual`). What does not fit beside them is Deferred and tried again when room appears; what the node could never hold
 * is Infeasible.
 */
export function considerResize(pod: PodRuntime, context: PodLifeContext, now: number): void {
  if (pod.terminal || pod.terminating) return;
  const wanted = pod.containers.filter((container) => !sameCompute(container.spec.resources, container.allocated));
  if (wanted.length === 0) {
    if (pod.resize.pending !== undefined) pod.dirty = true;
    pod.resize.pending = undefined;
    return;
  }
  const verdict = judge(pod);
  if (verdict !== undefined) {
    if (pod.resize.pending === undefined) pod.resize.since = now;
    if (pod.resize.pending?.reason !== verdict.reason || pod.resize.pending.message !== verdict.message) pod.dirty = true;
    pod.resize.pending = verdict;
    return;
  }
  accept(pod, context, now);
}

/** Tries deferred resizes of a node again: by priority, then QoS, then the longest waiting. */
export function retryDeferred(node: NodeRuntime, context: PodLifeContext, now: number): PodRuntime[] {
  const order = { Guaranteed: 0, Burstable: 1, BestEffort: 2 } as const;
  const waiting = [...node.pods.values()].filter((pod) => pod.resize.pending?.reason === 'Deferred' && !pod.terminal && !pod.terminating);
  waiting.sort(
    (left, right) =>
      right.spec.priority - left.spec.priority || order[left.spec.qos] - order[right.spec.qos] || left.resize.since - right.resize.since,
  );
  for (const pod of waiting) considerResize(pod, context, now);
  return waiting;
}

/** Carries an accepted resize out when its time has come. */
export function actuateResize(pod: PodRuntime, context: PodLifeContext, now: number): void {
  const { progress } = pod.resize;
  if (progress === undefined || pod.resize.actuateAt > now || pod.terminal) return;
  const error = obstacle(pod, context, now);
  if (error !== undefined) {
    if (progress.error !== error) pod.dirty = true;
    pod.resize.progress = { ...progress, error };
    pod.resize.actuateAt = now + errorRetryMs;
    return;
  }
  for (const container of pod.containers) apply(pod, container, now);
  pod.resize.progress = undefined;
  pod.resize.actuateAt = Number.POSITIVE_INFINITY;
  pod.dirty = true;
}

function judge(pod: PodRuntime): PodRuntime['resize']['pending'] {
  const forced = simAnnotation(pod.spec.identity.annotations, 'resize');
  if (forced === 'Deferred' || forced === 'Infeasible') {
    return { reason: forced, message: `Simulated by the annotation concertina.dev/sim-resize: ${forced}` };
  }
  const requests = podRequests(
    pod.containers.map(({ spec }) => ({ kind: spec.kind, resources: spec.resources })),
    pod.spec.overhead,
  );
  for (const name of ['cpu', 'memory'] as const) {
    const asked = requests.get(name) ?? 0;
    const whole = pod.node.allocatable.get(name) ?? 0;
    if (asked > whole) {
      const message = `Node didn't have enough capacity: ${name}, requested: ${shown(name, asked)}, capacity: ${shown(name, whole)}`;
      return { reason: 'Infeasible', message };
    }
  }
  for (const name of ['cpu', 'memory'] as const) {
    const asked = requests.get(name) ?? 0;
    const room = pod.node.room(name, pod);
    const before = pod.requests().get(name) ?? 0;
    // Less than before always fits, also on a node that is over-committed.
    if (asked > room && asked > before) {
      const whole = pod.node.allocatable.get(name) ?? 0;
      const message = `Node didn't have enough resource: ${name}, requested: ${shown(name, asked)}, used: ${shown(name, whole - room)}, capacity: ${shown(name, whole)}`;
      return { reason: 'Deferred', message };
    }
  }
  return undefined;
}

/** CPU in milli-cores, memory in bytes, as the kubelet's messages have them. */
function shown(name: string, milli: number): number {
  return name === 'cpu' ? milli : Math.ceil(milli / 1000);
}

function accept(pod: PodRuntime, context: PodLifeContext, now: number): void {
  for (const container of pod.containers) {
    container.allocated = container.spec.resources;
    // What does not run yet starts with the new figures.
    if (!container.running) container.actual = container.allocated;
  }
  pod.node.account(pod);
  pod.resize.pending = undefined;
  pod.dirty = true;
  const delay =
    simDuration(pod.spec.identity.annotations, 'resize-delay') ?? drawDelay(context.options.resize ?? defaultResizeMs, context.random);
  pod.resize.progress = { generation: pod.generation, error: undefined };
  pod.resize.actuateAt = now + delay;
}

/** Why it cannot be done now. */
function obstacle(pod: PodRuntime, context: PodLifeContext, now: number): string | undefined {
  if (context.faults.failResize.has(pod.key) || simAnnotation(pod.spec.identity.annotations, 'resize') === 'Error') {
    return 'failed to resize container: simulated error';
  }
  for (const container of pod.containers) {
    const limit = memoryLimitBytes(container.allocated);
    const lower = container.running && limit < container.memoryLimit;
    const usage = Math.ceil(container.usage?.memory(now) ?? 0);
    if (lower && !container.spec.restartOnResize.has('memory') && usage > limit) {
      return `attempting to set container "${container.name}" memory limit (${limit}) below current usage (${usage})`;
    }
  }
  return undefined;
}

function apply(pod: PodRuntime, container: ContainerRuntime, now: number): void {
  const changed = changedCompute(container.actual, container.allocated);
  if (changed.length === 0) return;
  if (container.running && changed.some((name) => container.spec.restartOnResize.has(name))) {
    // Restarted by the kubelet itself, so without a back-off.
    container.terminate(now, { code: 143, reason: 'Error' });
    container.stage = 'starting';
    container.nextAt = now;
  }
  container.actual = container.allocated;
  container.usage?.setCeiling(now, Math.min(container.cpuLimit, pod.node.usableCpu));
  pod.node.runningChanged();
}
