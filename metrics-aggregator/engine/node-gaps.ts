import type { UsageSnapshot } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { isStarting, type UnscrapedNode } from './metrics-view.ts';

export interface NodeGapInput {
  readonly usage: Pick<UsageSnapshot, 'hasPod'>;
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

/** Takes pods in, as many at a time as the caller likes, and says at the end which nodes are silent. */
export interface NodeGapCount {
  add(pod: PodRecord): void;
  finish(): NodeGaps;
}

/**
 * Nodes whose kubelet was not scraped: all their pods are missing at once, while a pod that starts or restarts is missing alone (§A.2). A node with a
 * single pod says too little: a restart of that one looks the same.
 */
export function countNodeGaps({ usage, previous, now, startGraceMs }: NodeGapInput): NodeGapCount {
  const nodes = new Map<string, { expected: number; measured: number }>();
  let expected = 0;
  let measured = 0;
  return {
    add: (pod) => {
      if (pod.phase !== 'Running' || pod.deleted !== undefined || pod.nodeName === undefined) return;
      const has = usage.hasPod(pod.namespace, pod.name);
      if (!has && isStarting(pod, now, startGraceMs)) return;
      let node = nodes.get(pod.nodeName);
      if (node === undefined) nodes.set(pod.nodeName, (node = { expected: 0, measured: 0 }));
      node.expected += 1;
      expected += 1;
      if (!has) return;
      node.measured += 1;
      measured += 1;
    },
    finish: () => {
      const unscraped = new Map<string, UnscrapedNode>();
      for (const [name, node] of nodes) {
        if (node.measured > 0 || node.expected < 2) continue;
        unscraped.set(name, { since: previous.get(name)?.since ?? now, pods: node.expected });
      }
      return { unscraped, expected, measured };
    },
  };
}
