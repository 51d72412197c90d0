import type { Random } from '../../../core/model/clock.ts';
import type { WorkloadModel } from '../../workload/index.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { drawDelay, simAnnotation, simDuration } from './delay.ts';
import type { Delay } from './delay.ts';
import type { PodRuntime } from './pod-runtime.ts';
import type { FleetOptions, KubeletFaults } from './types.ts';

export interface PodLifeContext {
  readonly random: Random;
  readonly workload: WorkloadModel;
  readonly options: FleetOptions;
  readonly faults: KubeletFaults;
}

const defaultPull: Delay = { min: 1000, max: 3000 };
const defaultStart: Delay = { min: 300, max: 1000 };
const defaultReady: Delay = { min: 500, max: 2000 };
const defaultInit: Delay = { min: 500, max: 1000 };
const defaultJob: Delay = 30_000;
/** How long `ErrImagePull` stands before it is called a back-off. */
const pullErrorMs = 1000;
/** How often a container that a fault keeps from being ready is looked at again. */
const notReadyRetryMs = 1000;

/**
 * Lets everything happen to a pod that is due by `now` and answers when something is due next. Init containers run one after the other,
 * sidecars as soon as it is their turn, main containers together after them.
 */
export function advancePod(pod: PodRuntime, context: PodLifeContext, now: number): number {
  if (pod.removed || pod.stopped) return Number.POSITIVE_INFINITY;
  if (pod.failure !== undefined) setPhase(pod, 'Failed');
  if (pod.terminal) return pod.stopAt;
  let next = pod.stopAt;
  let open = true;
  for (const container of pod.containers) {
    if (container.spec.kind === 'main') open = open && initialized(pod);
    if (!open) continue;
    next = Math.min(next, advanceContainer(pod, container, context, now));
    if (container.spec.kind === 'init') open = container.stage === 'ended' && container.terminated?.exitCode === 0;
    if (container.spec.kind === 'sidecar') open = container.started;
  }
  settlePhase(pod, now);
  updateServing(pod, now);
  return pod.terminal ? pod.stopAt : next;
}

/** Regular init containers have succeeded and sidecars have started. */
export function initialized(pod: PodRuntime): boolean {
  return pod.containers.every(({ spec, stage, started, terminated }) => {
    if (spec.kind === 'init') return stage === 'ended' && terminated?.exitCode === 0;
    return spec.kind === 'main' || started;
  });
}

/** Ends all containers that run, for example because the pod is evicted or deleted. */
export function stopContainers(pod: PodRuntime, now: number, exit: { readonly code: number; readonly reason: string }): void {
  for (const container of pod.containers) {
    if (container.running) container.terminate(now, exit);
    else if (container.stage !== 'ended') container.stage = 'ended';
  }
  updateServing(pod, now);
}

/** What follows a container that has just ended: a restart, or nothing. */
export function afterExit(pod: PodRuntime, container: ContainerRuntime, now: number): void {
  const code = container.terminated?.exitCode ?? 0;
  const { restartPolicy } = pod.spec;
  const again =
    container.spec.kind === 'sidecar' ||
    (container.spec.kind === 'main' && restartPolicy === 'Always') ||
    (code !== 0 && restartPolicy !== 'Never');
  const { namespace, name } = pod.spec.identity;
  if (again && !pod.terminating) container.planRestart(now, `${name}_${namespace}(${pod.uid})`);
  pod.dirty = true;
}

/** Sends requests to a pod that is ready and not being deleted, to no other. */
export function updateServing(pod: PodRuntime, now: number): void {
  const gated = pod.spec.readinessGates.every((gate) => pod.gates.get(gate) === 'True');
  const ready = !pod.terminal && gated && initialized(pod) && pod.containers.every(({ spec, ready: is }) => spec.kind === 'init' || is);
  if (ready !== pod.ready) pod.dirty = true;
  pod.ready = ready;
  const serving = ready && !pod.terminating && pod.node.powered;
  for (const container of pod.containers) container.usage?.setServing(now, serving);
}

function advanceContainer(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): number {
  // Each pass moves the container one stage on; as many as are due.
  for (let due = container.stage === 'blocked' || container.nextAt <= now; due; due = container.nextAt <= now) {
    advanceStage(pod, container, context, now);
  }
  return container.nextAt;
}

function advanceStage(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): void {
  switch (container.stage) {
    case 'blocked':
    case 'pull-backoff':
      pull(pod, container, context, now);
      return;
    case 'pulling':
      pulled(pod, container, context, now);
      return;
    case 'pull-error':
      pod.dirty = true;
      container.wait(
        'pull-backoff',
        'ImagePullBackOff',
        now + container.pullBackoffMs(),
        `Back-off pulling image "${container.spec.image}"`,
      );
      return;
    case 'backoff':
      container.stage = 'starting';
      container.nextAt = now + startDelay(pod, container, context);
      return;
    case 'starting':
      run(pod, container, context, now);
      return;
    case 'running':
      check(pod, container, context, now);
      return;
    case 'ended':
      container.nextAt = Number.POSITIVE_INFINITY;
  }
}

function pull(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): void {
  const { annotations } = pod.spec.identity;
  const cached = pod.node.images.has(container.spec.image) ? 0.1 : 1;
  const delay =
    simDuration(annotations, 'pull', container.name) ??
    (container.restarts > 0 ? 0 : drawDelay(context.options.startup?.pull ?? defaultPull, context.random) * cached);
  if (container.stage === 'pull-backoff') {
    // The reason stays until the new attempt has an outcome.
    container.stage = 'pulling';
    container.nextAt = now + delay;
    return;
  }
  const waitsForInit = container.spec.kind === 'main' && pod.containers.some(({ spec }) => spec.kind !== 'main');
  container.wait('pulling', waitsForInit ? 'PodInitializing' : 'ContainerCreating', now + delay);
  pod.dirty = true;
}

function pulled(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): void {
  if (!pullFails(pod, container, context)) {
    pod.node.images.add(container.spec.image);
    container.stage = 'starting';
    container.nextAt = now + startDelay(pod, container, context);
    return;
  }
  container.pullFailures += 1;
  const message = `failed to pull and unpack image "${container.spec.image}": not found`;
  container.wait('pull-error', 'ErrImagePull', now + pullErrorMs, message);
  pod.dirty = true;
}

function pullFails(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext): boolean {
  if (context.faults.failPull.has(container.spec.image)) return true;
  const text = simAnnotation(pod.spec.identity.annotations, 'pull-error', container.name);
  return text === 'true' || (text !== undefined && container.pullFailures < Number(text));
}

function startDelay(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext): number {
  const override = simDuration(pod.spec.identity.annotations, 'start', container.name);
  return override ?? drawDelay(context.options.startup?.start ?? defaultStart, context.random);
}

/** The process begins. */
function run(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): void {
  if (container.hasEnded) container.restarts += 1;
  container.leaveTerminated();
  container.adoptedID = undefined;
  container.stage = 'running';
  container.startedAt = now;
  container.actual = container.allocated;
  container.started = false;
  container.ready = false;
  const limit = container.memoryLimit;
  container.usage = context.workload.start(pod.spec.identity, container.name, {
    at: now,
    ...(Number.isFinite(limit) ? { memoryLimit: limit } : {}),
  });
  container.usage.setCeiling(now, Math.min(container.cpuLimit, pod.node.usableCpu));
  pod.node.runningChanged();
  container.startupAt = now + container.spec.startupDelayMs;
  container.readyAt = Math.max(container.startupAt, now + readyDelay(pod, container, context));
  planExit(pod, container, context, now);
  container.nextAt = now;
  pod.dirty = true;
}

function readyDelay(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext): number {
  const override = simDuration(pod.spec.identity.annotations, 'ready', container.name);
  if (override !== undefined) return override;
  const set = context.options.startup?.ready;
  if (set === undefined && !container.spec.readinessProbe) return 0;
  return Math.max(container.spec.readinessDelayMs, drawDelay(set ?? defaultReady, context.random));
}

export function planExit(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): void {
  const { annotations, containers } = pod.spec.identity;
  container.exitAt = Number.POSITIVE_INFINITY;
  container.exitCode = 0;
  if (container.spec.kind === 'sidecar') return;
  if (container.spec.kind === 'init') {
    const override = simDuration(annotations, 'init', container.name);
    container.exitAt = now + (override ?? drawDelay(context.options.startup?.init ?? defaultInit, context.random));
    return;
  }
  const code = Number(simAnnotation(annotations, 'exit-code', container.name) ?? 0);
  const first = container.name === containers[0];
  const crash = first ? simDuration(annotations, 'crash-after', container.name) : undefined;
  const job = pod.spec.ownedByJob ? drawDelay(context.options.jobDuration ?? defaultJob, context.random) : undefined;
  const duration = crash ?? simDuration(annotations, 'run', container.name) ?? job;
  if (duration === undefined) return;
  container.exitAt = now + duration;
  container.exitCode = crash === undefined ? code : 1;
}

/** A running container: started, ready, exited. */
function check(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): void {
  if (container.exitAt <= now) {
    container.terminate(now, { code: container.exitCode, reason: container.exitCode === 0 ? 'Completed' : 'Error' });
    afterExit(pod, container, now);
    return;
  }
  let next = container.exitAt;
  if (!container.started) {
    if (container.startupAt <= now) {
      container.started = true;
      pod.dirty = true;
    } else {
      next = Math.min(next, container.startupAt);
    }
  }
  next = Math.min(next, checkReady(pod, container, context, now));
  container.nextAt = next;
}

function checkReady(pod: PodRuntime, container: ContainerRuntime, context: PodLifeContext, now: number): number {
  if (container.spec.kind === 'init') return Number.POSITIVE_INFINITY;
  const startupEnd = container.usage?.startupEnd(now) ?? now;
  const readyAt = Math.max(container.readyAt, startupEnd);
  const blocked = context.faults.notReady.has(pod.key);
  const ready = readyAt <= now && !blocked;
  if (container.ready && blocked) pod.dirty = true;
  if (!container.ready && ready) pod.dirty = true;
  container.ready = container.ready ? !blocked : ready;
  if (container.ready) return Number.POSITIVE_INFINITY;
  if (blocked) return now + notReadyRetryMs;
  // A ceiling of nothing never lets the start finish; look again when the ceiling may have changed.
  return Number.isFinite(readyAt) ? readyAt : now + notReadyRetryMs;
}

function settlePhase(pod: PodRuntime, now: number): void {
  const failedInit = pod.containers.some(
    ({ spec, stage, terminated }) => spec.kind === 'init' && stage === 'ended' && terminated !== undefined && terminated.exitCode !== 0,
  );
  if (failedInit) {
    stopContainers(pod, now, { code: 137, reason: 'Error' });
    return setPhase(pod, 'Failed');
  }
  const main = pod.containers.filter(({ spec }) => spec.kind === 'main');
  if (!initialized(pod) && pod.phase === 'Pending') return;
  // A container that waits for the first time keeps the pod Pending; one that waits to be restarted does not.
  if (pod.phase === 'Pending' && main.some(({ running, hasEnded }) => !running && !hasEnded)) return;
  if (main.some(({ stage }) => stage !== 'ended')) return setPhase(pod, 'Running');
  stopSidecars(pod, now);
  setPhase(pod, main.every(({ terminated }) => terminated?.exitCode === 0) ? 'Succeeded' : 'Failed');
}

/** Sidecars end when the main containers have. */
function stopSidecars(pod: PodRuntime, now: number): void {
  for (const container of pod.containers) {
    if (container.running) container.terminate(now, { code: 0, reason: 'Completed' });
    else if (container.stage !== 'ended') container.stage = 'ended';
  }
}

function setPhase(pod: PodRuntime, phase: PodRuntime['phase']): void {
  if (pod.phase === phase) return;
  pod.phase = phase;
  pod.dirty = true;
  if (pod.terminal) pod.node.account(pod);
}
