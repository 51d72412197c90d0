/** Limits of an estimation, in nodes or milliseconds, as upstream writes them: 0 = none, negative = nothing may be added. */

/** Size of a node group and what it may become. */
export interface GroupRoom {
  readonly max: number;
  /** Target size. */
  readonly current: number;
}

/** The stricter of two limits; any negative one forbids (-1). */
export function minLimit(base: number, target: number): number {
  if (base < 0 || target < 0) return -1;
  if (base === 0) return target;
  return target === 0 ? base : Math.min(base, target);
}

/** How many nodes a group and those similar to it may still grow by, together; -1 when by none. A group above its maximum counts as full. */
export function similarGroupsCapacity(group: GroupRoom, similar: readonly GroupRoom[]): number {
  let total = 0;
  for (const { max, current } of [group, ...similar]) total += Math.max(0, max - current);
  return total === 0 ? -1 : total;
}

/** What `--max-nodes-total` leaves for new nodes: 0 when it is 0 (no limit), -1 when nothing is left. */
export function clusterCapacity(maxNodesTotal: number, currentNodes: number): number {
  if (maxNodesTotal === 0) return 0;
  return maxNodesTotal <= currentNodes ? -1 : maxNodesTotal - currentNodes;
}
