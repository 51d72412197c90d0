/** A group that may take a share of new nodes. */
export interface BalancedGroup {
  readonly id: string;
  /** Target size. */
  readonly size: number;
  readonly max: number;
}

/** A group's share: its new target size. */
export interface Share {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly max: number;
}

/**
 * Splits new nodes over similar groups so that their sizes come close to each other (§11): the smallest group gets the next node. Groups at exactly their
 * maximum are left out, those above it get nothing; more nodes than there is room for are cut. Equal sizes keep the order handed in. Only changed groups
 * are answered, in upstream's order (by size, those that became full moved to the front), which is the order in which they are then increased.
 */
export function balance(groups: readonly BalancedGroup[], nodes: number): readonly Share[] {
  const shares = groups
    .filter(({ size, max }) => size !== max)
    .map(({ id, size, max }) => ({ id, from: size, to: size, max }))
    .toSorted((a, b) => a.from - b.from);
  let left = Math.min(
    nodes,
    shares.reduce((room, { from, max }) => room + Math.max(0, max - from), 0),
  );
  // Groups before `start` are full; those from `start` up to `at` have the same size, and those after `at` are sorted.
  let start = 0;
  let at = 0;
  while (left > 0) {
    const current = shares[at];
    const first = shares[start];
    if (current === undefined || first === undefined) break;
    if (current.to < current.max) {
      current.to += 1;
      left -= 1;
    } else {
      shares[start] = current;
      shares[at] = first;
      start += 1;
    }
    const here = shares[at];
    const next = shares[at + 1];
    at = here !== undefined && next !== undefined && here.to > next.to ? at + 1 : start;
  }
  return shares.filter(({ from, to }) => to !== from);
}
