import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';

/**
 * Share of the node's cpu plus share of its memory that the containers of a pod ask for (not its init containers or overhead, as upstream); a
 * resource of which the node has none does not count.
 */
export function packingScore(pod: PodRecord, node: NodeRecord): number {
  let score = 0;
  for (const name of ['cpu', 'memory']) {
    const allocatable = node.allocatable[name] ?? 0;
    let requested = 0;
    for (const container of pod.shape.containers) requested += container.requests[name] ?? 0;
    if (allocatable > 0) score += requested / allocatable;
  }
  return score;
}

/** Indexes of the exemplars by falling score; equal ones keep their order. */
export function decreasingOrder(exemplars: readonly PodRecord[], node: NodeRecord): number[] {
  const scores = exemplars.map((pod) => packingScore(pod, node));
  return scores.map((_, index) => index).toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}
