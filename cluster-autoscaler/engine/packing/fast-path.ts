import { matchesSelector, selectorOf, type NodeRecord, type PodRecord } from '../../../core/model/index.ts';

const hostname = 'kubernetes.io/hostname';

/** A group of equal pods as the choice of the fast path looks at it. */
export interface FastPathCandidate {
  readonly exemplar: PodRecord;
  readonly count: number;
}

/**
 * Index of the group that saves the most simulation if one node of it is filled and the rest is division (upstream's
 * `--fastpath-binpacking-enabled`): pods − pods ÷ nodes, the last of equal ones; -1 when no group may. It is packed last.
 */
export function fastPathGroup(groups: readonly FastPathCandidate[], node: NodeRecord): number {
  let best = -1;
  let mostSaved = 0;
  for (const [index, { exemplar, count }] of groups.entries()) {
    const nodes = expectedNodes(exemplar, count, node);
    const saved = nodes > 0 ? count - Math.floor(count / nodes) : 0;
    if (saved >= mostSaved && isEligible(exemplar)) {
      best = index;
      mostSaved = saved;
    }
  }
  return best;
}

/** Division is wrong where pods of one node decide about another: spreading of any kind, anti-affinity beyond the node. */
function isEligible({ shape }: PodRecord): boolean {
  return shape.topologySpread.length === 0 && antiAffinityOf(shape).every((term) => term.topologyKey === hostname);
}

function antiAffinityOf(shape: PodRecord['shape']) {
  return shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** As upstream: by the first container's requests and the node's capacity, not its allocatable. */
function expectedNodes({ shape, labels }: PodRecord, count: number, node: NodeRecord): number {
  const apart = antiAffinityOf(shape).some(
    (term) => term.topologyKey === hostname && matchesSelector(selectorOf(term.labelSelector), labels),
  );
  const requests = shape.containers[0]?.requests ?? {};
  const by = (name: string): number => {
    const requested = requests[name] ?? 0;
    return requested === 0 ? 0 : Math.ceil((count * requested) / (node.capacity[name] ?? 0));
  };
  return Math.max(apart ? count : 0, by('cpu'), by('memory'));
}
