import type { LoopReport, NodeReport } from '../engine/loop/model.ts';
import type { UnremovableReason } from '../engine/model.ts';

/** How much longer than it had to a node stayed that was not needed. */
export interface RemovalLatency {
  readonly node: string;
  readonly seconds: number;
  /** Its deletion has begun; false: it is needed again. */
  readonly deleted: boolean;
  /** What kept it last; `none`: nothing but its turn. */
  readonly delayReason: string;
}

interface Tracked {
  readonly since: number;
  readonly waitMs: number;
  readonly delayReason: string;
}

/** These are the waiting that it is measured from, not a delay. */
const waits: readonly (UnremovableReason | undefined)[] = [undefined, 'NotUnneededLongEnough', 'NotUnreadyLongEnough'];

/** Watches unneeded nodes from loop to loop, as upstream's node latency tracker: what is told of a node is told once. */
export function createRemovalLatency(): (report: LoopReport) => readonly RemovalLatency[] {
  let tracked: ReadonlyMap<string, Tracked> = new Map();
  return (report) => {
    // No node was looked at in this loop.
    if (report.measures.skippedNodes === undefined) return [];
    const unneeded = new Map(report.nodes.flatMap((node) => trackedOf(node, tracked.get(node.node))));
    const latencies: RemovalLatency[] = [];
    const tell = (node: string, known: Tracked | undefined, deleted: boolean): void => {
      if (known === undefined) return;
      const late = report.at - known.since - known.waitMs;
      if (late > 0) latencies.push({ node, seconds: late / 1000, deleted, delayReason: known.delayReason });
    };
    for (const [node, known] of tracked) if (!unneeded.has(node)) tell(node, known, false);
    for (const { node } of report.deletions) {
      tell(node, unneeded.get(node), true);
      unneeded.delete(node);
    }
    tracked = unneeded;
    return latencies;
  };
}

function trackedOf({ node, unneededSince, waitMs = 0, unremovable }: NodeReport, before: Tracked | undefined): [string, Tracked][] {
  if (unneededSince === undefined) return [];
  const delayReason = unremovable === undefined || waits.includes(unremovable) ? (before?.delayReason ?? 'none') : unremovable;
  return [[node, { since: unneededSince, waitMs, delayReason }]];
}
