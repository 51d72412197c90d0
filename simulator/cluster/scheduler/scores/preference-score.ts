import { isTolerated } from '../filters/taints.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodShape } from '../pod-info.ts';

const taintWeight = 3;
const affinityWeight = 2;

/** Whether any of the nodes has a soft taint, or the pod preferences: else these scores are the same for all. */
export function hasPreferences(shape: PodShape, softTaints: boolean): boolean {
  return softTaints || shape.nodePreferences !== undefined;
}

/** Adds TaintToleration (PreferNoSchedule) and preferred node affinity, each normalized over the feasible nodes. */
export function addPreferenceScores(shape: PodShape, feasible: readonly NodeInfo[], totals: Float64Array): void {
  const soft = shape.tolerations.filter(({ effect = '' }) => effect === '' || effect === 'PreferNoSchedule');
  const taints = feasible.map(
    ({ taints: all }) => all.filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, soft)).length,
  );
  const worst = Math.max(0, ...taints);
  for (const [at, count] of taints.entries()) {
    totals[at] = (totals[at] ?? 0) + taintWeight * (worst === 0 ? 100 : 100 - Math.floor((100 * count) / worst));
  }
  const { nodePreferences } = shape;
  if (nodePreferences === undefined) return;
  const weights = feasible.map((node) => nodePreferences(node));
  const best = Math.max(0, ...weights);
  if (best === 0) return;
  for (const [at, weight] of weights.entries()) {
    totals[at] = (totals[at] ?? 0) + affinityWeight * Math.floor((100 * weight) / best);
  }
}
