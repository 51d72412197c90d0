import { parseTime } from '../../../../core/model/condition.ts';
import { conditionOf, isReady, type Pod, uidOf } from '../kinds.ts';

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * Orders pods by how gladly they are deleted, as the ReplicaSet controller: unassigned, pending, not ready, lower deletion cost, more
 * related pods on the node, ready for a shorter time, more restarts, younger. Ages are compared by their power of two, and within one
 * by uid, so that scaling down does not always hit the newest failure domain. `doubled` counts related active pods by node.
 */
export function rankForDeletion(pods: readonly Pod[], doubled: ReadonlyMap<string, number>, now: number): Pod[] {
  const ranked = pods.map((pod) => describe(pod, doubled, now));
  ranked.sort(compare);
  return ranked.map((entry) => entry.pod);
}

interface Ranked {
  readonly pod: Pod;
  /** Compared in turn, the smaller is deleted first. */
  readonly keys: readonly number[];
  /** Power of two of the nanoseconds since Ready; nothing when not ready or unknown. */
  readonly readyAge: number | undefined;
  readonly restarts: number;
  readonly age: number | undefined;
  readonly uid: string;
}

function describe(pod: Pod, doubled: ReadonlyMap<string, number>, now: number): Ranked {
  const ready = isReady(pod);
  const assigned = pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
  return {
    pod,
    keys: [
      assigned ? 1 : 0,
      phaseRank[pod.status?.phase ?? 'Pending'] ?? 2,
      ready ? 1 : 0,
      deletionCost(pod),
      -(doubled.get(pod.spec.nodeName ?? '') ?? 0),
    ],
    readyAge: ready ? logAge(conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime, now) : undefined,
    restarts: Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0)),
    age: logAge(pod.metadata.creationTimestamp, now),
    uid: uidOf(pod),
  };
}

function compare(a: Ranked, b: Ranked): number {
  for (let index = 0; index < a.keys.length; index++) {
    const difference = (a.keys[index] ?? 0) - (b.keys[index] ?? 0);
    if (difference !== 0) return difference;
  }
  const readyDifference = compareAges(a.readyAge, b.readyAge, a.uid, b.uid);
  if (readyDifference !== 0) return readyDifference;
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  return compareAges(a.age, b.age, a.uid, b.uid) || (a.uid < b.uid ? -1 : 1);
}

/** Unknown ages go first; equal powers of two are decided by uid. Both unknown: no difference. */
function compareAges(a: number | undefined, b: number | undefined, uidA: string, uidB: string): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  return a !== b ? a - b : uidA < uidB ? -1 : 1;
}

function logAge(time: string | undefined, now: number): number | undefined {
  const at = parseTime(time);
  if (at === undefined) return undefined;
  const nanoseconds = (now - at) * 1_000_000;
  return nanoseconds > 0 ? Math.floor(Math.log2(nanoseconds)) : -1;
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation];
  return text !== undefined && /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

/** How many of the pods are on each node. */
export function countByNode(pods: Iterable<Pod>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.spec.nodeName;
    if (node !== undefined && node !== '') counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  if (!isReady(pod)) return false;
  return minReadySeconds === 0 || availableInMs(pod, minReadySeconds, now) === 0;
}

/** Milliseconds until a ready pod is available; 0 when it is. */
export function availableInMs(pod: Pod, minReadySeconds: number, now: number): number {
  const since = parseTime(conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime);
  return since === undefined ? minReadySeconds * 1000 : Math.max(0, since + minReadySeconds * 1000 - now);
}
