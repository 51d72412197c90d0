import type { PodRecord } from '../../../core/model/pod.ts';
import { containerSizing, type SizingPolicy } from '../../model.ts';

const prefix = 'vpaCpuStartupBoost/';

/** Containers whose start-up boost has not been taken back, by the pod's annotations. */
export function boostedContainers(pod: PodRecord): readonly string[] {
  const { annotations } = pod.shape;
  return Object.keys(annotations).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
}

/**
 * When the boost of the pod's containers ends (§5.7), epoch milliseconds: `undefined` while the pod is not ready. A boost is over later than this instant, or at once when it has no
 * duration.
 */
export function boostEnd(policy: Pick<SizingPolicy, 'containers' | 'startupBoost'>, pod: PodRecord, container: string): number | undefined {
  if (pod.ready !== 'True') return undefined;
  const durationMs = containerSizing(policy.containers, container)?.startupBoost?.durationMs ?? policy.startupBoost?.durationMs ?? 0;
  if (durationMs <= 0) return Number.NEGATIVE_INFINITY;
  return pod.readySince === undefined ? undefined : pod.readySince + durationMs;
}

/** Containers whose boost is over. */
export function expiredBoosts(policy: Pick<SizingPolicy, 'containers' | 'startupBoost'>, pod: PodRecord, now: number): readonly string[] {
  return boostedContainers(pod).filter((container) => {
    const end = boostEnd(policy, pod, container);
    return end !== undefined && now > end;
  });
}
