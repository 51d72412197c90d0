import { createLimiter, estimate } from '../../cluster-autoscaler/engine/packing/index.ts';
import { createScaleDownPass, emptyScaleDownState } from '../../cluster-autoscaler/engine/scale-down/index.ts';
import {
  createSchedulingSnapshot,
  filterOutSchedulable,
  type SchedulingSnapshot,
} from '../../cluster-autoscaler/engine/scheduling/index.ts';
import type { LoopOptions } from '../../cluster-autoscaler/engine/loop/index.ts';
import { upstreamScaleDown, upstreamScaleUp } from './nodes-loop-workload.ts';

/**
 * The plain way, for comparison in the same run: every pod is tried by itself, by all rules, on one node after the other, without arithmetic over pods that
 * are equal. Only the decisions, not the loops around them; the same answers.
 */

const rounds = 3;

/** CPU milliseconds of C's decision: 50,000 pods are sought room for, and packed onto new nodes, each a group of its own as upstream has them. */
export function podByPodScaleUp(): number {
  const { input, options } = upstreamScaleUp();
  const [group] = input.groups;
  const template = group?.template;
  if (template === undefined) throw new Error('C has no template');
  return least(() => {
    const snapshot = createSchedulingSnapshot({ namespaces: input.namespaces });
    const { pending } = filterOutSchedulable(snapshot, input.pods, new Map());
    const groups = pending.map((pod) => ({ podClass: snapshot.classOf(pod), count: 1 }));
    const limiter = createLimiter([{ nodes: options.maxNodesPerScaleUp, durationMs: 0 }]);
    const { nodes } = estimate(snapshot, template, groups, { limiter, podByPod: true });
    if (nodes !== 1_000) throw new Error(`C pod by pod: ${nodes} nodes`);
  });
}

/** CPU milliseconds of D's scale-down pass with its snapshot. */
export function podByPodScaleDown(compat: LoopOptions['compat']): number {
  const { input, options } = upstreamScaleDown(compat);
  const [group] = input.groups;
  const podsOn = new Map(input.nodes.map(({ name }) => [name, input.pods.filter(({ nodeName }) => nodeName === name)]));
  return least(() => {
    const snapshot = createSchedulingSnapshot({ namespaces: input.namespaces });
    for (const node of input.nodes) snapshot.addNode(node, podsOn.get(node.name) ?? []);
    const { now, nodes, groups, pdbs, deletions } = input;
    const facts = { now, snapshot: podByPod(snapshot), nodes, groups, groupOf: () => group?.id, pdbs, deletions };
    const result = createScaleDownPass(facts, emptyScaleDownState(), options).result();
    if (result.deletions.length !== 1_200) throw new Error(`D pod by pod: ${result.deletions.length} nodes go`);
  });
}

/** The snapshot, as if no class of pods could be counted. */
function podByPod(snapshot: SchedulingSnapshot): SchedulingSnapshot {
  const plain: Pick<SchedulingSnapshot, 'isIndependent' | 'placeAround'> = {
    isIndependent: () => false,
    placeAround: (podClass, count, options = {}) => {
      let done = 0;
      for (; done < count; done++) {
        const node = snapshot.search(podClass, options);
        if (node === undefined) break;
        snapshot.placeMany(podClass, node, 1);
        options.placed?.(node, 1);
      }
      return done;
    },
  };
  return Object.assign(Object.create(snapshot) as SchedulingSnapshot, plain);
}

function least(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
