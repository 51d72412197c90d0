import type { PodRecord } from '../../../core/model/index.ts';
import type { LoopContext } from './context.ts';
import type { LoopInput } from '../model.ts';
import type { PendingPodReport, ScaleUpOutcome } from './model.ts';
import { asksForGpu } from './view.ts';

/** Pods are waited for while the oldest is younger than this: more of them may come. Milliseconds. */
const newPodsMs = 2_000;
/** The same for pods that ask for GPUs, whose nodes are dear. */
const newGpuPodsMs = 30_000;

/** Why no scale-up is tried (§3.15); `undefined`: it is. */
export function holdOfScaleUp(pods: readonly PodRecord[], { input, options, view }: LoopContext): ScaleUpOutcome | undefined {
  if (pods.length === 0) return 'NotNeeded';
  if (options.maxNodesTotal > 0 && view.readyCount >= options.maxNodesTotal) return 'LimitedByMaxNodesTotal';
  if (options.bypassedSchedulerNames.length === 0 && areNew(pods, input, options.newPodsQuietMs)) return 'InCooldown';
  return undefined;
}

/** What becomes of the pods when no scale-up is tried. */
export function waitingPods(pods: readonly PodRecord[], hold: ScaleUpOutcome, { options }: LoopContext): readonly PendingPodReport[] {
  const message =
    hold === 'LimitedByMaxNodesTotal'
      ? `the cluster has as many ready nodes as it may have (${options.maxNodesTotal})`
      : 'all pending pods are new: more may come, the next loop looks again';
  return pods.map(({ namespace, name, uid }) => ({ namespace, name, uid, state: 'waits', refusals: [], message }));
}

function areNew(pods: readonly PodRecord[], input: LoopInput, quietMs: number | undefined): boolean {
  const { now, lastPodAt } = input;
  const moreCome = (): boolean => quietMs === undefined || (lastPodAt ?? newest(pods)) + quietMs > now || areBeingMade(pods, input);
  if (oldest(pods) + newPodsMs > now && moreCome()) return true;
  const gpuPods = pods.filter(asksForGpu);
  return gpuPods.length > 0 && oldest(gpuPods) + newGpuPodsMs > now;
}

/** Whether a controller of the pods is to have more than the scheduler has looked at: the others are about to be made, or to turn unschedulable, too. */
function areBeingMade(pods: readonly PodRecord[], { controllers, pods: all }: LoopInput): boolean {
  const missing = new Map<string, number>();
  for (const { namespace, owner } of pods) {
    if (owner === undefined || controllers === undefined) continue;
    const wanted = controllers.get(`${owner.kind}/${namespace}/${owner.name}`);
    if (wanted?.specReplicas !== undefined && wanted.uid === owner.uid) missing.set(wanted.uid, wanted.specReplicas);
  }
  if (missing.size === 0) return false;
  for (const pod of all) {
    const uid = pod.owner?.uid ?? '';
    const left = missing.get(uid);
    if (left !== undefined && isLookedAt(pod)) missing.set(uid, left - 1);
  }
  return [...missing.values()].some((left) => left > 0);
}

function isLookedAt({ deleted, nodeName, unschedulable }: PodRecord): boolean {
  return deleted === undefined && (nodeName !== undefined || unschedulable);
}

function newest(pods: readonly PodRecord[]): number {
  return pods.reduce((last, { created = Number.NEGATIVE_INFINITY }) => Math.max(last, created), Number.NEGATIVE_INFINITY);
}

function oldest(pods: readonly PodRecord[]): number {
  return pods.reduce((first, { created = Number.NEGATIVE_INFINITY }) => Math.min(first, created), Number.POSITIVE_INFINITY);
}
