import type { PodRecord } from '../../../core/model/index.ts';
import type { ClassId, NodeId, SchedulingSnapshot } from '../scheduling/index.ts';
import type { PodRun } from './moved-pods.ts';
import type { Missing, Placements } from './placing.ts';

/**
 * How many pods of a class the destinations take at most, learnt from a removal that failed. In a pass room only shrinks, so that a later removal that
 * asks for more need not be tried. Only for classes without rules about other pods.
 */
export interface ClassBounds {
  /** The first run whose class has more pods in the runs than can find a place. */
  exceeded(runs: readonly PodRun[], isDestination: (node: NodeId) => boolean): PodRun | undefined;
  /** The node `from` could not be emptied. */
  learn(from: NodeId, missing: Missing, placed: Readonly<Placements>): void;
  /** These pods left their node: one that kept others away may have made room elsewhere. */
  left(pods: readonly PodRecord[]): void;
}

export function createClassBounds(snapshot: SchedulingSnapshot): ClassBounds {
  const bounds = new Map<ClassId, { readonly count: number; readonly from: NodeId }>();
  return {
    exceeded: (runs, isDestination) => {
      if (bounds.size === 0) return undefined;
      for (const run of runs) {
        const { podClass } = run;
        const bound = bounds.get(podClass);
        if (bound === undefined) continue;
        const count = countOf(runs, podClass);
        if (count <= bound.count) continue;
        // The node that was to be emptied then was no destination; it may be one now.
        const more = isDestination(bound.from) ? snapshot.room(podClass, bound.from) : 0;
        if (count > bound.count + more) return run;
      }
      return undefined;
    },
    learn: (from, { run: { podClass } }, placed) => {
      if (!snapshot.isIndependent(podClass)) return;
      // Pods of another class took room that is there again.
      let count = 0;
      for (let index = 0; index < placed.size; index++) {
        if (placed.classes[index] !== podClass) return;
        count += placed.counts[index] as number;
      }
      bounds.set(podClass, { count, from });
    },
    left: (pods) => {
      if (bounds.size > 0 && pods.some(keepsOthersAway)) bounds.clear();
    },
  };
}

function countOf(runs: readonly PodRun[], podClass: ClassId): number {
  let count = 0;
  for (const run of runs) if (run.podClass === podClass) count += run.count;
  return count;
}

function keepsOthersAway({ shape }: PodRecord): boolean {
  return (shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0;
}
