import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';

/** LeastAllocated plus BalancedAllocation over cpu and memory, each 0…100 with weight 1, in upstream's integer arithmetic. */
export function resourceScore(pod: PodInfo, node: NodeInfo): number {
  const { allocatable, requested } = node;
  const { cpu, memory } = allocatable;
  const least = leastAllocated(pod, node);
  if (pod.shape.bestEffort) return least;
  const after = balance(share(requested.cpu + pod.requests.cpu, cpu), share(requested.memory + pod.requests.memory, memory), cpu, memory);
  const before = balance(share(requested.cpu, cpu), share(requested.memory, memory), cpu, memory);
  return least + 50 + Math.trunc((50 + after - before) / 2);
}

function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  const { cpu, memory } = node.allocatable;
  let score = 0;
  let weights = 0;
  if (cpu > 0) {
    score += unused(node.nonZeroCpu + pod.nonZero.cpu, cpu);
    weights += 1;
  }
  if (memory > 0) {
    score += unused(node.nonZeroMemory + pod.nonZero.memory, memory);
    weights += 1;
  }
  return weights === 0 ? 0 : Math.floor(score / weights);
}

function unused(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * 100) / capacity);
}

function share(requested: number, capacity: number): number {
  return capacity === 0 ? 0 : Math.min(1, requested / capacity);
}

/** 100 when cpu and memory are used alike; the deviation of two shares is half their distance. */
function balance(cpuShare: number, memoryShare: number, cpu: number, memory: number): number {
  const deviation = cpu > 0 && memory > 0 ? Math.abs(cpuShare - memoryShare) / 2 : 0;
  return Math.trunc((1 - deviation) * 100);
}
