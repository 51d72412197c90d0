import type { NodeRecord } from '../../../core/model/index.ts';
import type { DeletionProgress } from '../model.ts';
import type { GroupTimes, ScaleDownOptions, ScaleDownState } from './model.ts';
import { noHints } from './moved-pods.ts';
import { candidateTaint } from './names.ts';
import { taintTime } from './taint-time.ts';

/** The state before the first pass. */
export function emptyScaleDownState(): ScaleDownState {
  return {
    unneeded: new Map(),
    failures: new Map(),
    hints: noHints,
    latest: undefined,
    shortestIntervalMs: undefined,
    lastScaleUp: undefined,
    lastDeletion: undefined,
    lastFailure: undefined,
    groups: new Map(),
  };
}

/** Groups were enlarged at `at` (a raise to the minimum size counts): starts the delay after add. */
export function noteScaleUp(state: ScaleDownState, groups: Iterable<string>, at: number): ScaleDownState {
  const times = new Map(state.groups);
  for (const group of groups) times.set(group, { ...times.get(group), scaleUp: at });
  return { ...state, lastScaleUp: at, groups: times };
}

/** Deletions were started at `at`: starts the delay after delete of type global. */
export function noteDeletionStarted(state: ScaleDownState, at: number): ScaleDownState {
  return { ...state, lastDeletion: at };
}

/** Nodes could not be tainted at `at`: starts the delay after failure of type global. A deletion that fails later does not (§27.1). */
export function noteDeletionFailed(state: ScaleDownState, at: number): ScaleDownState {
  return { ...state, lastFailure: at };
}

/** No node counts as unneeded any more (the cluster is not healthy). */
export function forgetUnneeded(state: ScaleDownState): ScaleDownState {
  return state.unneeded.size === 0 ? state : { ...state, unneeded: new Map() };
}

/** Times for the delays of type local from what ended in the background: deletions done, and those that the cloud refused (§27.1, §27.5). */
export function noteEnded(state: ScaleDownState, ended: DeletionProgress['ended']): ScaleDownState {
  if (!ended.some(({ result }) => result !== 'failed')) return state;
  const groups = new Map<string, GroupTimes>(state.groups);
  for (const { group, at, result } of ended) {
    const times = groups.get(group) ?? {};
    if (result === 'deleted') groups.set(group, { ...times, deletion: Math.max(at, times.deletion ?? at) });
    else if (result === 'refused') groups.set(group, { ...times, refusal: Math.max(at, times.refusal ?? at) });
  }
  return { ...state, groups };
}

/**
 * Before the first pass: nodes that an earlier process had marked keep the time since when they are unneeded, if that mark is not older than
 * `--node-deletion-candidate-ttl` (0: no mark counts). What the state knows of a node itself comes before its mark.
 */
export function restoreUnneeded(
  state: ScaleDownState,
  nodes: readonly NodeRecord[],
  now: number,
  { candidateTtlMs }: Pick<ScaleDownOptions, 'candidateTtlMs'>,
): ScaleDownState {
  if (state.latest !== undefined || candidateTtlMs <= 0) return state;
  const unneeded = new Map(state.unneeded);
  for (const node of nodes) {
    const since = taintTime(node, candidateTaint);
    if (since !== undefined && since <= now && now - since <= candidateTtlMs && !unneeded.has(node.name)) unneeded.set(node.name, since);
  }
  return { ...state, unneeded };
}
