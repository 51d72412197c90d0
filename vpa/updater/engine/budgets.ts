import type { Hold } from '../../../core/model/decision.ts';
import type { PdbRecord } from '../../../core/model/pdb.ts';
import { isServing, type PodRecord } from '../../../core/model/pod.ts';

/** What PodDisruptionBudgets leave, as far as it is known before anything is asked; it counts the evictions of this pass. */
export interface Budgets {
  /** The refusal that an eviction would meet. */
  refusal(pod: PodRecord): Hold | undefined;
  taken(pod: PodRecord): void;
}

export function createBudgets(pdbsFor: ((pod: PodRecord) => readonly PdbRecord[]) | undefined): Budgets {
  const taken = new Map<string, number>();
  const pdbsOf = (pod: PodRecord): readonly PdbRecord[] =>
    // Only a pod that serves counts against a budget for sure; for others the API server has rules of its own.
    pdbsFor !== undefined && isServing(pod) ? pdbsFor(pod) : [];
  return {
    refusal: (pod) => {
      const pdbs = pdbsOf(pod);
      if (pdbs.length > 1) {
        const message = `pod ${pod.name} is under ${pdbs.length} PodDisruptionBudgets (${names(pdbs)}), and the API server evicts no pod that is under more than one`;
        return { by: 'disruption-budget', message };
      }
      const full = pdbs.find(({ uid, disruptionsAllowed }) => disruptionsAllowed - (taken.get(uid) ?? 0) <= 0);
      if (full === undefined) return undefined;
      const message = `PodDisruptionBudget ${full.name} allows no more disruption now (${full.currentHealthy} of ${full.desiredHealthy} wanted pods are healthy); pod ${pod.name} is evicted once it does`;
      return { by: 'disruption-budget', message };
    },
    taken: (pod) => {
      for (const { uid } of pdbsOf(pod)) taken.set(uid, (taken.get(uid) ?? 0) + 1);
    },
  };
}

function names(pdbs: readonly PdbRecord[]): string {
  return pdbs.map(({ name }) => name).join(', ');
}
