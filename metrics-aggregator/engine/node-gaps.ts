import type { UsageSnapshot } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { isStarting, type UnscrapedNode } from './metrics-view.ts';

export interface NodeGapInput {
  readonly pods: Iterable<PodRecord>;
  readonly usage: Pick<UsageSnapshot, 'podUsage'>;
  readonly previous: ReadonlyMap<string, UnscrapedNode>;
  readonly now: number;
  readonly startGraceMs: number;
}

/** What an answer says of the pods that run. */
export interface NodeGaps {
  readonly unscraped: ReadonlyMap<string, UnscrapedNode>;
  /** Pods that run long enough to have a sample. */
  readonly expected: number;
  /** Those of them that have one. */
  readonly measured: number;
}

/**
 * Nodes whose kubelet was not scraped: all their pods are missing at once, while a pod that starts or restarts is missing alone (§A.2). A node with a
 * single pod says too little: a restart of that one looks the same.
 */
export function findNodeGaps({ pods, usage, previous, now, startGraceMs }: NodeGapInput): NodeGaps {
  const nodes = new Map<string, { expected: number; measured: number }>();
  let expected = 0;
  let measured = 0;
  for (const pod of pods) {
    if (pod.phase !== 'Running' || pod.deleted !== undefined || pod.nodeName === undefined) continue;
    const has = usage.podUsage(pod.namespace, pod.name) !== undefined;
    if (!has && isStarting(pod, now, startGraceMs)) continue;
    const node = nodes.get(pod.nodeName);
    if (node === undefined) nodes.set(pod.nodeName, { expected: 1, measured: has ? 1 : 0 });
    else {
      node.expected += 1;
      if (has) node.measured += 1;
    }
    expected += 1;
    if (has) measured += 1;
  }
  const unscraped = new Map<string, UnscrapedNode>();
  for (const [name, node] of nodes) {
    if (node.measured > 0 || node.expected < 2) continue;
    unscraped.set(name, { since: previous.get(name)?.since ?? now, pods: node.expected });
  }
  return { unscraped, expected, measured };
}
