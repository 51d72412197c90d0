import type { NodeRecord } from '../../../core/model/index.ts';
import type { SoftTaints } from './model.ts';
import { candidateTaint, deletionTaint } from './names.ts';
import { hasTaint } from './taint-time.ts';

/** What soft taints are decided by. */
export interface SoftTaintFacts {
  /** Nodes of managed groups that may be changed. */
  readonly nodes: readonly NodeRecord[];
  /** Names of nodes that are removable. */
  readonly unneeded: Pick<ReadonlySet<string>, 'has'>;
  /** Names of nodes whose deletion starts now: they get another taint. */
  readonly going: ReadonlySet<string>;
  /** Changes of one loop; 0: soft taints are off. */
  readonly limit: number;
}

/** Unneeded nodes are marked, needed ones unmarked; removals first, so many of both that the limit allows, in order of name (§15.7). */
export function softTaintsOf({ nodes, unneeded, going, limit }: SoftTaintFacts): SoftTaints {
  const stays = nodes.filter((node) => !going.has(node.name) && !hasTaint(node, deletionTaint));
  const remove = stays.filter((node) => !unneeded.has(node.name) && hasTaint(node, candidateTaint));
  const add = stays.filter((node) => unneeded.has(node.name) && !hasTaint(node, candidateTaint));
  const removed = names(remove).slice(0, limit);
  return { remove: removed, add: names(add).slice(0, limit - removed.length) };
}

function names(nodes: readonly NodeRecord[]): string[] {
  return nodes.map(({ name }) => name).toSorted();
}
