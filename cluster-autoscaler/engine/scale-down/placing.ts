import type { ClassId, NodeId, SchedulingSnapshot } from '../scheduling/index.ts';
import type { MoveId, PodRun } from './moved-pods.ts';

/** Pods that found places, one entry for pods with consecutive numbers on one node. The lists are used again for the next node: no object for each. */
export interface Placements {
  /** Entries that count. */
  size: number;
  readonly classes: ClassId[];
  readonly starts: MoveId[];
  readonly counts: number[];
  readonly nodes: NodeId[];
}

function add(placed: Placements, podClass: ClassId, { start, count, node }: { start: MoveId; count: number; node: NodeId }): void {
  const index = placed.size++;
  placed.classes[index] = podClass;
  placed.starts[index] = start;
  placed.counts[index] = count;
  placed.nodes[index] = node;
}

/** The first pod that found no place; those after it were not tried. */
export interface Missing {
  readonly run: PodRun;
  /** Index of the pod in the run. */
  readonly at: number;
}

/** How places are looked for. */
export interface PlacingRules {
  readonly isDestination: (node: NodeId) => boolean;
  /** Destinations that will probably stay: asked first. */
  readonly isKept: (node: NodeId) => boolean;
  /** Upstream's way: one pod after the other, each on the next node that takes it. */
  readonly asUpstream: boolean;
}

export interface Placing {
  /**
   * Places the pods of a node that is emptied, inside of a fork of the caller's. First all pods with a hint on the node that it names (`hints`
   * begins with the pod numbered `first`), then the others by the any-node search. Answers what was placed, until the next call, and what found no
   * place.
   */
  place(
    runs: readonly PodRun[],
    hints: Int32Array | undefined,
    first: MoveId,
  ): { readonly placed: Readonly<Placements>; readonly missing: Missing | undefined };
}

/**
 * The any-node search of upstream spreads pods over the next nodes, many of which are emptied in turn. The house's way, a node that takes one takes as
 * many as it has room for, and nodes that will probably stay come first, so that few pods move twice.
 */
export function createPlacing(snapshot: SchedulingSnapshot, { isDestination, isKept, asUpstream }: PlacingRules): Placing {
  const kept = { accept: (node: NodeId): boolean => isKept(node) && isDestination(node) };
  const any = { accept: isDestination };
  const placed: Placements = { size: 0, classes: [], starts: [], counts: [], nodes: [] };
  let filling: NodeId | undefined;
  /** Runs of one class that are placed now, and the next pod of them. */
  let runs: readonly PodRun[] = [];
  let current = 0;
  let at = 0;

  /** The next pods of the runs stand on the node. */
  const settle = (node: NodeId, count: number): void => {
    for (let left = count; left > 0;) {
      const { podClass, start, count: pods } = runs[current] as PodRun;
      const taken = Math.min(left, pods - at);
      add(placed, podClass, { start: start + at, count: taken, node });
      left -= taken;
      at += taken;
      if (at < pods) return;
      current += 1;
      at = 0;
    }
  };
  /** Pods of the run that stand at a hint, as long as they follow each other; answers the rest. */
  const placeHinted = (run: PodRun, hints: Int32Array, first: MoveId): readonly PodRun[] => {
    const open: PodRun[] = [];
    const { podClass } = run;
    const end = run.start + run.count;
    for (let start = run.start; start < end;) {
      const hint = hints[start - first] ?? -1;
      let next = start + 1;
      while (next < end && (hints[next - first] ?? -1) === hint) next += 1;
      const take = hint >= 0 && isDestination(hint) ? fitting(podClass, hint, next - start) : 0;
      if (take > 0) add(placed, podClass, { start, count: take, node: hint });
      if (start + take < next) open.push({ podClass, start: start + take, count: next - start - take });
      start = next;
    }
    return open;
  };
  /** Places up to `count` pods of the class on one node. */
  const fitting = (podClass: ClassId, node: NodeId, count: number): number => {
    if (snapshot.isIndependent(podClass)) {
      const take = Math.min(count, snapshot.room(podClass, node));
      snapshot.placeMany(podClass, node, take);
      return take;
    }
    let take = 0;
    for (; take < count && snapshot.fits(podClass, node); take++) snapshot.placeMany(podClass, node, 1);
    return take;
  };
  const inTurn = { accept: isDestination, placed: settle };
  const fill = (podClass: ClassId, count: number): number => {
    let done = 0;
    while (done < count) {
      // The node that took the last pods may have room for these, too.
      let take = filling !== undefined && isDestination(filling) ? fitting(podClass, filling, count - done) : 0;
      if (take === 0) {
        filling = snapshot.search(podClass, kept) ?? snapshot.search(podClass, any);
        if (filling !== undefined) take = fitting(podClass, filling, count - done);
      }
      if (filling === undefined || take === 0) break;
      settle(filling, take);
      done += take;
    }
    return done;
  };

  return {
    place: (given, hints, first) => {
      placed.size = 0;
      const open = hints === undefined ? given : given.flatMap((run) => (run.start < first ? [run] : placeHinted(run, hints, first)));
      for (let start = 0; start < open.length;) {
        const { podClass } = open[start] as PodRun;
        // Pods that came one by one from elsewhere are runs of their own; of one class they are placed together, which comes to the same.
        let end = start;
        let count = 0;
        for (; end < open.length && open[end]?.podClass === podClass; end++) count += (open[end] as PodRun).count;
        [runs, current, at] = [open, start, 0];
        const around = asUpstream || !snapshot.isIndependent(podClass);
        const done = around ? snapshot.placeAround(podClass, count, inTurn) : fill(podClass, count);
        if (done < count) return { placed, missing: { run: open[current] as PodRun, at } };
        start = end;
      }
      return { placed, missing: undefined };
    },
  };
}
