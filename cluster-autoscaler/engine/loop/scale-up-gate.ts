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

function areNew(
  pods: readonly PodRecord[],
  { now, lastPodAt }: Pick<LoopInput, 'now' | 'lastPodAt'>,
  quietMs: number | undefined,
): boolean {
  const more = quietMs === undefined || (lastPodAt ?? newest(pods)) + quietMs > now;
  if (oldest(pods) + newPodsMs > now && more) return true;
  const gpuPods = pods.filter(asksForGpu);
  return gpuPods.length > 0 && oldest(gpuPods) + newGpuPodsMs > now;
}

function newest(pods: readonly PodRecord[]): number {
  return pods.reduce((last, { created = Number.NEGATIVE_INFINITY }) => Math.max(last, created), Number.NEGATIVE_INFINITY);
}

function oldest(pods: readonly PodRecord[]): number {
  return pods.reduce((first, { created = Number.NEGATIVE_INFINITY }) => Math.min(first, created), Number.POSITIVE_INFINITY);
}
