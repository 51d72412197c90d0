import { evictionNotice } from './eviction-notice.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { afterExit, updateServing } from './pod-life.ts';
import type { PodLifeContext } from './pod-life.ts';
import type { PodManager } from './pod-manager.ts';
import type { PodRuntime } from './pod-runtime.ts';
import { retryDeferred } from './resize.ts';

/** The kubelet's default hard eviction threshold for memory. */
const evictionThresholdBytes = 100 * 1024 * 1024;
/** Pressure is shown at least so long (upstream `--eviction-pressure-transition-period`). */
const pressureTransitionMs = 300_000;

/** One look at a node: kills what is over its memory limit, evicts when the node is short, shares the CPU until the next look. */
export function tickNode(
  node: NodeRuntime,
  pods: PodManager,
  context: PodLifeContext,
  span: { readonly now: number; readonly until: number },
): {
  readonly pressureChanged: boolean;
} {
  const { now } = span;
  if (!node.powered) return { pressureChanged: false };
  const { killed, memoryInUse } = killOverLimit(node, now);
  for (const pod of killed) pods.live(pod, now);
  const pressureChanged = relievePressure(node, pods, { now, used: memoryInUse });
  if (node.roomChanged) {
    node.roomChanged = false;
    for (const pod of retryDeferred(node, context, now)) pods.live(pod, now);
  }
  node.shareCpu(now, span.until);
  return { pressureChanged };
}

/** Takes the numbers that the node serves until the next time. */
export function publish(node: NodeRuntime, now: number): void {
  if (!node.powered) return;
  let memory = node.system.memoryBytes;
  for (const { container, usage } of node.running()) {
    const memoryBytes = Math.floor(Math.min(usage.memory(now), container.memoryLimit));
    memory += memoryBytes;
    container.published = {
      name: container.name,
      // A counter of exactly zero would count as missing.
      cpuSeconds: 0.001 + usage.cpu(now) / 1e6,
      memoryBytes,
      startTime: container.startedAt,
      timestamp: now,
    };
  }
  node.cpuSeconds = node.totalCpuSeconds(now);
  node.memoryBytes = Math.floor(memory);
  node.housekeepingAt = now;
}

/** Ends what is over its limit; what the others hold is added up on the way. */
function killOverLimit(node: NodeRuntime, now: number): { readonly killed: ReadonlySet<PodRuntime>; readonly memoryInUse: number } {
  const killed = new Set<PodRuntime>();
  let memoryInUse = node.system.memoryBytes;
  for (const { pod, container, usage } of node.running()) {
    const memory = usage.memory(now);
    if (memory <= container.memoryLimit) {
      memoryInUse += memory;
      continue;
    }
    container.terminate(now, { code: 137, reason: 'OOMKilled' });
    afterExit(pod, container, now);
    updateServing(pod, now);
    killed.add(pod);
  }
  return { killed, memoryInUse };
}

/** Evicts one pod at a time while memory is short, as the kubelet does; the worst offender first. */
function relievePressure(node: NodeRuntime, pods: PodManager, { now, used }: { readonly now: number; readonly used: number }): boolean {
  const available = node.memoryCapacity - used;
  // On toy nodes a fixed threshold would be all there is.
  const threshold = Math.min(evictionThresholdBytes, node.memoryCapacity / 20);
  const short = available < threshold;
  if (!short) {
    if (!node.memoryPressure || now - node.pressureSince < pressureTransitionMs) return false;
    node.memoryPressure = false;
    return true;
  }
  const changed = !node.memoryPressure;
  node.memoryPressure = true;
  node.pressureSince = now;
  const victim = worstOffender(node, now);
  if (victim !== undefined) {
    pods.evict(victim, evictionNotice(victim, { thresholdBytes: threshold, availableBytes: available }, now), now);
  }
  return changed;
}

/** Upstream's order: over the request first, then lower priority, then the furthest above the request. */
function worstOffender(node: NodeRuntime, now: number): PodRuntime | undefined {
  const ranked = [...node.pods.values()]
    .filter((pod) => !pod.terminal && pod.containers.some((container) => container.usage !== undefined))
    .map((pod) => {
      let usage = 0;
      let request = 0;
      for (const container of pod.containers) {
        usage += container.usage?.memory(now) ?? 0;
        if (container.spec.kind !== 'init') request += container.memoryRequest;
      }
      return { pod, above: usage - request };
    });
  ranked.sort(
    (left, right) =>
      Number(right.above > 0) - Number(left.above > 0) || left.pod.spec.priority - right.pod.spec.priority || right.above - left.above,
  );
  return ranked[0]?.pod;
}
