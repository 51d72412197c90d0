import type { LoopOptions } from '../loop/model.ts';
import type { SchedulingSnapshot } from '../scheduling/snapshot.ts';
import { mayNotGrow } from './eligibility.ts';
import { exceeded, quotaLeft, sizeOfNode, type LimitedResource } from './limits.ts';
import type { ScaleUpGroup } from './model.ts';

/** Once for each group that might grow but for a limit of the cluster, and for each resource that it would take beyond it; for a metric. */
export function limitedGroups(
  snapshot: SchedulingSnapshot,
  groups: readonly ScaleUpGroup[],
  options: LoopOptions,
): readonly LimitedResource[] {
  const quota = quotaLeft(snapshot, options);
  return groups.flatMap((source) => {
    const { group, template } = source;
    const room = group.maxSize - group.targetSize;
    if (mayNotGrow(source) !== undefined || room <= 0 || template === undefined) return [];
    const { maxNodesTotal } = options;
    if (group.options.zeroOrMax && maxNodesTotal > 0 && snapshot.nodeCount + room > maxNodesTotal) return [];
    return exceeded(quota, sizeOfNode(template.node, options), group.options.zeroOrMax ? room : 1);
  });
}
