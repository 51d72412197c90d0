import type { PodRecord } from '../../../core/model/index.ts';
import { tryParseDurationMs } from '../../../core/units/index.ts';
import type { LoopInput } from '../model.ts';
import { filterOutInSteps, hintKey, type PlacementHints, type SchedulingSnapshot } from '../scheduling/index.ts';
import { isDaemonPod } from '../templates/index.ts';
import type { LoopOptions, PendingPodReport } from './model.ts';
import { breathe, type Pace, type Pausing } from './pace.ts';
import { isExpendable, type LoopView } from './view.ts';

/** Pods for which nodes are to be bought, and what became of the others (§7). */
export interface PodsToHelp {
  readonly pods: readonly PodRecord[];
  /** Pods that need no node, and why. */
  readonly settled: readonly PendingPodReport[];
  /** Where pods found room: to be handed in again. */
  readonly hints: PlacementHints;
  /** Controllers with more different pods without a place than are remembered. */
  readonly overflowingControllers: number;
  /** Pods for which no place was sought. */
  readonly notTried: number;
}

/** Room for pods is sought in the snapshot; what is found stays taken for the rest of the loop. */
export function* podsToHelp(
  { pending, podsByNode }: Pick<LoopView, 'pending' | 'podsByNode'>,
  input: Pick<LoopInput, 'now' | 'deletions'>,
  { snapshot, hints, extra, options, pace }: HelpContext,
): Pausing<PodsToHelp> {
  const settled: PendingPodReport[] = [];
  const settle = (pod: PodRecord, state: PendingPodReport['state'], message: string): void => {
    settled.push({ namespace: pod.namespace, name: pod.name, uid: pod.uid, state, refusals: [], message });
  };
  const drained = new Set<PodRecord>();
  const candidates: PodRecord[] = [];
  for (const pod of [...extra, ...pending]) {
    if (isExpendable(pod, options))
      settle(pod, 'skipped', `its priority ${pod.shape.priority} is below ${options.expendablePodsPriorityCutoff}`);
    else candidates.push(pod);
  }
  for (const { node, kind } of input.deletions.running) {
    if (kind !== 'drain') continue;
    for (const pod of (podsByNode.get(node) ?? []).filter(isRecreated)) {
      const successor = { ...pod, nodeName: undefined };
      drained.add(successor);
      candidates.push(successor);
    }
  }

  const steps = filterOutInSteps(snapshot, candidates, hints);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) yield* breathe(pace);
  const { pending: homeless, placed, overflowingControllers } = step.value;
  for (const { pod, node } of placed) {
    if (!drained.has(pod)) settle(pod, 'scheduled', `room is there or coming on ${snapshot.node(node).name}`);
  }
  const pods: PodRecord[] = [];
  for (const pod of homeless) {
    const delayMs = scaleUpDelay(pod, options);
    if (isDaemonPod(pod)) settle(pod, 'skipped', 'it is of a DaemonSet: nodes are not bought for it');
    // A pod is old enough when its age is more than the delay, also where there is no delay.
    else if (pod.created !== undefined && input.now - pod.created <= delayMs)
      settle(pod, 'skipped', `it is not older than ${delayMs / 1000} s yet`);
    else pods.push(pod);
  }
  return {
    pods,
    settled,
    hints: new Map(placed.map(({ pod, node }) => [hintKey(pod), snapshot.node(node).name])),
    overflowingControllers,
    notTried: candidates.length - placed.length - homeless.length,
  };
}

/** What {@link podsToHelp} works on and with. */
export interface HelpContext {
  readonly snapshot: SchedulingSnapshot;
  readonly hints: PlacementHints;
  /** Pods that do not exist yet and are asked for by others. */
  readonly extra: readonly PodRecord[];
  readonly options: LoopOptions;
  readonly pace: Pace;
}

/** Somebody will make it again when it is evicted (ownerless pods are taken to be made again, as upstream does). */
function isRecreated(pod: PodRecord): boolean {
  return pod.deleted === undefined && !pod.mirror && !isDaemonPod(pod);
}

/** Time that a pod waits before nodes are bought for it: the flag's, or that of its annotation if it is longer. */
function scaleUpDelay(pod: PodRecord, { newPodScaleUpDelayMs }: LoopOptions): number {
  const own = tryParseDurationMs(pod.shape.annotations['cluster-autoscaler.kubernetes.io/pod-scale-up-delay']);
  return own === undefined ? newPodScaleUpDelayMs : Math.max(own, newPodScaleUpDelayMs);
}
