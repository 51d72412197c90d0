import { rowOf, type PodShape } from './usage-generation.ts';
import type { UsageTable } from './usage-table.ts';

/** Which rows of an answer are which rows of the shape before; -1: none. Filled by {@link matchRows}. */
export interface RowMatch {
  /** By pod of the answer. */
  readonly pods: Int32Array;
  /** By container of the answer: only within the same pod. */
  readonly containers: Int32Array;
  /** By pod of the answer: 1 when it has the containers of before, in whatever order (Metrics Server's order is that of a Go map). */
  readonly sameSet: Uint8Array;
  /** By container of before: 1 when one of the answer is the same. */
  readonly seen: Uint8Array;
  /** Row of before that the next pod of the answer should be. */
  expected: number;
  /** So far the answer lists the same pods in the same order with the same containers. */
  sameShape: boolean;
  /** So far even its containers come in the same order. */
  sameOrder: boolean;
}

export function startMatch(table: UsageTable, shape: PodShape): RowMatch {
  return {
    pods: new Int32Array(table.podCount),
    containers: new Int32Array(table.containerCount),
    sameSet: new Uint8Array(table.podCount),
    seen: new Uint8Array(shape.containerCount),
    expected: 0,
    sameShape: table.podCount === shape.podCount && table.containerCount === shape.containerCount,
    sameOrder: true,
  };
}

/** Matches the pods `from` up to `to`, in rising order from call to call. An answer mostly repeats the order of the one before: that is tried first. */
export function matchRows(match: RowMatch, { table, shape }: { table: UsageTable; shape: PodShape }, from: number, to: number): void {
  for (let pod = from; pod < to; pod++) {
    const row = matchPod(match, { table, shape }, pod);
    match.pods[pod] = row;
    const sameSet = row >= 0 && matchContainers(match, { table, shape }, pod, row);
    match.sameSet[pod] = sameSet ? 1 : 0;
    if (row >= 0) match.expected = row + 1;
    else match.containers.fill(-1, table.firstContainer[pod]!, table.firstContainer[pod + 1]!);
    if (row !== pod || !sameSet) match.sameShape = false;
  }
}

function matchPod(match: RowMatch, { table, shape }: { table: UsageTable; shape: PodShape }, pod: number): number {
  const name = table.names[pod]!;
  const namespace = table.namespaces[pod]!;
  const { expected } = match;
  if (expected < shape.podCount && shape.names[expected] === name && shape.namespaces[expected] === namespace) return expected;
  return rowOf(shape, namespace, name);
}

/** True when the two pods have the same set of containers. */
function matchContainers(match: RowMatch, { table, shape }: { table: UsageTable; shape: PodShape }, pod: number, row: number): boolean {
  const start = table.firstContainer[pod]!;
  const end = table.firstContainer[pod + 1]!;
  const shapeStart = shape.firstContainer[row]!;
  const shapeEnd = shape.firstContainer[row + 1]!;
  let same = end - start === shapeEnd - shapeStart;
  for (let at = start; at < end; at++) {
    const name = table.containers[at]!;
    let found = shapeStart + (at - start);
    if (found >= shapeEnd || shape.containers[found] !== name) {
      match.sameOrder = false;
      for (found = shapeStart; found < shapeEnd && shape.containers[found] !== name; found++);
      if (found === shapeEnd) found = -1;
    }
    // One name twice in a pod: the second is none of before.
    if (found >= 0 && match.seen[found] === 1) found = -1;
    match.containers[at] = found;
    if (found < 0) same = false;
    else match.seen[found] = 1;
  }
  return same;
}

/** By row of the shape before, the row of the answer; for an answer of the same shape. */
export function inverseOf(match: RowMatch): Int32Array | undefined {
  if (match.sameOrder) return undefined;
  const inverse = new Int32Array(match.containers.length);
  for (let at = 0; at < inverse.length; at++) inverse[match.containers[at]!] = at;
  return inverse;
}
