import type { PodRecord } from '../../../core/model/index.ts';
import type { GroupRefusal, PendingPodReport } from '../loop/model.ts';
import { countReasons } from './events.ts';
import type { PodGroup } from './pod-groups.ts';
import type { Outlook } from './round.ts';

/** What is said of each pod. */
export type PodReports = Map<PodRecord, PendingPodReport>;

const noRefusals: readonly GroupRefusal[] = Object.freeze([]);

/** Pods that a pool grows for. */
export function reportHelped(reports: PodReports, pods: readonly PodRecord[], group: string | undefined, message: string): void {
  for (const pod of pods) {
    const { namespace, name, uid } = pod;
    reports.set(pod, { namespace, name, uid, state: 'helped', group, refusals: noRefusals, message });
  }
}

/** Pods that nothing was done for: they wait for a later loop if some pool could take them, and are refused otherwise. */
export function reportLeft(reports: PodReports, groups: readonly PodGroup[], outlook: Outlook, why: string): void {
  const skipped: readonly GroupRefusal[] = [...outlook.skipped].map(([group, reason]) => ({ group, reason }));
  for (const group of groups) {
    const waits = outlook.check.fitsAny(group.podClass);
    const refusals = waits ? skipped : [...outlook.check.refusals(group.podClass), ...skipped];
    const message = waits ? `${takersOf(group, outlook)} could take it: ${why}` : refusedText(refusals);
    for (const pod of group.pods) {
      const { namespace, name, uid } = pod;
      reports.set(pod, { namespace, name, uid, state: waits ? 'waits' : 'refused', refusals, message });
    }
  }
}

/** A pod for which there is room on a node that is there. */
export function reportScheduled(reports: PodReports, { pod, node }: { readonly pod: PodRecord; readonly node: string }): void {
  const { namespace, name, uid } = pod;
  reports.set(pod, { namespace, name, uid, state: 'scheduled', refusals: noRefusals, message: `room is there or coming on ${node}` });
}

const shownTakers = 3;

function takersOf({ podClass }: PodGroup, { candidates, check }: Outlook): string {
  const takers = candidates.filter((candidate) => check.fits(candidate, podClass)).map(({ id }) => id);
  const more = takers.length - shownTakers;
  return more > 0 ? `${takers.slice(0, shownTakers).join(', ')} and ${more} more` : takers.join(', ');
}

function refusedText(refusals: readonly GroupRefusal[]): string {
  if (refusals.length === 0) return 'no pool can take it: there is none; add a node group';
  return `no pool can take it: ${countReasons(refusals)}`;
}
