import type { LoopOptions } from '../loop/model.ts';
import type { NodeTemplate } from '../model.ts';
import { exceeded, sizeOfNode, type LimitedResource, type Quota } from './limits.ts';
import type { ScaleUpGroup } from './model.ts';

/** A group that may grow now. */
export interface Candidate {
  readonly id: string;
  readonly source: ScaleUpGroup;
  readonly template: NodeTemplate;
  /** Target size, what this loop has added included. */
  readonly size: number;
  readonly max: number;
  /** Cores, bytes and limited GPUs of one node. */
  readonly node: Quota;
}

/** Words for why a group is not looked at, as upstream has them. */
export const skipReasons = {
  unhealthy: 'not ready for scale-up',
  backoff: 'in backoff after failed scale-up',
  full: 'max node group size reached',
  atomic: 'atomic scale-up exceeds cluster node count limit',
  quota: (resources: readonly LimitedResource[]) => `max cluster ${resources.join(', ')} limit reached`,
} as const;

export interface EligibilityContext {
  readonly options: Pick<LoopOptions, 'maxNodesTotal' | 'gpus' | 'gpuLabel'>;
  /** Nodes of the cluster with upcoming ones. */
  readonly clusterNodes: number;
  readonly quota: Quota;
  /** Target size now. */
  readonly sizeOf: (group: ScaleUpGroup) => number;
  /** Groups that the cloud refused to increase in this loop. */
  readonly failed: ReadonlySet<string>;
}

/** Groups that may grow, in the order handed in, and for the others why not (§8.2). */
export function sortOut(
  groups: readonly ScaleUpGroup[],
  context: EligibilityContext,
): { readonly candidates: readonly Candidate[]; readonly skipped: ReadonlyMap<string, string> } {
  const candidates: Candidate[] = [];
  const skipped = new Map<string, string>();
  for (const source of groups) {
    const checked = check(source, context);
    if (typeof checked === 'string') skipped.set(source.group.id, checked);
    else candidates.push(checked);
  }
  return { candidates, skipped };
}

function check(source: ScaleUpGroup, context: EligibilityContext): Candidate | string {
  const { group, template } = source;
  const reason = mayNotGrow(source, context.failed);
  if (reason !== undefined) return reason;
  const size = context.sizeOf(source);
  if (size >= group.maxSize) return skipReasons.full;
  // A group of all or nothing grows to its maximum at once.
  const step = group.options.zeroOrMax ? group.maxSize - size : 1;
  const { maxNodesTotal } = context.options;
  if (group.options.zeroOrMax && maxNodesTotal > 0 && context.clusterNodes + step > maxNodesTotal) return skipReasons.atomic;
  if (template === undefined) return skipReasons.unhealthy;
  const node = sizeOfNode(template.node, context.options);
  const over = exceeded(context.quota, node, step);
  if (over.length > 0) return skipReasons.quota(over);
  return { id: group.id, source, template, size, max: group.maxSize, node };
}

/** The state of the group, whatever its size. */
export function mayNotGrow({ state, hold, group }: ScaleUpGroup, failed?: ReadonlySet<string>): string | undefined {
  if (state === 'unhealthy') return skipReasons.unhealthy;
  if (state === 'backoff' || failed?.has(group.id) === true) return skipReasons.backoff;
  return hold;
}
