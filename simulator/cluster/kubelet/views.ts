import type { ContainerRuntime } from './container-runtime.ts';
import type { PodRuntime } from './pod-runtime.ts';
import type { ContainerView, PodView } from './types.ts';

/** A pod as others look at it, at this instant. */
export function podView(pod: PodRuntime, now: number): PodView {
  const { namespace, name } = pod.spec.identity;
  return {
    namespace,
    name,
    node: pod.node.spec.name,
    phase: pod.phase,
    ready: pod.ready,
    terminating: pod.terminating,
    resize: resizeOf(pod),
    containers: pod.containers.map((container) => containerView(container, now)),
  };
}

function resizeOf(pod: PodRuntime): PodView['resize'] {
  const { pending, progress } = pod.resize;
  if (pending !== undefined) return pending.reason;
  if (progress === undefined) return 'none';
  return progress.error === undefined ? 'InProgress' : 'Error';
}

function containerView(container: ContainerRuntime, now: number): ContainerView {
  const { usage } = container;
  const state = container.running ? 'running' : container.terminated === undefined ? 'waiting' : 'terminated';
  return {
    name: container.name,
    state,
    reason: container.running ? '' : (container.terminated?.reason ?? container.waitingReason),
    ready: container.ready,
    restarts: container.restarts,
    cpuSeconds: (usage?.cpu(now) ?? 0) / 1e6,
    cpuMilli: usage?.rate(now) ?? 0,
    memoryBytes: Math.min(usage?.memory(now) ?? 0, container.memoryLimit),
    throttledMs: usage?.throttledMs(now) ?? 0,
  };
}
