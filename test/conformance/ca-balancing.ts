import { balance } from '../../cluster-autoscaler/engine/scale-up/index.ts';
import type { VectorCase, VectorRunner } from './runners.ts';

interface BalancingCase {
  readonly groups: readonly { readonly id: string; readonly min: number; readonly max: number; readonly current: number }[];
  readonly newNodes: number;
  readonly expected: { readonly newSizes: Readonly<Record<string, number>>; readonly added: number };
}

/** Cases of `ca-balancing.json`: how new nodes are split. Also of those where upstream leaves open who gets the odd node, what its code gives is asked. */
export const balancingRunner: VectorRunner = (vector: VectorCase) => {
  const { groups, newNodes, expected } = vector as unknown as BalancingCase;
  const shares = balance(
    groups.map(({ id, max, current }) => ({ id, max, size: current })),
    newNodes,
  );
  const sizes = new Map(shares.map(({ id, to }) => [id, to]));
  const differences: string[] = [];
  for (const id of new Set([...sizes.keys(), ...Object.keys(expected.newSizes)])) {
    if (sizes.get(id) !== expected.newSizes[id]) differences.push(`${id}: expected ${expected.newSizes[id]}, got ${sizes.get(id)}`);
  }
  const added = shares.reduce((sum, { from, to }) => sum + to - from, 0);
  if (added !== expected.added) differences.push(`added: expected ${expected.added}, got ${added}`);
  return differences;
};
