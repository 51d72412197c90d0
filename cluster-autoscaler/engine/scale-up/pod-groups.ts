import type { PodRecord } from '../../../core/model/index.ts';
import type { ClassId } from '../scheduling/snapshot.ts';

/** Pending pods that are decided about together (§8.1). */
export interface PodGroup {
  readonly podClass: ClassId;
  /** By {@link comparePods}; the first is the one that is looked at. */
  readonly pods: readonly PodRecord[];
  /** Each pod is a group of its own upstream. */
  readonly apart?: boolean | undefined;
}

/** Different pods of one controller that make groups; further ones are on their own (upstream's maxEquivalenceGroupsByController). */
const groupsOfController = 10;

/**
 * Groups pods: equal pods of one controller are a group, the first ten kinds of each controller; all other pods (without controller, of DaemonSets, of
 * an eleventh kind) are groups of their own upstream. Such pods are taken together where that changes nothing: their class has neither a required spread
 * nor a required pod affinity, so that a node which once refused one of them refuses all later ones, and the estimator packs them as it would one by one. Groups come in the order of their first pods, where upstream has the order of a hash map.
 */
export function groupPods(pods: readonly PodRecord[], classOf: (pod: PodRecord) => ClassId): readonly PodGroup[] {
  const groups: { podClass: ClassId; pods: PodRecord[]; apart: boolean }[] = [];
  const ofController = new Map<string, Map<ClassId, PodRecord[]>>();
  const together = new Map<ClassId, PodRecord[]>();
  const open = (podClass: ClassId, pod: PodRecord, apart: boolean): PodRecord[] => {
    const group = { podClass, pods: [pod], apart };
    groups.push(group);
    return group.pods;
  };
  for (const pod of sortedPods(pods)) {
    const podClass = classOf(pod);
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      let kinds = ofController.get(owner);
      if (kinds === undefined) ofController.set(owner, (kinds = new Map()));
      const kind = kinds.get(podClass);
      if (kind !== undefined) {
        kind.push(pod);
        continue;
      }
      if (kinds.size < groupsOfController) {
        kinds.set(podClass, open(podClass, pod, false));
        continue;
      }
    }
    const same = together.get(podClass);
    if (same !== undefined) same.push(pod);
    else {
      const own = open(podClass, pod, true);
      if (refusalsLast(pod)) together.set(podClass, own);
    }
  }
  return groups;
}

function controllerOf({ owner }: PodRecord): string | undefined {
  return owner === undefined || owner.kind === 'DaemonSet' ? undefined : owner.uid;
}

/** Whether a node that refuses a pod of the class goes on refusing it however many pods are placed. */
function refusalsLast({ shape }: PodRecord): boolean {
  const affinity = shape.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return affinity.length === 0 && shape.topologySpread.every(({ whenUnsatisfiable }) => whenUnsatisfiable !== 'DoNotSchedule');
}

/** In the order of {@link comparePods}; the list itself if it is sorted already. */
export function sortedPods(pods: readonly PodRecord[]): readonly PodRecord[] {
  for (let index = 1; index < pods.length; index++) {
    const [before, pod] = [pods[index - 1], pods[index]];
    if (before !== undefined && pod !== undefined && comparePods(before, pod) > 0) return pods.toSorted(comparePods);
  }
  return pods;
}

/** Oldest first (without creation time last), then by namespace, name and uid: the order in which pods are decided about and reported. */
export function comparePods(a: PodRecord, b: PodRecord): number {
  if (a.created !== b.created) return (a.created ?? Number.MAX_VALUE) - (b.created ?? Number.MAX_VALUE);
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name) || compareText(a.uid, b.uid);
}

/** By UTF-16 units, whatever the locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
