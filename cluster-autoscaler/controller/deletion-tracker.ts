import type { DeletionProgress, PlannedDeletion } from '../engine/model.ts';

type Running = DeletionProgress['running'][number];
type Ended = DeletionProgress['ended'][number];

/** What is under way in the background, and what has ended since somebody asked. */
export interface DeletionTracker {
  begin(deletion: PlannedDeletion, now: number): void;
  end(node: string, outcome: Omit<Ended, 'node' | 'group'>): void;
  /** In the order of names. What has ended is told once. */
  take(): DeletionProgress;
  /** Without taking anything. */
  running(): readonly Running[];
  isRunning(node: string): boolean;
}

export function createDeletionTracker(): DeletionTracker {
  const running = new Map<string, Running>();
  let ended: Ended[] = [];
  const sorted = (): readonly Running[] => [...running.values()].toSorted((a, b) => (a.node < b.node ? -1 : Number(a.node > b.node)));
  return {
    begin: ({ node, group, kind }, now) => running.set(node, { node, group, kind, since: now }),
    end: (node, outcome) => {
      const known = running.get(node);
      if (known === undefined) return;
      running.delete(node);
      ended.push({ node, group: known.group, ...outcome });
    },
    take: () => {
      const progress = { running: sorted(), ended };
      ended = [];
      return progress;
    },
    running: sorted,
    isRunning: (node) => running.has(node),
  };
}
