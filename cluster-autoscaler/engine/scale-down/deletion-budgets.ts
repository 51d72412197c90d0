import type { DeletionProgress, NodeGroup } from '../model.ts';

/** A node that could go now. */
export interface Deletable {
  readonly group: NodeGroup;
  readonly kind: 'empty' | 'drain';
}

/** How many deletions may run side by side. */
export interface DeletionLimits {
  readonly maxScaleDownParallelism: number;
  readonly maxDrainParallelism: number;
}

/**
 * Those of the nodes that the budgets allow to go now (§15.1): groups that are scaled as a whole first, complete or not at all, one of them even
 * beyond the budget; then empty nodes, then nodes to drain, in the order given. Deletions and drains that run already count.
 */
export function withinBudgets<Node extends Deletable>(
  nodes: readonly Node[],
  running: DeletionProgress['running'],
  limits: DeletionLimits,
): readonly Node[] {
  let budget = limits.maxScaleDownParallelism - running.length;
  let drains = limits.maxDrainParallelism - running.filter(({ kind }) => kind === 'drain').length;
  let mayOverflow = true;
  const chosen: Node[] = [];
  const take = (taken: readonly Node[]): void => {
    chosen.push(...taken);
    budget -= taken.length;
    drains -= taken.filter(({ kind }) => kind === 'drain').length;
  };

  const isEmpty = ({ kind }: Node): boolean => kind === 'empty';
  const wholes = wholeGroups(nodes);
  for (const whole of [...wholes.filter((each) => each.some(isEmpty)), ...wholes.filter((each) => !each.some(isEmpty))]) {
    const toDrain = whole.filter((node) => !isEmpty(node)).length;
    const fits = whole.length <= budget && toDrain <= drains;
    if (!fits && (budget <= 0 || (toDrain > 0 && drains <= 0) || !mayOverflow)) continue;
    take(whole);
    mayOverflow = false;
  }
  const single = nodes.filter((node) => !isWhole(node));
  take(single.filter(isEmpty).slice(0, Math.max(0, budget)));
  take(single.filter((node) => !isEmpty(node)).slice(0, Math.max(0, Math.min(drains, budget))));
  return [...chosen.filter(isEmpty), ...chosen.filter((node) => !isEmpty(node))];
}

function isWhole({ group }: { readonly group: NodeGroup }): boolean {
  return group.options.zeroOrMax;
}

/** Nodes of the groups that are scaled as a whole, one list for each. */
function wholeGroups<Node extends Deletable>(nodes: readonly Node[]): readonly (readonly Node[])[] {
  const byGroup = new Map<string, Node[]>();
  for (const node of nodes) {
    if (!isWhole(node)) continue;
    const list = byGroup.get(node.group.id);
    if (list === undefined) byGroup.set(node.group.id, [node]);
    else list.push(node);
  }
  return [...byGroup.values()];
}
